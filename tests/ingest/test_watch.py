"""Watching a folder: each complete file is yielded once, however it was created."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from apivideo_async.errors import ConfigurationError, SourceError
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.listing import watch
from apivideo_async.ingest.listing.selection import Selection, log_problem
from apivideo_async.ingest.listing.settling import Settling
from apivideo_async.ingest.listing.watch import watch_folder

SETTLE = 0.15
"""Seconds after which a file counts as complete in these tests."""


class Watched:
    """A folder, and the items that its watch has yielded so far."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.items: list[Item] = []
        self.problems: list[str] = []
        self.stop = asyncio.Event()

    async def run(self, items: AsyncGenerator[Item, None]) -> None:
        async with aclosing(items):
            async for item in items:
                self.items.append(item)

    @property
    def names(self) -> list[str]:
        return sorted(os.path.relpath(item.uri, self.root) for item in self.items)

    async def until(self, *names: str) -> None:
        """Wait until exactly these files were yielded, and check that no others follow."""
        async with asyncio.timeout(60):
            while self.names != sorted(names):
                assert len(self.items) <= len(names), self.names
                await asyncio.sleep(0.02)
        await asyncio.sleep(1.5 * SETTLE)
        assert self.names == sorted(names)

    def write(self, name: str, data: bytes = b"x") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


Start = Callable[..., Awaitable[Watched]]


@pytest.fixture(params=[False, True], ids=["notified", "polling"])
def polling(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    watched = Watched(tmp_path / "root")
    watched.root.mkdir()
    tasks: list[asyncio.Task[None]] = []

    async def begin(
        *existing: str,
        polling: bool | None = None,
        patterns: tuple[str, ...] = (),
        settle: float = SETTLE,
    ) -> Watched:
        for name in existing:
            watched.write(name)
        items = watch_folder(
            watched.root,
            settle=settle,
            polling=polling,
            stop=watched.stop,
            patterns=patterns,
            on_problem=watched.problems.append,
        )
        tasks.append(asyncio.create_task(watched.run(items)))
        async with asyncio.timeout(60):
            while len(watched.items) < len(existing):
                await asyncio.sleep(0.02)
        return watched

    yield begin
    watched.stop.set()
    async with asyncio.timeout(60):
        await asyncio.gather(*tasks)


async def test_files_that_are_there_come_and_then_new_ones(start: Start, polling: bool) -> None:
    watched = await start("a.mp4", "sub/b.mov", polling=polling)
    watched.write("c.mp4")
    watched.write("new/deep/d.mp4")
    watched.write("note.txt")
    watched.write(".hidden/e.mp4")
    await watched.until("a.mp4", "sub/b.mov", "c.mp4", "new/deep/d.mp4")
    assert watched.problems == []


async def test_a_file_that_is_still_written_comes_when_it_is_complete(
    start: Start, polling: bool
) -> None:
    # Much longer than a pause between two writes, also on a machine that is busy.
    watched = await start(polling=polling, settle=1.0)
    for size in range(1, 16):
        watched.write("b.mp4", b"x" * size)
        await asyncio.sleep(0.1)
        assert watched.names == []
    await watched.until("b.mp4")
    assert watched.items[-1].size == 15


async def test_a_partial_file_comes_under_its_last_name(start: Start, polling: bool) -> None:
    watched = await start("a.mp4", polling=polling)
    partial = watched.write("b.mp4.part")
    await asyncio.sleep(2 * SETTLE)
    partial.rename(watched.root / "b.mp4")
    await watched.until("a.mp4", "b.mp4")


async def test_a_file_that_is_gone_before_it_settled_never_comes(
    start: Start, polling: bool
) -> None:
    watched = await start("a.mp4", polling=polling)
    watched.write("b.mp4").unlink()
    watched.write("c.mp4")
    await asyncio.sleep(SETTLE / 2)
    (watched.root / "c.mp4").unlink()
    await asyncio.sleep(SETTLE)
    await watched.until("a.mp4")
    assert watched.problems == []


async def test_a_file_that_is_written_again_is_a_new_item(start: Start, polling: bool) -> None:
    watched = await start("a.mp4", polling=polling)
    watched.write("a.mp4", b"another")
    await watched.until("a.mp4", "a.mp4")
    assert watched.items[0].key != watched.items[1].key
    (watched.root / "a.mp4").chmod(0o600)
    await watched.until("a.mp4", "a.mp4")


async def test_a_folder_that_is_moved_in_brings_its_files(
    start: Start, polling: bool, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    (other / "deep").mkdir(parents=True)
    (other / "deep/b.mp4").write_bytes(b"x")
    watched = await start("a.mp4", polling=polling, patterns=("a.mp4", "in/deep/*"))
    other.rename(watched.root / "in")
    await watched.until("a.mp4", "in/deep/b.mp4")


async def test_a_burst_loses_nothing(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing finds the changes that the system drops when its queue is full; here, almost all."""
    monkeypatch.setattr(watch, "BURST", 20)
    notified = watch.notified_changes

    async def dropping(*given: object, **options: object) -> AsyncIterator[watch.Changes]:
        async with aclosing(notified(*given, **options)) as changes:  # type: ignore[arg-type]
            async for change in changes:
                yield (
                    frozenset([f"/dropped/{n}" for n in range(30)])
                    if change and len(change) > 20
                    else change
                )

    monkeypatch.setattr(watch, "notified_changes", dropping)
    watched = await start("a.mp4")
    names = [f"{number % 7}/{number}.mp4" for number in range(500)]
    for name in names:
        watched.write(name)
    await watched.until("a.mp4", *names)


async def test_without_reports_of_the_system_the_folder_is_listed(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import watchfiles

    async def exhausted(*_: object, **__: object) -> AsyncIterator[set[object]]:
        raise OSError(28, "OS file watch limit reached")
        yield set()

    monkeypatch.setattr(watchfiles, "awatch", exhausted)
    watched = await start("a.mp4")
    watched.write("b.mp4")
    await watched.until("a.mp4", "b.mp4")
    assert "the folder is listed every" in caplog.text
    with pytest.raises(SourceError, match="use polling"):
        await anext(watch_folder(watched.root, polling=False))


async def test_without_watchfiles_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "watchfiles", None)
    with pytest.raises(ConfigurationError, match=r"apivideo-async\[watch\]"):
        await anext(watch_folder(tmp_path))


@pytest.mark.parametrize("polling", [None, True])
async def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, polling: bool | None) -> None:
    with pytest.raises(SourceError) as caught:
        await anext(watch_folder(tmp_path / "nothing", polling=polling))
    assert caught.value.cause == "missing"


async def test_old_files_come_at_once(tmp_path: Path) -> None:
    """A full folder is not held in memory until it has settled."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    old = time.time() - 86_400
    os.utime(path, (old, old))
    async with asyncio.timeout(60), aclosing(watch_folder(tmp_path, settle=3600)) as items:
        assert (await anext(items)).fields == {"title": "a.mp4"}


def unwatched(root: Path, settle: float) -> Settling:
    return Settling(root, settle, Selection(), "stream", log_problem)


async def test_a_change_without_a_notification_is_noticed_before_a_file_is_given(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    settling = unwatched(tmp_path, 0.05)
    await settling.examine([str(path)])
    path.write_bytes(b"longer")
    await asyncio.sleep(0.1)
    assert await settling.take_settled() == []
    await asyncio.sleep(0.1)
    assert [item.size for item in await settling.take_settled()] == [6]


async def test_listing_again_gives_nothing_again(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    os.utime(path, (1, 1))
    settling = unwatched(tmp_path, 0)
    assert len([item async for item in settling.relist()]) == 1
    assert [item async for item in settling.relist()] == []
    await settling.examine([str(path), str(tmp_path), str(tmp_path / "gone.mp4")])
    assert await settling.take_settled() == []


async def test_a_problem_is_reported_once_as_long_as_it_lasts(tmp_path: Path) -> None:
    wrong = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp4"))
    wrong.write_bytes(b"x")
    problems: list[str] = []
    settling = Settling(tmp_path, 0, Selection(), "stream", problems.append)
    for _ in range(3):
        assert [item async for item in settling.relist()] == []
        await settling.examine([str(wrong), str(tmp_path)])
    assert len(problems) == 1
    wrong.unlink()
    assert [item async for item in settling.relist()] == []
    wrong.write_bytes(b"x")
    assert [item async for item in settling.relist()] == []
    assert len(problems) == 2


async def test_a_cancelled_watch_ends_at_once_and_leaves_the_event_alone(tmp_path: Path) -> None:
    stop = asyncio.Event()

    async def forever() -> None:
        async for _ in watch_folder(tmp_path, stop=stop):
            pass

    task = asyncio.create_task(forever())
    await asyncio.sleep(0.2)
    task.cancel()
    async with asyncio.timeout(60):
        await asyncio.wait([task])
    assert (task.cancelled(), stop.is_set()) == (True, False)
