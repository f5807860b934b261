"""Capacity for chunks: never more than the width, and uploads that share it take turns."""

import asyncio

from apivideo_async import ApiVideoClient, UploadOptions
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.uploads.adaptive import AdaptiveConcurrency
from apivideo_async.uploads.capacity import Capacity
from apivideo_async.uploads.uploader import Uploader
from tests.conftest import CHUNK, data_of, options, sha256


async def test_at_most_width_callers_hold_capacity() -> None:
    capacity = Capacity(3)
    inside = most = 0

    async def work() -> None:
        nonlocal inside, most
        async with capacity.hold():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert most == 3


async def test_a_caller_that_is_cancelled_while_it_waits_takes_no_capacity() -> None:
    capacity = Capacity(1)
    async with capacity.hold():
        waiting = asyncio.create_task(capacity._queue.wait(None))
        admitted = asyncio.create_task(capacity._queue.wait(None))
        await asyncio.sleep(0)
        waiting.cancel()
    admitted.cancel()  # It was admitted and has not continued yet.
    await asyncio.gather(waiting, admitted, return_exceptions=True)
    async with asyncio.timeout(60), capacity.hold():
        pass


async def test_uploads_that_share_capacity_take_turns() -> None:
    capacity = Capacity(1)
    order = ""

    async def work(upload: str) -> None:
        nonlocal order
        async with capacity.hold(upload):
            order += upload
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for upload in "aaaaaabb":
            group.create_task(work(upload))
    assert order == "aababaaa"  # Nothing else was waiting when the first one came.


async def test_a_larger_width_admits_waiting_chunks_at_once() -> None:
    adaptive = AdaptiveConcurrency(1, 4)
    capacity = Capacity(adaptive)
    async with asyncio.TaskGroup() as group, capacity.hold():
        entered = asyncio.Event()

        async def work() -> None:
            async with capacity.hold():
                entered.set()

        group.create_task(work())
        await asyncio.sleep(0)
        assert not entered.is_set()
        for tenth in range(1, 4):
            capacity.count_sent(50_000_000, tenth / 5)
        assert capacity.width == 2
        await asyncio.wait_for(entered.wait(), 60)


def test_the_width_follows_the_options_and_the_number_of_uploads() -> None:
    assert [
        Capacity.of(UploadOptions(concurrency=3)).width,
        Capacity.of(UploadOptions(concurrency=3), 8).width,
    ] == [3, 8]
    assert [Capacity.of(UploadOptions()).width, Capacity.of(UploadOptions(), 12).width] == [8, 12]
    assert Capacity.of(UploadOptions(max_concurrency=2)).width == 2


async def test_failures_reduce_the_width_of_an_adaptive_upload(
    emu: Emulator, client: ApiVideoClient
) -> None:
    """The server aborts the first attempts; the upload continues with fewer chunks at once."""
    data = data_of(12 * CHUNK)
    emu.faults.add(Fault("videos.upload", "reset-before", times=4))
    capacity = Capacity(AdaptiveConcurrency(4, 16))
    container = await client.videos.create(title="t")
    uploader = Uploader(client._pipeline, options(concurrency="auto"), None, capacity)
    await uploader.into_container(container.video_id, data)
    assert emu.sha256(container.video_id) == sha256(data)
    assert capacity.width < 4


async def test_a_chunk_that_waits_for_its_next_attempt_holds_no_capacity(
    emu: Emulator, client: ApiVideoClient
) -> None:
    """Otherwise an upload with a reduced width would continue with the old one."""
    emu.faults.add(Fault("videos.upload", "status", status=503))
    container = await client.videos.create(title="t")
    uploader = Uploader(client._pipeline, options(concurrency="auto"), None, Capacity(1))
    # Otherwise the last chunk would wait for a chunk of its size to be accepted.
    client._pipeline.profile.count_accepted(CHUNK)
    await uploader.into_container(container.video_id, data_of(2 * CHUNK))
    starts = [r.content_range.split("-")[0] for r in emu.requests if r.operation == "videos.upload"]
    assert starts == ["bytes 0", f"bytes {CHUNK}", "bytes 0"]


async def test_with_a_bandwidth_limit_fewer_chunks_start_unless_the_number_is_fixed() -> None:
    limit: int | None = 1_000
    automatic = Capacity.of(UploadOptions(), limit_rate=lambda: limit)
    shared = Capacity.of(UploadOptions(), 5, lambda: limit)
    fixed = Capacity.of(UploadOptions(concurrency=6), limit_rate=lambda: limit)
    for capacity, width in ((automatic, 2), (shared, 5), (fixed, 6)):
        async with capacity.hold():
            assert capacity.width == width
    limit = None
    automatic.count_sent(1, asyncio.get_running_loop().time())
    assert automatic.width == 2
