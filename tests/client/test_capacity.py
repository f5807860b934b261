"""Room for chunks: never more than the width, and uploads that share it take turns."""

import asyncio

from apivideo_async import ApiVideoClient, UploadOptions
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.uploads.adaptive import AdaptiveConcurrency
from apivideo_async.uploads.capacity import Capacity
from apivideo_async.uploads.uploader import Uploader
from tests.conftest import CHUNK, data_of, options, sha256


async def test_no_more_hold_a_slot_than_there_are() -> None:
    slots = Capacity(3)
    inside = most = 0

    async def work() -> None:
        nonlocal inside, most
        async with slots.slot():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert most == 3


async def test_who_is_cancelled_while_waiting_takes_no_slot() -> None:
    slots = Capacity(1)
    async with slots.slot():
        waiting = asyncio.create_task(slots._queue.wait(None))
        let_in = asyncio.create_task(slots._queue.wait(None))
        await asyncio.sleep(0)
        waiting.cancel()
    let_in.cancel()  # Its turn has come, and it does not know yet.
    await asyncio.gather(waiting, let_in, return_exceptions=True)
    async with asyncio.timeout(60), slots.slot():
        pass


async def test_uploads_that_share_slots_take_turns() -> None:
    slots = Capacity(1)
    order = ""

    async def work(upload: str) -> None:
        nonlocal order
        async with slots.slot(upload):
            order += upload
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for upload in "aaaaaabb":
            group.create_task(work(upload))
    assert order == "aababaaa"  # The first found nobody else waiting.


async def test_a_wider_width_lets_more_in_at_once() -> None:
    tuner = AdaptiveConcurrency(1, 4)
    slots = Capacity(tuner)
    async with asyncio.TaskGroup() as group, slots.slot():
        entered = asyncio.Event()

        async def work() -> None:
            async with slots.slot():
                entered.set()

        group.create_task(work())
        await asyncio.sleep(0)
        assert not entered.is_set()
        for tenth in range(1, 4):
            slots.moved(50_000_000, tenth / 5)
        assert slots.width == 2
        await asyncio.wait_for(entered.wait(), 60)


def test_the_width_follows_the_options_and_the_number_of_uploads() -> None:
    assert [
        Capacity.of(UploadOptions(concurrency=3)).width,
        Capacity.of(UploadOptions(concurrency=3), 8).width,
    ] == [3, 8]
    assert [Capacity.of(UploadOptions()).width, Capacity.of(UploadOptions(), 12).width] == [8, 12]
    assert Capacity.of(UploadOptions(max_concurrency=2)).width == 2


async def test_failures_make_an_upload_that_tunes_itself_narrower(
    emu: Emulator, client: ApiVideoClient
) -> None:
    """The server breaks off the first attempts; the upload goes on with fewer at once."""
    data = data_of(12 * CHUNK)
    emu.faults.add(Fault("videos.upload", "reset-before", times=4))
    slots = Capacity(AdaptiveConcurrency(4, 16))
    container = await client.videos.create(title="t")
    intake = Uploader(client._pipeline, options(concurrency="auto"), None, slots)
    await intake.into_container(container.video_id, data)
    assert emu.sha256(container.video_id) == sha256(data)
    assert slots.width < 4


async def test_a_chunk_that_waits_for_its_next_attempt_holds_no_slot(
    emu: Emulator, client: ApiVideoClient
) -> None:
    """Otherwise an upload that should become narrower would go on failing as wide as it was."""
    emu.faults.add(Fault("videos.upload", "status", status=503))
    container = await client.videos.create(title="t")
    intake = Uploader(client._pipeline, options(concurrency="auto"), None, Capacity(1))
    await intake.into_container(container.video_id, data_of(2 * CHUNK))
    starts = [r.content_range.split("-")[0] for r in emu.requests if r.operation == "videos.upload"]
    assert starts == ["bytes 0", f"bytes {CHUNK}", "bytes 0"]
