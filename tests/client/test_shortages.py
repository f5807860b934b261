"""Threads and descriptors that run out are waited for; a hung disk affects its upload only."""

import asyncio
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from apivideo_async import ApiVideoClient, SourceError
from apivideo_async.emulator import Emulator
from apivideo_async.ingest import Stores
from apivideo_async.ingest.listing.sources import list_sources
from apivideo_async.uploads import capacity
from apivideo_async.uploads.capacity import Capacity, affordable
from apivideo_async.uploads.sources import threads
from apivideo_async.uploads.sources.files import OpenFile
from apivideo_async.uploads.sources.threads import MOST_CALLS, PendingWork, in_thread
from tests.conftest import CHUNK, data_of, options, sha256

DATA = data_of(300_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "clip.mp4"
    file.write_bytes(DATA)
    return file


def failing(real: Callable[..., Any], times: int, error: Exception) -> Callable[..., Any]:
    """Fail so many calls; those for other files than the source work."""
    left = times

    def call(*given: Any, **more: Any) -> Any:
        nonlocal left
        if left and (not given or not isinstance(given[0], str | Path) or "clip" in str(given[0])):
            left -= 1
            raise error
        return real(*given, **more)

    return call


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
async def test_descriptors_that_run_out_for_a_moment_are_waited_for(
    emu: Emulator,
    client: ApiVideoClient,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: int,
) -> None:
    monkeypatch.setattr(os, "open", failing(os.open, 2, OSError(code, os.strerror(code))))
    video = await client.upload(path, title="t")
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert caplog.text.count("waiting up to") == 1
    with path.open("rb") as handle:
        monkeypatch.setattr(os, "dup", failing(os.dup, 2, OSError(code, os.strerror(code))))
        assert await client.upload(handle, title="t")


async def test_descriptors_that_stay_short_are_a_temporary_failure(
    emu: Emulator, client: ApiVideoClient, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "LONGEST_SHORTAGE", 0.05)
    monkeypatch.setattr(os, "open", failing(os.open, -1, OSError(errno.EMFILE, "Too many files")))
    with pytest.raises(SourceError, match="Too many files") as caught:
        await client.upload(path, title="t")
    assert caught.value.retryable
    assert emu.requests == []
    async with Stores() as stores:
        [item] = [item async for item in list_sources(str(path), stores=stores)]
        with pytest.raises(SourceError, match="Too many files") as caught:
            await stores.open(item)
    assert caught.value.retryable


async def test_another_failure_is_not_repeated(
    client: ApiVideoClient, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", failing(os.open, 1, PermissionError(errno.EACCES, "no")))
    with pytest.raises(SourceError, match="cannot read"):
        await client.upload(path, title="t")
    assert await client.upload(path, title="t")


@pytest.fixture
def no_idle_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_idle", threads.deque())


@pytest.mark.usefixtures("no_idle_threads")
async def test_threads_that_run_out_for_a_moment_are_waited_for(
    emu: Emulator, client: ApiVideoClient, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_thread = RuntimeError("can't start new thread")
    monkeypatch.setattr(threading, "Thread", failing(threading.Thread, 3, no_thread))
    video = await client.upload(path, title="t")
    assert emu.sha256(video.video_id) == sha256(DATA)


@pytest.mark.usefixtures("no_idle_threads")
async def test_threads_that_stay_short_are_a_temporary_failure(
    emu: Emulator, client: ApiVideoClient, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_thread = RuntimeError("can't start new thread")
    monkeypatch.setattr(threads, "LONGEST_SHORTAGE", 0.05)
    monkeypatch.setattr(threading, "Thread", failing(threading.Thread, -1, no_thread))
    with pytest.raises(SourceError, match="can't start new thread") as caught:
        await client.upload(path, title="t")
    assert caught.value.retryable
    assert emu.requests == []


# -- a disk that hangs


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Let the threads end that the test leaves behind."""
    event = threading.Event()
    yield event
    event.set()


async def test_a_hung_disk_takes_no_thread_of_the_event_loop(
    emu: Emulator,
    client: ApiVideoClient,
    path: Path,
    tmp_path: Path,
    gate: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, hung = os.preadv, path.stat().st_ino
    entered = threading.Event()

    def preadv(fd: int, buffers: Any, position: int, flags: int = 0) -> int:
        if os.fstat(fd).st_ino == hung:
            if flags:
                raise BlockingIOError(errno.EAGAIN, "not cached")
            entered.set()
            gate.wait(60)
        return real(fd, buffers, position, flags)

    monkeypatch.setattr(os, "preadv", preadv)
    upload = asyncio.create_task(client.upload(path, title="t", options=options(concurrency=8)))
    assert await in_thread(entered.wait, 60)
    other = tmp_path / "other.mp4"
    other.write_bytes(DATA)
    async with asyncio.timeout(60):
        assert await asyncio.to_thread(lambda: 5) == 5
        assert await client.upload(other, title="t")
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(upload, 60)
    assert not gate.is_set(), "the reads are still in progress"


async def test_a_hung_disk_does_not_keep_the_capacity_that_uploads_share(
    emu: Emulator,
    client: ApiVideoClient,
    path: Path,
    tmp_path: Path,
    gate: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its upload has more chunks than may be in flight, and all of them wait for the disk."""
    monkeypatch.setattr(threads, "SLOW", 0.05)
    monkeypatch.setattr(capacity, "CHECK", 0.02)
    real, hung = os.preadv, path.stat().st_ino
    path.write_bytes(data_of(40 * CHUNK))

    def preadv(fd: int, buffers: Any, position: int, flags: int = 0) -> int:
        if os.fstat(fd).st_ino == hung:
            if flags:
                raise BlockingIOError(errno.EAGAIN, "not cached")
            gate.wait(60)
        return real(fd, buffers, position, flags)

    monkeypatch.setattr(os, "preadv", preadv)
    others = [tmp_path / f"{number}.mp4" for number in range(6)]
    for other in others:
        other.write_bytes(DATA)
    async with asyncio.timeout(60):
        number = 0
        async for result in client.upload_many([path, *others], concurrency=2):
            assert result.error is None
            number += 1
            if number == len(others):
                assert result.index > 0
                gate.set()
    assert emu.sha256(result.video.video_id) == sha256(path.read_bytes())


async def test_a_hung_file_has_a_bounded_number_of_threads(
    path: Path, gate: threading.Event
) -> None:
    """Also if the reads are cancelled and repeated: their threads go on."""
    work, running = PendingWork(), []

    def hang() -> None:
        running.append(1)
        gate.wait(60)

    calls = [asyncio.create_task(work.in_thread(hang)) for _ in range(2 * MOST_CALLS)]
    while len(running) < MOST_CALLS:
        await asyncio.sleep(0.005)
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)
    again = asyncio.create_task(work.in_thread(hang))
    await asyncio.sleep(0.02)
    assert len(running) == MOST_CALLS
    gate.set()
    await again
    assert len(running) == MOST_CALLS + 1


async def test_a_descriptor_is_closed_after_the_end_of_the_loop(
    path: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread of a read that hung may end when its event loop does not exist any more."""
    file, entered, closed = OpenFile.open(path), threading.Event(), threading.Event()
    file._nowait = False
    real = os.preadv

    def preadv(*given: Any) -> int:
        entered.set()
        gate.wait(60)
        return real(*given)

    monkeypatch.setattr(os, "preadv", preadv)
    monkeypatch.setattr(OpenFile, "_close_descriptor", lambda _: closed.set())

    async def read() -> None:
        file._reads._release = closed.set
        blocks = aiter(file.read(0, 1000))
        reading = asyncio.ensure_future(anext(blocks))
        while not entered.is_set():
            await asyncio.sleep(0.005)
        reading.cancel()
        await asyncio.wait([reading])
        file.close()

    await in_thread(lambda: asyncio.run(read()))
    assert not closed.is_set()
    gate.set()
    assert await in_thread(closed.wait, 60)
    os.close(file.release())


def test_a_child_process_does_not_wait_for_threads_of_its_parent(path: Path) -> None:
    code = """
import asyncio, os
from apivideo_async.uploads.sources.threads import in_thread
asyncio.run(in_thread(int))
pid = os.fork()
if not pid:
    asyncio.run(asyncio.wait_for(in_thread(int), 20))
    os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


# -- few descriptors


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    monkeypatch.setattr(capacity, "_noted_limits", set())

    def set_limit(number: int | None) -> None:
        monkeypatch.setattr(capacity, "_descriptor_limit", lambda: number)

    return set_limit


def test_uploads_and_chunks_are_fewer_if_few_files_may_be_opened(
    limit: Callable[[int | None], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(os, "listdir", lambda _: ["0"] * 16)
    limit(256)
    assert (affordable(8), affordable(100), affordable(1000)) == (8, 60, 60)
    assert "ulimit -n 256" in caplog.text
    assert len(caplog.records) == 1, "noted once"
    limit(17)
    assert affordable(8) == 1
    assert Capacity.of(options(concurrency=200)).width == 1
    assert Capacity.of(options(concurrency="auto")).width == 1
    for number in (None, 65_536):
        limit(number)
        assert affordable(1000) == 1000


def test_the_open_files_cannot_be_counted(
    limit: Callable[[int | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(256)
    for error, expected in ((FileNotFoundError(), 64), (OSError(errno.EMFILE, ""), 1)):
        listing = Mock(side_effect=error)
        monkeypatch.setattr(os, "listdir", listing)
        assert affordable(1000) == expected


def test_the_limit_is_that_of_the_process() -> None:
    resource = pytest.importorskip("resource")
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert capacity._descriptor_limit() in (soft, None)
