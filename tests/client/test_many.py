"""Many uploads: bounded, in the order of completion, and no failure stops the rest."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from apivideo_async import (
    ApiVideoClient,
    ApiVideoError,
    ConfigurationError,
    Source,
    SourceError,
    UploadError,
    UploadItem,
    UploadResult,
)
from apivideo_async.emulator import Emulator, Fault
from tests.conftest import BRIEF, CHUNK, data_of, sha256


async def test_every_item_gets_its_result(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path
) -> None:
    files = [tmp_path / f"{n}.mp4" for n in range(12)]
    for n, file in enumerate(files):
        file.write_bytes(data_of(n * 20_000 + 1, seed=n))
    told: list[int] = []
    results = [
        result
        async for result in client.upload_many(
            files, concurrency=3, on_result=lambda result: told.append(result.index)
        )
    ]
    assert sorted(result.index for result in results) == list(range(12))
    assert told == [result.index for result in results]
    for result in results:
        assert result.video is not None
        assert emu.sha256(result.video.video_id) == sha256(files[result.index].read_bytes())
        assert result.video.title == files[result.index].name


async def test_a_failure_is_a_result_and_stops_nothing(client: ApiVideoClient) -> None:
    items = [
        b"one",
        b"",
        UploadItem(source=b"three", title="Three", fields={"tags": ["x"]}),
        "/nowhere.mp4",
    ]
    results = {result.index: result async for result in client.upload_many(items)}
    assert [type(results[n].error) for n in range(4)] == [
        type(None),
        SourceError,
        type(None),
        SourceError,
    ]
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
            flying = [
                r for r in emu.requests if r.operation == "videos.upload" and r.status is None
            ]
            most = max(most, len(flying))
            await asyncio.sleep(0.002)

    watching = asyncio.create_task(watch())
    items = [data_of(4 * CHUNK, seed=n) for n in range(6)]
    results = [result async for result in client.upload_many(items, concurrency=6)]
    watching.cancel()
    assert all(result.video for result in results)
    assert 4 <= most <= 8


async def test_what_the_items_raise_is_raised_after_the_results_of_uploads_under_way(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(Fault("videos.upload", "delay", seconds=0.05, times=None))

    def items() -> Iterator[bytes]:
        yield b"a"
        yield b"b"
        raise KeyError("listing")

    results = []
    with pytest.raises(KeyError, match="listing"):
        async for result in client.upload_many(items(), concurrency=4):
            results.append(result)
    assert sorted(result.index for result in results) == [0, 1]
    assert all(result.video for result in results)


async def test_what_async_items_raise_is_raised(client: ApiVideoClient) -> None:
    async def items() -> AsyncIterator[bytes]:
        yield b"a"
        raise OSError("listing")

    results = []
    with pytest.raises(OSError, match="listing"):
        async for result in client.upload_many(items(), concurrency=1):
            results.append(result)
    assert [result.index for result in results] == [0]


class Raising(Source):
    """A source of a user that fails while it is read."""

    size = 100

    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        raise self.error
        yield b""


class Wrong(Source):
    """A source of a user that gives no bytes."""

    size = 3

    async def read(self, start: int, size: int) -> AsyncIterator[Any]:
        yield "abc"


class Odd:
    """No source, and its attributes raise."""

    def __getattr__(self, name: str) -> Any:
        raise ZeroDivisionError(name)


async def broken() -> AsyncIterator[bytes]:
    raise LookupError("the stream broke")
    yield b""


def bad_items(folder: Path, opened: ExitStack) -> dict[str, tuple[Any, type[ApiVideoError]]]:
    def item(**changes: Any) -> UploadItem:
        return UploadItem(**{"source": b"x", **changes})

    text = folder / "text.mp4"
    text.write_text("abc")
    (folder / "loop").symlink_to(folder / "loop")
    return {
        "missing": (folder / "nowhere.mp4", SourceError),
        "directory": (folder, SourceError),
        "NUL in the path": (f"{folder}/a\0b.mp4", SourceError),
        "lone surrogate in the path": (f"{folder}/\ud800.mp4", SourceError),
        "name of 300": (folder / ("n" * 300), SourceError),
        "loop of links": (folder / "loop", SourceError),
        "strided memoryview": (memoryview(b"x" * 100)[::2], SourceError),
        "text": (opened.enter_context(text.open()), SourceError),
        "text in a wrapper": (opened.enter_context(tempfile.NamedTemporaryFile("w+")), SourceError),
        "an int": (5, ConfigurationError),
        "None": (None, ConfigurationError),
        "raises": (Raising(KeyError("x")), UploadError),
        "raises a cancellation": (Raising(asyncio.CancelledError()), UploadError),
        "gives texts": (Wrong(), SourceError),
        "attributes raise": (Odd(), UploadError),
        "stream breaks": (broken(), UploadError),
        "title": (item(title=5), ConfigurationError),
        "filename": (item(filename=b"a"), ConfigurationError),
        "key": (item(idempotency_key=5), ConfigurationError),
        "empty key": (item(idempotency_key=""), ConfigurationError),
        "options": (item(options={"concurrency": 1}), ConfigurationError),
        "fields": (item(fields=["tags"]), ConfigurationError),
        "names of fields": (item(fields={1: 2}), ConfigurationError),
        "unknown field": (item(fields={"titel": "x"}), ConfigurationError),
        "metadata": (item(fields={"metadata": {"a": 1}}), ConfigurationError),
        "tags": (item(fields={"tags": "x"}), ConfigurationError),
        "not JSON": (item(fields={"description": object()}), ConfigurationError),
        "lone surrogate in the title": (item(title="\ud800"), ConfigurationError),
        "lone surrogate in a tag": (item(fields={"tags": ["\ud800"]}), ConfigurationError),
    }


async def test_an_item_that_cannot_be_used_is_a_result_and_stops_nothing(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path
) -> None:
    with ExitStack() as opened:
        bad = bad_items(tmp_path, opened)
        items = [b"1", *(given for given, _ in bad.values()), b"2"]
        brief = client.with_options(retry=BRIEF)
        results = [result async for result in brief.upload_many(items)]
    results.sort(key=lambda result: result.index)
    first, *wrong, last = results
    assert first.video
    assert last.video
    kinds = {name: type(result.error) for name, result in zip(bad, wrong, strict=True)}
    expected = {name: kind for name, (_, kind) in bad.items()}
    assert {
        name: kind for name, kind in kinds.items() if not issubclass(kind, expected[name])
    } == {}
    # Other errors are found before anything is sent, so only these items created a container.
    late = ("raises", "raises a cancellation", "gives texts", "stream breaks")
    assert len([r for r in emu.requests if r.operation == "videos.create"]) <= 2 + len(late)


@pytest.mark.parametrize("items", ["movie.mp4", b"bytes", 5, None, Path("movie.mp4")], ids=repr)
def test_one_source_in_place_of_a_list_is_refused(items: Any) -> None:
    with pytest.raises(ConfigurationError, match="items must be an iterable"):
        ApiVideoClient("key").upload_many(items)


@pytest.mark.parametrize("concurrency", [0, -1, "4", 1.5, None, True])
def test_a_concurrency_that_is_no_number_is_refused(concurrency: Any) -> None:
    with pytest.raises(ConfigurationError, match="concurrency"):
        ApiVideoClient("key").upload_many([], concurrency=concurrency)


async def test_leaving_cancels_what_is_under_way(emu: Emulator, client: ApiVideoClient) -> None:
    emu.faults.add(Fault("videos.upload", "delay", seconds=600, nth=3, times=None))
    results: AsyncIterator[UploadResult] = client.upload_many([b"x"] * 10, concurrency=2)
    assert (await anext(results)).video
    await asyncio.wait_for(results.aclose(), 60)  # type: ignore[attr-defined]
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "apivideo-upload-many"]


async def test_an_async_on_result_is_awaited_and_no_room_is_an_error(
    client: ApiVideoClient,
) -> None:
    seen: list[UploadResult] = []

    async def note(result: UploadResult) -> None:
        seen.append(result)

    assert [result async for result in client.upload_many([b"x"], on_result=note)] == seen
    with pytest.raises(ConfigurationError, match="concurrency"):
        [result async for result in client.upload_many([b"x"], concurrency=0)]
