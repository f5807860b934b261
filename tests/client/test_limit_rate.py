"""``limit_rate``: one limit for all files of a client, which can be changed at any time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp.abc import AbstractStreamWriter

from apivideo_async import (
    ApiVideoClient,
    ConfigurationError,
    RetryPolicy,
    Timeouts,
    UploadProgress,
)
from apivideo_async.emulator import Emulator
from apivideo_async.http.multipart import SMALL, MultipartBody
from apivideo_async.http.outage import Outage
from apivideo_async.http.watchdog import Watchdog
from apivideo_async.protocol.request import FilePart, Multipart
from apivideo_async.rate_limit.bandwidth import Bandwidth
from tests.conftest import CHUNK, blocks_of, data_of, options, sha256

DATA = data_of(3 * CHUNK + 9)
FAST = 50_000_000
JPEG = b"\xff\xd8\xff" + bytes(5_000)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def limited(emu: Emulator) -> ApiVideoClient:
    """A client that sends one byte a second, and whose watchdog is much quicker than that."""
    return ApiVideoClient(
        emu.api_key,
        base_url=emu.url,
        limit_rate=1,
        upload=options(),
        timeouts=Timeouts(stall=0.02, response=30),
        retry=RetryPolicy(attempts=1),
    )


def bodies(emu: Emulator) -> list[str]:
    """Operations of requests that arrived, even if their body is incomplete."""
    return [record.operation for record in emu.requests]


async def test_a_wait_for_the_limit_is_not_a_stall(emu: Emulator, limited: ApiVideoClient) -> None:
    """Between two bytes, the watchdog looks many times. Then the limit is removed."""
    async with limited:
        upload = asyncio.create_task(limited.upload(DATA, title="t"))
        await until(lambda: "videos.create" in bodies(emu))
        await asyncio.sleep(0.3)
        assert not upload.done()
        limited.limit_rate = None
        video = await upload
    assert emu.sha256(video.video_id) == sha256(DATA)


async def test_small_files_and_attachments_wait_too(emu: Emulator, limited: ApiVideoClient) -> None:
    async with limited:
        video = await limited.videos.create(title="t")
        small = asyncio.create_task(limited.videos.upload(video.video_id, b"x" * 100))
        picture = asyncio.create_task(limited.videos.upload_thumbnail(video.video_id, JPEG))
        await asyncio.sleep(0.2)
        assert not small.done()
        assert not picture.done()
        # A request without a file does not wait.
        assert (await limited.videos.get(video.video_id)).title == "t"
        limited.limit_rate = FAST
        await small
        await picture
    assert emu.media(video.video_id).complete


async def test_a_cancelled_upload_ends_at_once_and_does_not_hold_up_others(
    emu: Emulator, limited: ApiVideoClient
) -> None:
    async with limited:
        first = asyncio.create_task(limited.upload(DATA, title="first"))
        second = asyncio.create_task(limited.upload(DATA, title="second"))
        await until(lambda: bodies(emu).count("videos.create") == 2)
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        limited.limit_rate = FAST
        video = await second
    assert emu.sha256(video.video_id) == sha256(DATA)


async def test_many_uploads_and_streams_arrive_whole_with_a_limit(
    emu: Emulator, limited: ApiVideoClient
) -> None:
    limited.limit_rate = 2_000_000
    async with limited:
        sources = [data_of(size, seed=size) for size in (1, SMALL, SMALL + 1, 2 * CHUNK + 1)]
        streams = [blocks_of(data, 20_000) for data in sources]
        given: list[Any] = [*sources, *streams]
        results = [result async for result in limited.upload_many(given)]
    assert [result.error for result in results] == [None] * len(given)
    arrived = sorted(emu.sha256(result.video.video_id) for result in results if result.video)
    assert arrived == sorted(2 * [sha256(data) for data in sources])


async def test_copies_share_the_limit(limited: ApiVideoClient) -> None:
    async with limited:
        copy = limited.with_options(timeouts=Timeouts())
        assert copy.limit_rate == 1
        copy.limit_rate = 7
        assert limited.limit_rate == 7
        limited.limit_rate = None
        assert copy.limit_rate is None


async def test_the_progress_with_a_limit_is_that_of_the_bytes_that_left(
    emu: Emulator, limited: ApiVideoClient
) -> None:
    seen: list[UploadProgress] = []
    limited.limit_rate = 300_000
    async with limited:
        await limited.upload(DATA, title="t", on_progress=seen.append)
    assert all(event.bytes_accepted <= event.bytes_sent <= len(DATA) for event in seen)
    assert seen[-1].bytes_sent == seen[-1].bytes_accepted == len(DATA)


@pytest.mark.parametrize("wrong", [0, -5, 2.5, "20M", True])
async def test_wrong_limits_are_refused_at_construction_and_later(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="limit_rate"):
        ApiVideoClient("key", limit_rate=wrong)
    async with ApiVideoClient("key") as client:
        with pytest.raises(ConfigurationError, match="limit_rate"):
            client.limit_rate = wrong
        assert client.limit_rate is None


# -- the body


class Connection(asyncio.Transport):
    """A transport with ``buffered`` unsent bytes."""

    buffered = 0

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def is_closing(self) -> bool:
        return False


class Writer(AbstractStreamWriter):
    """Keeps what is written."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.connection = Connection()

    @property
    def transport(self) -> Connection:
        return self.connection

    async def write(self, chunk: Any) -> None:
        self.kept.append(bytes(chunk))
        self.output_size += len(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        raise AssertionError

    async def drain(self) -> None:
        raise AssertionError

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        raise AssertionError

    def enable_chunking(self) -> None:
        raise AssertionError

    async def write_headers(self, status_line: str, headers: Any) -> None:
        raise AssertionError


def body_of(data: bytes, limit: int | None, block: int = 256 * 1024) -> MultipartBody:
    part = FilePart("f", len(data), lambda: blocks_of(data, block))
    return MultipartBody(Multipart(part), Bandwidth(limit))


@pytest.mark.parametrize("size", [1, SMALL, SMALL + 1, 700_000])
async def test_a_body_is_written_in_slices_of_the_limit(size: int) -> None:
    data = data_of(size)
    body, writer = body_of(data, 4_000_000), Writer()
    await body.write(writer)
    content = b"".join(writer.kept)
    assert len(content) == body.size
    assert content[content.index(b"\r\n\r\n") + 4 : content.rindex(b"\r\n--")] == data
    assert max(map(len, writer.kept)) <= 200_000  # 0.05 s of the limit.
    assert body.file_left() == size


async def test_without_a_limit_blocks_are_not_divided() -> None:
    body, writer = body_of(data_of(700_000), None), Writer()
    await body.write(writer)
    assert [len(part) for part in writer.kept][1:-1] == [262_144, 262_144, 175_712]


def outage() -> Outage:
    async def probe() -> bool:
        return True

    return Outage(probe)


async def test_a_connection_that_is_stuck_is_a_stall_also_with_a_limit() -> None:
    """The body waits for the limit, but earlier bytes are not accepted by the connection."""
    body, writer = body_of(data_of(SMALL + 1), 1), Writer()
    writing = asyncio.create_task(body.write(writer))
    await until(lambda: body.throttled)
    writer.connection.buffered = 10
    assert not body.throttled
    with pytest.raises(TimeoutError, match="no byte was sent"):
        async with Watchdog(Timeouts(stall=0.01), body, outage()):
            await writing
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)


async def test_the_time_for_the_response_begins_when_the_last_byte_has_left() -> None:
    """On a slow line, buffers of the system still empty after the body was written."""
    body, writer = body_of(data_of(10), None), Writer()
    await body.write(writer)
    writer.connection.buffered = 1_000
    limit = 0.15
    loop = asyncio.get_running_loop()

    async def empty() -> None:
        for _ in range(10):
            await asyncio.sleep(limit / 3)
            writer.connection.buffered -= 100

    began = loop.time()
    with pytest.raises(TimeoutError, match="no response"):
        async with Watchdog(Timeouts(response=limit), body, outage()) as watchdog:
            watchdog.await_response()
            await asyncio.gather(empty(), asyncio.sleep(60))
    assert loop.time() - began >= limit / 3 * 10
    assert writer.connection.buffered == 0
