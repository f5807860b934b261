"""Streams that stall, break off, end on a chunk boundary, or yield one byte or all at once."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from apivideo_async import ApiVideoClient, SourceError, Timeouts
from apivideo_async.emulator import Emulator
from tests.client.test_uploads import uploads
from tests.conftest import CHUNK, QUICK, blocks_of, data_of, options, sha256
from tests.ways import sink

MIB = 1024 * 1024
DATA = data_of(4 * CHUNK + 99)
STALL = 0.1


class Stalling:
    """Gives two chunks and a half, and the rest when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.closed = False

    async def blocks(self) -> AsyncIterator[bytes]:
        try:
            yield DATA[: 5 * CHUNK // 2]
            await self.go.wait()
            yield DATA[5 * CHUNK // 2 :]
        finally:
            self.closed = True


@pytest.fixture
async def client(emu: Emulator) -> AsyncIterator[ApiVideoClient]:
    """A client that gives up at once on a body that stands still."""
    impatient = Timeouts(stall=STALL, response=2)
    async with ApiVideoClient(
        emu.api_key, base_url=emu.url, retry=QUICK, upload=options(), timeouts=impatient
    ) as made:
        yield made


async def accepted(emu: Emulator, count: int) -> None:
    """Wait until the server has so many chunks."""
    while len([record for record in uploads(emu) if record.status == 201]) < count:
        await asyncio.sleep(0.005)


async def test_a_stream_that_stalls_delays_no_other_upload_and_continues_when_data_comes(
    emu: Emulator, client: ApiVideoClient
) -> None:
    """What is full is sent meanwhile; no time limit ends what only waits for its source."""
    source = Stalling()
    stalled = asyncio.create_task(client.upload(source.blocks(), title="stalled"))
    async with asyncio.timeout(60):
        await accepted(emu, 2)
        other = await client.upload(blocks_of(DATA, 10_000), title="other")
        await asyncio.sleep(3 * STALL)
    assert emu.sha256(other.video_id) == sha256(DATA)
    assert not stalled.done()
    source.go.set()
    assert emu.sha256((await stalled).video_id) == sha256(DATA)


async def test_a_stream_that_stalls_can_be_cancelled_at_once(
    emu: Emulator, client: ApiVideoClient
) -> None:
    source = Stalling()
    stalled = asyncio.create_task(client.upload(source.blocks(), title="t", idempotency_key="k"))
    await accepted(emu, 2)
    stalled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(stalled, 60)
    assert source.closed
    video = await client.upload(blocks_of(DATA, 10_000), title="t", idempotency_key="k")
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert len(emu.state.videos) == 1


async def test_a_push_session_may_be_silent_for_long(emu: Emulator, client: ApiVideoClient) -> None:
    container = await client.videos.create(title="t")
    async with client.videos.open_upload(container.video_id) as session:
        await session.write(DATA[: 5 * CHUNK // 2])
        await accepted(emu, 2)
        await asyncio.sleep(3 * STALL)
        await session.write(DATA[5 * CHUNK // 2 :])
    assert emu.sha256(container.video_id) == sha256(DATA)


@pytest.mark.parametrize(
    "size", [CHUNK // 2, CHUNK, 3 * CHUNK], ids=["one block", "one chunk", "several chunks"]
)
@pytest.mark.parametrize("last", [b"", None], ids=["an empty block at the end", "nothing after it"])
async def test_a_stream_that_ends_on_a_boundary_says_so_with_its_last_chunk(
    emu: Emulator, client: ApiVideoClient, size: int, last: bytes | None
) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        async for block in blocks_of(DATA[:size], CHUNK // 2):
            yield block
        if last is not None:
            yield last

    video = await client.upload(blocks(), title="t")
    assert emu.sha256(video.video_id) == sha256(DATA[:size])
    expected = [None] if size <= CHUNK else ["part 1/*", "part 2/*", "part 3/3"]
    assert sorted((record.content_range for record in uploads(emu)), key=str) == expected


@pytest.mark.parametrize("after", [1, CHUNK - 1, CHUNK, 2 * CHUNK, 2 * CHUNK + 1])
async def test_a_stream_that_breaks_off_completes_nothing_and_can_be_finished(
    emu: Emulator, client: ApiVideoClient, after: int
) -> None:
    full = max(0, after - 1) // CHUNK * CHUNK
    seen = [0]

    async def breaking() -> AsyncIterator[bytes]:
        async for block in blocks_of(DATA[:after], CHUNK):
            yield block
        while seen[-1] < full:
            await asyncio.sleep(0.005)
        raise ConnectionResetError("the camera went away")

    with pytest.raises(SourceError, match="camera") as caught:
        await client.upload(
            breaking(), title="t", on_progress=lambda progress: seen.append(progress.bytes_accepted)
        )
    error = caught.value
    assert isinstance(error.__cause__, ConnectionResetError)
    assert error.video_id is not None
    assert error.ledger.accepted_bytes == full, "a full chunk waits for one more byte"
    assert not emu.media(error.video_id).complete
    await client.videos.upload(error.video_id, blocks_of(DATA, 10_000))
    assert emu.sha256(error.video_id) == sha256(DATA)
    assert len(uploads(emu)) == 5, "no chunk was sent twice"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_a_byte_at_a_time(emu: Emulator, client: ApiVideoClient, kind: Any) -> None:
    async def drops() -> AsyncIterator[Any]:
        for position in range(CHUNK + 7):
            yield kind(DATA[position : position + 1])

    video = await client.upload(drops(), title="t")
    assert emu.sha256(video.video_id) == sha256(DATA[: CHUNK + 7])
    assert len(uploads(emu)) == 2


@pytest.mark.parametrize("size", [10_000, 50_000, CHUNK, 3 * CHUNK])
async def test_a_buffer_that_is_filled_again_may_be_of_any_size(
    emu: Emulator, client: ApiVideoClient, size: int
) -> None:
    """Small blocks are joined, large ones are kept, and some are larger than a chunk."""

    async def reusing() -> AsyncIterator[memoryview]:
        buffer = bytearray(size)
        for start in range(0, len(DATA), size):
            block = DATA[start : start + size]
            buffer[: len(block)] = block
            yield memoryview(buffer)[: len(block)]
        buffer[:] = bytes(size)

    video = await client.upload(reusing(), title="t", options=options(concurrency=2))
    assert emu.sha256(video.video_id) == sha256(DATA)


async def test_one_huge_block_is_cut_without_a_copy() -> None:
    async def once() -> AsyncIterator[bytes]:
        yield huge

    huge = bytes(100 * MIB)
    with sink() as server:
        async with ApiVideoClient(base_url=server.url) as client:
            await client.videos.upload_with_token("toX", b"warm")
            tracemalloc.start()
            try:
                await client.videos.upload_with_token("toX", once())
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert sum(request.body_bytes for request in server.requests[1:]) > len(huge)
    assert len(server.requests) == 8
    assert peak < 8 * MIB
