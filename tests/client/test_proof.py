"""Success is reported only when it is proven."""

import asyncio
import io
import logging
import os
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from apivideo_async import (
    ApiVideoClient,
    ConfigurationError,
    NotFoundError,
    RateLimitError,
    RetryPolicy,
    Source,
    SourceError,
    UploadError,
    Video,
)
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.resources import _key_records
from tests.client.test_uploads import interrupted, uploads
from tests.conftest import CHUNK, QUICK, REFUSED, blocks_of, data_of, options, sha256

DATA = data_of(5 * CHUNK)


# -- rivals


@pytest.mark.parametrize("sizes", [(1_000, 2_000), (8 * CHUNK, 8 * CHUNK), (8 * CHUNK, 9 * CHUNK)])
async def test_of_two_uploads_into_one_container_at_most_one_succeeds(
    emu: Emulator, client: ApiVideoClient, sizes: tuple[int, int]
) -> None:
    container = await client.videos.create(title="t")
    files = [data_of(size, seed) for seed, size in enumerate(sizes)]
    results = await asyncio.gather(
        *(client.videos.upload(container.video_id, data) for data in files), return_exceptions=True
    )
    for data, result in zip(files, results, strict=True):
        if isinstance(result, Video):
            assert emu.sha256(container.video_id) == sha256(data)
        else:
            assert isinstance(result, UploadError)
    assert not all(isinstance(result, Video) for result in results)


class Overtaken(Source):
    """While its second chunk is read, what an interrupted call had sent of it arrives."""

    name, size = "overtaken", len(DATA)

    def __init__(self, emu: Emulator, video_id: str, parts: str) -> None:
        self._late = f"{emu.url}/videos/{video_id}/source"
        self._basic = "Basic " + b64encode(f"{emu.api_key}:".encode()).decode()
        self._range = parts

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        if start == CHUNK:
            form = aiohttp.FormData()
            form.add_field("file", DATA[CHUNK : 2 * CHUNK], filename="late")
            headers = {"Content-Range": self._range, "Authorization": self._basic}
            async with (
                aiohttp.ClientSession() as session,
                session.post(self._late, data=form, headers=headers) as late,
            ):
                assert late.status == 201
        yield DATA[start : start + size]


@pytest.mark.parametrize(
    ("mode", "arrives"),
    [("bytes", f"bytes {CHUNK}-{2 * CHUNK - 1}/{len(DATA)}"), ("part", "part 2/5")],
)
async def test_what_an_interrupted_call_had_under_way_may_arrive_late(
    emu: Emulator, client: ApiVideoClient, mode: str, arrives: str
) -> None:
    """The status did not have it when the next call began, and the repeat is refused."""
    container = await client.videos.create(title="t")
    given = options(mode=mode, concurrency=1)
    emu.faults.add(Fault("videos.upload", "status", nth=2, **REFUSED))
    with pytest.raises(UploadError):
        await client.videos.upload(container.video_id, DATA, options=given)
    source = Overtaken(emu, container.video_id, arrives)
    await client.videos.upload(container.video_id, source, options=given)
    assert emu.sha256(container.video_id) == sha256(DATA)


async def test_calls_with_one_key_at_the_same_time_make_one_video(
    emu: Emulator, client: ApiVideoClient
) -> None:
    videos = await asyncio.gather(
        *(client.upload(DATA, title="t", idempotency_key="k") for _ in range(3))
    )
    assert len({video.video_id for video in videos}) == 1
    assert emu.sha256(videos[0].video_id) == sha256(DATA)
    made = await asyncio.gather(
        *(client.videos.create(title="t", idempotency_key="m") for _ in range(3))
    )
    assert len({video.video_id for video in made}) == 1
    assert _key_records._locks == {}


# -- answers that prove nothing


@pytest.mark.parametrize("kind", ["whole", "bytes", "token"])
@pytest.mark.parametrize("status", [200, 201])
async def test_a_page_with_a_good_status_is_no_receipt(
    emu: Emulator, client: ApiVideoClient, kind: str, status: int
) -> None:
    """A captive portal answers 200 to everything."""
    page = {"status": status, "body": "<html>log in</html>", "content_type": "text/html"}
    operation = "videos.upload_with_token" if kind == "token" else "videos.upload"
    data = DATA[:100] if kind == "whole" else DATA
    emu.faults.add(Fault(operation, "status", nth=1 if kind == "whole" else 2, **page))  # type: ignore[arg-type]
    if kind == "token":
        container = await client.videos.create(title="t")
        token = await client.upload_tokens.create()
        video = await client.videos.upload_with_token(
            token.token, data, video_id=container.video_id
        )
    else:
        video = await client.upload(data, title="t")
    assert emu.sha256(video.video_id) == sha256(data)


async def test_a_portal_that_stays_is_an_error(emu: Emulator, client: ApiVideoClient) -> None:
    emu.faults.add(
        Fault(
            "videos.upload",
            "status",
            status=200,
            body="<html>",
            content_type="text/html",
            times=None,
        )
    )
    with pytest.raises(UploadError):
        await client.upload(b"x" * 100, title="t")


async def test_a_status_that_cannot_be_asked_for_is_an_unknown_outcome(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(Fault("videos.get_status", "status", status=500, times=None))
    with pytest.raises(UploadError, match="status of the video cannot be read") as caught:
        await client.upload(DATA, title="t")
    assert caught.value.outcome == "unknown"
    emu.faults.clear()
    emu.requests.clear()
    assert caught.value.video_id is not None
    await client.videos.upload(caught.value.video_id, DATA)
    assert uploads(emu) == []


async def test_a_video_that_is_there_but_cannot_be_shown_is_no_failure(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(
        Fault("videos.upload", "drop-response"),
        Fault("videos.get", "status", status=500, times=None),
    )
    video = await client.upload(b"x" * 100, title="t")
    assert emu.sha256(video.video_id) == sha256(b"x" * 100)


# -- totals that the server was never told


async def half_a_stream(client: ApiVideoClient, mode: str) -> str:
    """Leave two chunks of a stream whose end is unknown."""
    container = await client.videos.create(title="t")

    async def failing() -> AsyncIterator[bytes]:
        yield DATA[: 3 * CHUNK + 1]
        await asyncio.sleep(0.1)
        raise OSError("gone")

    with pytest.raises(SourceError):
        await client.videos.upload(
            container.video_id, failing(), options=options(mode=mode, concurrency=1)
        )
    return container.video_id


@pytest.mark.parametrize("mode", ["bytes", "part"])
@pytest.mark.parametrize("size", [10, CHUNK, 2 * CHUNK])
@pytest.mark.parametrize("kind", ["stream", "bytes"])
async def test_what_cannot_be_completed_is_never_called_complete(
    emu: Emulator, client: ApiVideoClient, mode: str, size: int, kind: str
) -> None:
    video_id = await half_a_stream(client, mode)
    given: Any = DATA[:size] if kind == "bytes" else blocks_of(DATA[:size], 1_000)
    with pytest.raises(UploadError):
        await client.videos.upload(video_id, given)


@pytest.mark.parametrize("kind", ["stream", "bytes"])
@pytest.mark.parametrize("mode", ["bytes", "part"])
async def test_the_same_stream_can_be_finished(
    emu: Emulator, client: ApiVideoClient, mode: str, kind: str
) -> None:
    video_id = await half_a_stream(client, mode)
    await client.videos.upload(video_id, DATA if kind == "bytes" else blocks_of(DATA, 1_000))
    assert emu.sha256(video_id) == sha256(DATA)


@pytest.mark.parametrize("stream", [True, False])
async def test_parts_are_never_continued_with_a_guessed_size(
    emu: Emulator, client: ApiVideoClient, stream: bool
) -> None:
    data = data_of(8 * CHUNK + 5)
    video_id = await interrupted(client, data, "part", 3)
    emu.requests.clear()
    with pytest.raises(UploadError, match="chunk_size it was started with"):
        await client.videos.upload(
            video_id, blocks_of(data, 9_000) if stream else data, options=options(chunk_size=None)
        )
    assert uploads(emu) == []


# -- sources


class Slow(io.BytesIO):
    """A seekable handle with a gap between seek and read."""

    def read(self, size: int | None = -1, /) -> bytes:
        position = self.tell()
        time.sleep(0.002)
        assert self.tell() == position, "another read moved the position in between"
        return super().read(size)


async def test_a_cancelled_read_never_moves_the_position_under_the_next(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(Fault("videos.upload", "reset-before", probability=0.3, times=None))
    for seed in range(8):
        data = data_of(12 * CHUNK, seed)
        video = await client.upload(Slow(data), title="t", idempotency_key=f"k{seed}")
        assert emu.sha256(video.video_id) == sha256(data)


async def test_a_non_blocking_file_is_not_cut_short(client: ApiVideoClient) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.write(writing, bytes(5_000))
    with (
        os.fdopen(reading, "rb", buffering=0) as handle,
        pytest.raises(SourceError, match="non-blocking"),
    ):
        await client.upload(handle, title="t")
    os.close(writing)


async def test_a_pipe_whose_writer_is_silent_does_not_hold_up_a_cancellation(
    client: ApiVideoClient, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    waiting = asyncio.create_task(client.upload(pipe, title="t"))
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, 60)
    keep = os.open(pipe, os.O_RDWR)
    waiting = asyncio.create_task(client.upload(pipe, title="t"))
    await asyncio.sleep(0.2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, 60)
    os.write(keep, b"x")
    os.close(keep)


async def test_reads_that_only_return_an_awaitable_are_readers(
    emu: Emulator, client: ApiVideoClient
) -> None:
    class Wrapped:
        def __init__(self) -> None:
            self._left = [b"one", b"two", b""]

        def read(self, size: int) -> Any:
            async def later() -> bytes:
                return self._left.pop(0)

            return later()

    video = await client.upload(Wrapped(), title="t")
    assert emu.sha256(video.video_id) == sha256(b"onetwo")


async def test_an_iterator_without_aclose_is_a_source(
    emu: Emulator, client: ApiVideoClient
) -> None:
    class Once:
        def __init__(self, data: bytes) -> None:
            self._left = [data]

        def __aiter__(self) -> "Once":
            return self

        async def __anext__(self) -> bytes:
            if not self._left:
                raise StopAsyncIteration
            return self._left.pop()

    class Plain(Source):
        size = 10

        def read(self, start: int, size: int) -> Any:
            return Once(bytes(size))

    for given in (Plain(), Once(bytes(10))):
        video = await client.upload(given, title="t")
        assert emu.sha256(video.video_id) == sha256(bytes(10))


async def test_a_source_whose_read_is_no_generator_says_how_to_write_it(
    client: ApiVideoClient,
) -> None:
    class Wrong(Source):
        size = 10

        async def read(self, start: int, size: int) -> Any:  # type: ignore[override]
            return bytes(size)

    with pytest.raises(SourceError, match="async generator"):
        await client.upload(Wrong(), title="t")


# -- push sessions


async def test_a_write_after_finish_began_is_refused(emu: Emulator, client: ApiVideoClient) -> None:
    container = await client.videos.create(title="t")
    session = client.videos.open_upload(container.video_id)
    await session.write(b"a" * 100)
    finishing = asyncio.create_task(session.finish())
    await asyncio.sleep(0)
    with pytest.raises(ConfigurationError, match="ended"):
        await session.write(b"b")
    await finishing
    assert emu.sha256(container.video_id) == sha256(b"a" * 100)


async def test_a_finish_that_is_given_up_can_be_waited_for_again(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(Fault("videos.upload", "delay", seconds=0.3))
    container = await client.videos.create(title="t")
    session = client.videos.open_upload(container.video_id)
    await session.write(b"a" * 100)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(session.finish(), 0.1)
    assert (await session.finish()).video_id == container.video_id
    assert emu.sha256(container.video_id) == sha256(b"a" * 100)


async def test_a_cancelled_write_may_be_repeated(emu: Emulator, client: ApiVideoClient) -> None:
    """Whoever repeats what was cancelled must not double it."""
    emu.faults.add(Fault("videos.upload", "delay", seconds=0.05, times=None))
    container = await client.videos.create(title="t")
    session = client.videos.open_upload(container.video_id, options=options(concurrency=1))
    for start in range(0, len(DATA), CHUNK // 2):
        while True:
            try:
                await asyncio.wait_for(session.write(DATA[start : start + CHUNK // 2]), 0.01)
                break
            except TimeoutError:
                continue
    await session.finish()
    assert emu.sha256(container.video_id) == sha256(DATA)


async def test_what_ended_a_session_is_told_to_every_later_call(client: ApiVideoClient) -> None:
    session = client.videos.open_upload("viNowhere")
    with pytest.raises(NotFoundError):
        for _ in range(20):
            await session.write(DATA)
    with pytest.raises(NotFoundError):
        await session.write(DATA)
    with pytest.raises(NotFoundError):
        await session.finish()


async def test_an_aborted_session_says_so(client: ApiVideoClient) -> None:
    container = await client.videos.create(title="t")
    session = client.videos.open_upload(container.video_id)
    await session.write(b"x")
    await session.abort()
    with pytest.raises(ConfigurationError, match="aborted"):
        await session.write(b"x")
    with pytest.raises(ConfigurationError, match="aborted"):
        await session.finish()


# -- exchanges of the key, secrets, sessions, loops


async def test_a_refused_exchange_is_no_hot_loop(emu: Emulator) -> None:
    told = {"X-RateLimit-Retry-After": "0.2"}
    emu.faults.add(Fault("auth.authenticate", "status", status=429, headers=told, times=None))
    retry = RetryPolicy(seconds=1, first_delay=0.01)
    async with ApiVideoClient(emu.api_key, base_url=emu.url, retry=retry) as client:
        with pytest.raises(RateLimitError):
            await client.videos.list()
    assert len(emu.requests) <= 7


async def test_a_refresh_that_is_refused_in_any_way_falls_back_to_the_key(emu: Emulator) -> None:
    async with ApiVideoClient(emu.api_key, base_url=emu.url, retry=QUICK) as client:
        await client.videos.list()
        emu.faults.add(
            Fault("videos.list", "expire-tokens"),
            Fault("auth.refresh", "status", status=403, times=None),
        )
        await client.videos.list()


async def test_an_early_renewal_that_fails_leaves_the_token_in_use() -> None:
    async with Emulator(token_lifetime=20) as emu:
        async with ApiVideoClient(emu.api_key, base_url=emu.url, retry=QUICK) as client:
            await client.videos.list()
            from attrs import evolve

            auth = client._pipeline.authenticator
            auth._tokens = evolve(auth._tokens, renew_at=0.0)
            emu.faults.add(Fault("auth.refresh", "status", status=503, times=None))
            await client.videos.list()


async def test_an_upload_token_in_a_path_is_hidden(
    emu: Emulator, client: ApiVideoClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "apivideo_async")
    with pytest.raises(NotFoundError) as caught:
        await client.upload_tokens.get("toSecret")
    with pytest.raises(NotFoundError):
        await client.request("GET", "/upload-tokens/toSecret")
    assert "toSecret" not in caplog.text + repr(caught.value.request) + str(caught.value)


async def test_a_garbled_answer_does_not_show_the_upload_token() -> None:
    import traceback

    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"garbage garbage garbage\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(garbage, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with ApiVideoClient(base_url=url, retry=QUICK) as client:
        with pytest.raises(UploadError) as caught:
            await client.videos.upload_with_token("to" + "Secret", b"x" * 100)
    assert "to" + "Secret" not in "".join(traceback.format_exception(caught.value))
    server.close()


async def test_a_session_that_raises_by_itself_changes_nothing(emu: Emulator) -> None:
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        async with ApiVideoClient(emu.api_key, base_url=emu.url, session=session) as client:
            with pytest.raises(NotFoundError):
                await client.videos.get("viNowhere")


def test_one_client_serves_one_event_loop() -> None:
    with Emulator().in_thread() as emu:
        client = ApiVideoClient(emu.api_key, base_url=emu.url)

        async def use() -> None:
            await client.videos.list()

        async def close() -> None:
            await client.aclose()
            await asyncio.sleep(0.05)  # A connection is closed in the next turn of the loop.

        with asyncio.Runner() as first, asyncio.Runner() as second:
            first.run(use())
            with pytest.raises(ConfigurationError, match="another event loop"):
                second.run(use())
            first.run(close())


async def test_a_408_is_repeated(emu: Emulator, client: ApiVideoClient) -> None:
    emu.faults.add(Fault("videos.upload", "status", status=408))
    video = await client.upload(b"x" * 10, title="t")
    assert emu.sha256(video.video_id) == sha256(b"x" * 10)
