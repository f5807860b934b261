"""Every quirk of the service with every way to upload: one video with the right bytes."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import TypeAlias

import pytest

from apivideo_async import (
    ApiVideoClient,
    RetryPolicy,
    ServiceProfile,
    SourceError,
    Timeouts,
    UploadError,
    UploadItem,
    Video,
)
from apivideo_async.emulator import Emulator
from apivideo_async.ingest import Ingest, IngestOptions, Item
from tests.conftest import CHUNK, blocks_of, data_of, options, sha256

DATA = data_of(9 * CHUNK + 1_000)
RETRY = RetryPolicy(first_delay=0.01, longest_delay=0.05, attempts=6, seconds=20, settle=2.0)

Way: TypeAlias = Callable[[ApiVideoClient, Path], Awaitable[Video]]


async def ranges(client: ApiVideoClient, path: Path) -> Video:
    return await client.upload(path, title="t", options=options(mode="bytes"))


async def parts(client: ApiVideoClient, path: Path) -> Video:
    return await client.upload(path, title="t", options=options(mode="part"))


async def stream(client: ApiVideoClient, path: Path) -> Video:
    return await client.upload(blocks_of(path.read_bytes(), 50_000), title="t", options=options())


async def token(client: ApiVideoClient, path: Path) -> Video:
    given = (await client.upload_tokens.create()).token
    return await client.videos.upload_with_token(given, path, options=options())


async def many(client: ApiVideoClient, path: Path) -> Video:
    item = UploadItem(source=path, title="t", idempotency_key="k", options=options())
    [result] = [result async for result in client.upload_many([item])]
    if result.error is not None:
        raise result.error
    assert result.video is not None
    return result.video


async def ingest(client: ApiVideoClient, path: Path) -> Video:
    how = IngestOptions(upload=options(), first_delay=0.05, longest_delay=0.2)
    async with Ingest(client, path.with_name("ledger.db"), options=how) as run:
        [result] = [result async for result in run.run([Item(key="k", uri=str(path))])]
    assert result.outcome == "done", result
    return Video(video_id=result.video_id or "")


WAYS: dict[str, Way] = {
    "ranges": ranges,
    "parts": parts,
    "stream": stream,
    "token": token,
    "upload_many": many,
    "ingest": ingest,
}
QUIRKS = [
    *(f"chunks-in-order={status}" for status in (400, 409, 422)),
    *(f"one-chunk-at-a-time={how}" for how in ("409", "423", "429", "wait")),
    *(f"first-chunk-first={status}" for status in (400, 404, 409)),
    "no-byte-ranges",
    "no-parts",
    "no-unknown-totals",
    f"minimum-chunk={2 * CHUNK}",
    f"minimum-chunk={3 * CHUNK}",
    f"largest-request={CHUNK + 20_000}",
    *(f"upload-response={how}" for how in ("id", "empty", "204", "202", "308", "full")),
    "status-delay=0.4",
    "status-without-ranges",
    "status-without-size",
    "status-uploading=0.4",
    "status-merged-ranges",
    "status-number-strings",
    "list-delay=0.4",
    "list-ignores-metadata",
    "metadata-modified",
    "new-video-delay=0.4",
    *(
        f"rate-headers={how}"
        for how in (
            "absent",
            "partial",
            "zero",
            "timestamp",
            "standard",
            "standard-date",
            "unlimited",
        )
    ),
    "rate-window=sliding",
    "rate-window=token-bucket",
    "problem-json",
    *(
        f"gateway-response={status}-{moment}"
        for status in (403, 404, 409, 425, 499, 520, 524)
        for moment in ("before", "after")
    ),
    "late-chunk=0.2",
    "late-creation=0.2",
    "delivered-twice",
    "private-urls",
]


TWO_CREATIONS = ("late-creation=0.2", "delivered-twice")
IMPOSSIBLE = {
    ("upload-response=empty", "token"): "no response to the first chunk gives the id of its video",
    ("upload-response=204", "token"): "no response to the first chunk gives the id of its video",
    **{
        (quirk, way): "without a key, the second container may be that of another process"
        for quirk in TWO_CREATIONS
        for way in ("ranges", "parts", "stream")
    },
    ("delivered-twice", "token"): "the copy of the first chunk creates a video that nothing names",
    **{
        (f"minimum-chunk={count * CHUNK}", "stream"): "the first chunk is accepted, because it may "
        "be the whole stream, and its bytes are gone when the second one shows that it is too small"
        for count in (2, 3)
    },
}
"""Quirk and way: why no client can do it without the setting that the test below gives."""
PAIRS = 200
GROUP = 10
CONFLICTS = (("no-byte-ranges", "no-parts"),)
"""Pairs that leave no way to send a file of several chunks."""


@asynccontextmanager
async def service(*quirks: str) -> AsyncIterator[tuple[Emulator, ApiVideoClient]]:
    async with (
        Emulator(min_chunk=CHUNK, quirks=quirks, seed=1) as emu,
        ApiVideoClient(
            emu.api_key,
            base_url=emu.url,
            retry=RETRY,
            timeouts=Timeouts(response=5),
            upload=options(),
        ) as client,
    ):
        yield emu, client


async def check(way: str, *quirks: str, path: Path) -> None:
    path.write_bytes(DATA)
    async with service(*quirks) as (emu, client):
        video = await WAYS[way](client, path)
        assert emu.sha256(video.video_id) == sha256(DATA)
        # A request that arrives late may still create a video.
        await asyncio.sleep(0.3 if any("late" in quirk for quirk in quirks) else 0)
        assert [each.id for each in emu.state.videos.values()] == [video.video_id]


COMBINATIONS = [
    pytest.param(quirk, way, marks=() if number % 23 == 0 else pytest.mark.slow)
    for number, (quirk, way) in enumerate(product(QUIRKS, WAYS))
    if (quirk, way) not in IMPOSSIBLE
]


@pytest.mark.parametrize(("quirk", "way"), COMBINATIONS)
async def test_one_video_with_the_right_bytes(tmp_path: Path, quirk: str, way: str) -> None:
    await check(way, quirk, path=tmp_path / "clip.mp4")


def pairs() -> list[tuple[str, str, str]]:
    chance = random.Random(12)
    chosen: list[tuple[str, str, str]] = []
    while len(chosen) < PAIRS:
        one, other = chance.sample(QUIRKS, 2)
        way = chance.choice(list(WAYS))
        names = {quirk.partition("=")[0] for quirk in (one, other)}
        possible = not ({(one, way), (other, way)} & IMPOSSIBLE.keys())
        if possible and len(names) == 2 and names not in [{*pair} for pair in CONFLICTS]:
            chosen.append((one, other, way))
    return chosen


@pytest.mark.slow
@pytest.mark.parametrize("group", range(PAIRS // GROUP))
async def test_two_quirks_at_once(tmp_path: Path, group: int) -> None:
    for one, other, way in pairs()[group * GROUP : (group + 1) * GROUP]:
        folder = tmp_path / f"{one} {other} {way}"
        folder.mkdir()
        try:
            await check(way, one, other, path=folder / "clip.mp4")
        except Exception as error:
            raise AssertionError(f"{one}, {other}, {way}: {error!r}") from error


SHAPED = (
    *((quirk,) for quirk in QUIRKS[: QUIRKS.index("status-delay=0.4")]),
    ("no-unknown-totals", "no-parts"),
    ("no-unknown-totals", "no-byte-ranges"),
    ("no-unknown-totals", "chunks-in-order"),
    ("no-unknown-totals", "one-chunk-at-a-time"),
    (f"minimum-chunk={2 * CHUNK}", "no-parts"),
    (f"minimum-chunk={2 * CHUNK}", "chunks-in-order=409"),
)
"""Quirks that concern the chunks. What a client must do depends on which chunk is refused first."""
SHAPES = 300


async def check_shape(number: int, path: Path) -> None:
    """Upload a source of a random number of chunks, of which several are in flight at once."""
    chance = random.Random(number)
    quirks = chance.choice(SHAPED)
    size = int((chance.randint(0, 6) + chance.choice([0.1, 0.6, 0.8, 1])) * CHUNK)
    given = options(
        mode=chance.choice([None, "part", "bytes"]), concurrency=chance.choice([1, 2, 4, 8])
    )
    data = data_of(size, number)
    streamed = chance.random() < 0.5 and not quirks[0].startswith("minimum-chunk")

    async def blocks() -> AsyncIterator[bytes]:
        start = 0
        while start < size:
            stop = start + chance.randint(1, 3 * CHUNK // 2)
            yield data[start:stop]
            start = stop
            await asyncio.sleep(chance.choice([0, 0, 0.002, 0.01]))

    path.write_bytes(data)
    async with service(*quirks) as (emu, client):
        source = blocks() if streamed else path
        video = await client.upload(source, title="t", options=given)
        assert emu.sha256(video.video_id) == sha256(data), (number, quirks)
        assert list(emu.state.videos) == [video.video_id]


@pytest.mark.parametrize(
    "numbers",
    [
        range(8),
        *(pytest.param(range(n, n + 50), marks=pytest.mark.slow) for n in range(8, SHAPES, 50)),
    ],
    ids=str,
)
async def test_sources_of_any_number_of_chunks(tmp_path: Path, numbers: range) -> None:
    for number in numbers:
        try:
            await check_shape(number, tmp_path / f"{number}.mp4")
        except Exception as error:
            raise AssertionError(f"{number}: {error!r}") from error


@pytest.mark.parametrize("style", ["empty", "204"])
async def test_a_token_upload_without_an_id_in_the_response_names_the_setting(
    tmp_path: Path, style: str
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(DATA)
    async with service(f"upload-response={style}") as (emu, client):
        given = (await client.upload_tokens.create()).token
        with pytest.raises(UploadError, match="pass its video_id"):
            await client.videos.upload_with_token(given, path, options=options())
        container = await client.videos.create(title="t")
        video = await client.videos.upload_with_token(
            given, path, video_id=container.video_id, options=options()
        )
        assert emu.sha256(video.video_id) == sha256(DATA)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("quirk", TWO_CREATIONS)
async def test_a_creation_that_is_executed_twice_needs_a_key(
    tmp_path: Path, quirk: str, streamed: bool
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(DATA)
    for key in (None, "k"):
        async with service(quirk) as (emu, client):
            source = blocks_of(DATA, 50_000) if streamed else path
            video = await client.upload(
                source, title="t", idempotency_key=key, options=options(mode="part")
            )
            assert emu.sha256(video.video_id) == sha256(DATA)
            if key is not None:
                # A request that arrives late would create a video now.
                await asyncio.sleep(0.3 if "late" in quirk else 0)
                assert list(emu.state.videos) == [video.video_id]
            while key is None and len(emu.state.videos) < 2:
                await asyncio.sleep(0.01)


async def test_a_token_upload_that_is_delivered_twice_needs_a_container(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(DATA)
    async with service() as (emu, client):
        given = (await client.upload_tokens.create()).token
        container = await client.videos.create(title="t")
        emu.quirks.add("delivered-twice")
        video = await client.videos.upload_with_token(
            given, path, video_id=container.video_id, options=options()
        )
        assert list(emu.state.videos) == [video.video_id]
        assert emu.sha256(video.video_id) == sha256(DATA)


async def test_a_stream_of_chunks_that_are_too_small_names_the_setting() -> None:
    async with service(f"minimum-chunk={2 * CHUNK}") as (emu, client):
        with pytest.raises(UploadError, match="chunk_size"):
            await client.upload(blocks_of(DATA, 50_000), title="t", options=options())
        large = options(chunk_size=2 * CHUNK)
        video = await client.upload(blocks_of(DATA, 50_000), title="t", options=large)
        assert emu.sha256(video.video_id) == sha256(DATA)


async def test_a_stream_that_fails_while_it_is_spooled_names_its_video() -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield DATA[: 3 * CHUNK]
        raise OSError("gone")

    async with service("no-unknown-totals") as (emu, client):
        with pytest.raises(SourceError, match="gone") as caught:
            await client.upload(failing(), title="t", options=options(concurrency=1))
        assert caught.value.video_id == next(iter(emu.state.videos))


async def test_a_change_is_logged_once_and_kept(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(DATA)
    async with service("no-byte-ranges") as (emu, client):
        with caplog.at_level(logging.WARNING, "apivideo_async.service"):
            for _ in range(2):
                emu.requests.clear()
                await ranges(client, path)
    [record] = caplog.records
    assert "no-byte-ranges" in record.getMessage()
    assert client.profile == ServiceProfile(byte_ranges=False)
    assert [each.status for each in emu.requests if each.operation == "videos.upload"] == [201] * 10
