"""Every quirk of the service with every way to upload: one video with the right bytes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from apivideo_async import ApiVideoClient, RetryPolicy, Timeouts, UploadItem, Video
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
        assert list(emu.state.videos) == [video.video_id]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("quirk", QUIRKS)
async def test_every_quirk_with_every_way(tmp_path: Path, way: str, quirk: str) -> None:
    await check(way, quirk, path=tmp_path / "clip.mp4")
