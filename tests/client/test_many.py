"""Many uploads: bounded, in the order of completion, and no failure stops the rest."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from apivideo_async import ApiVideoClient, ConfigurationError, SourceError, UploadItem, UploadResult
from apivideo_async.emulator import Emulator, Fault
from tests.conftest import CHUNK, data_of, sha256


async def test_every_item_gets_its_result(emu: Emulator, client: ApiVideoClient, tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.mp4" for n in range(12)]
    for n, file in enumerate(files):
        file.write_bytes(data_of(n * 20_000 + 1, seed=n))
    told: list[int] = []
    results = [
        result
        async for result in client.upload_many(files, concurrency=3, on_result=lambda result: told.append(result.index))
    ]
    assert sorted(result.index for result in results) == list(range(12))
    assert told == [result.index for result in results]
    for result in results:
        assert result.video is not None
        assert emu.sha256(result.video.video_id) == sha256(files[result.index].read_bytes())
        assert result.video.title == files[result.index].name


async def test_a_failure_is_a_result_and_stops_nothing(client: ApiVideoClient) -> None:
    items = [b"one", b"", UploadItem(source=b"three", title="Three", fields={"tags": ["x"]}), "/nowhere.mp4"]
    results = {result.index: result async for result in client.upload_many(items)}
    assert [type(results[n].error) for n in range(4)] == [type(None), SourceError, type(None), SourceError]
    third = results[2].video
    assert third is not None
    assert (third.title, third.tags) == ("Three", ["x"])


async def test_items_are_taken_only_when_there_is_room(client: ApiVideoClient) -> None:
    taken = 0
    ahead: list[int] = []

    async def items() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(60):
            taken += 1
            yield b"x"

    done = 0
    async for _ in client.upload_many(items(), concurrency=2):
        done += 1
        ahead.append(taken - done)
        await asyncio.sleep(0)
    assert done == 60
    assert max(ahead) <= 2 * 2 + 1


async def test_chunks_of_all_uploads_share_one_bound(emu: Emulator, client: ApiVideoClient) -> None:
    emu.faults.add(Fault("videos.upload", "delay", seconds=0.02, times=None))
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            flying = [r for r in emu.requests if r.operation == "videos.upload" and r.status is None]
            most = max(most, len(flying))
            await asyncio.sleep(0.002)

    watching = asyncio.create_task(watch())
    items = [data_of(4 * CHUNK, seed=n) for n in range(6)]
    results = [result async for result in client.upload_many(items, concurrency=6)]
    watching.cancel()
    assert all(result.video for result in results)
    assert 4 <= most <= 8


async def test_what_the_items_raise_is_raised(client: ApiVideoClient) -> None:
    def items() -> Iterator[bytes]:
        yield b"x"
        raise KeyError("listing")

    with pytest.raises(KeyError, match="listing"):
        [result async for result in client.upload_many(items())]


async def test_leaving_cancels_what_is_under_way(emu: Emulator, client: ApiVideoClient) -> None:
    emu.faults.add(Fault("videos.upload", "delay", seconds=600, nth=3, times=None))
    results: AsyncIterator[UploadResult] = client.upload_many([b"x"] * 10, concurrency=2)
    assert (await anext(results)).video
    await asyncio.wait_for(results.aclose(), 60)  # type: ignore[attr-defined]
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "apivideo-upload-many"]


async def test_an_async_on_result_is_awaited_and_no_room_is_an_error(client: ApiVideoClient) -> None:
    seen: list[UploadResult] = []

    async def note(result: UploadResult) -> None:
        seen.append(result)

    assert [result async for result in client.upload_many([b"x"], on_result=note)] == seen
    with pytest.raises(ConfigurationError, match="concurrency"):
        [result async for result in client.upload_many([b"x"], concurrency=0)]
