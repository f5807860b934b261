"""The path of a block from the file to the socket: one test for each known error on it."""

import asyncio
import errno
import os
import socket
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp.abc import AbstractStreamWriter

from apivideo_async import (
    ApiVideoClient,
    RetryPolicy,
    Source,
    SourceError,
    Timeouts,
    UploadError,
    UploadOptions,
)
from apivideo_async.emulator import Emulator
from apivideo_async.http.multipart import MultipartBody
from apivideo_async.protocol.request import FilePart, Multipart
from apivideo_async.uploads.sources.chunker import StreamFeed
from apivideo_async.uploads.sources.files import COLD_BLOCK, OpenFile
from apivideo_async.uploads.sources.opening import FileSource, MemorySource, SeekableSource
from apivideo_async.uploads.sources.types import BLOCK
from tests.conftest import BRIEF, QUICK, blocks_of, data_of, options, sha256
from tests.ways import LOOPS, Received, Sink, certificates, run, sink

DATA = data_of(9 * BLOCK + 77)
MIB = 1024 * 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "clip.mp4"
    file.write_bytes(DATA)
    return file


class Writer(AbstractStreamWriter):
    """A connection to a fast peer: a write never waits. It keeps the blocks without a copy."""

    transport: Any = None

    def __init__(self, on_write: Callable[[], None] = lambda: None) -> None:
        self.kept: list[Any] = []
        self._on_write = on_write

    async def write(self, chunk: Any) -> None:
        self._on_write()
        self.kept.append(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        raise AssertionError

    async def drain(self) -> None:
        pass

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        raise AssertionError

    def enable_chunking(self) -> None:
        raise AssertionError

    async def write_headers(self, status_line: str, headers: Any) -> None:
        raise AssertionError


def refused(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Refuse reads that must not wait; those in threads work."""
    real = os.preadv

    def read(fd: int, buffers: list[bytearray], position: int, flags: int = 0) -> int:
        if flags:
            raise OSError(code, os.strerror(code))
        return real(fd, buffers, position)

    monkeypatch.setattr(os, "preadv", read)


def no_nowait(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on tmpfs, or on a kernel without the flag."""
    refused(monkeypatch, errno.EOPNOTSUPP)


def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is in the page cache."""
    refused(monkeypatch, errno.EAGAIN)


def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a part of each block is in the page cache."""
    real = os.preadv

    def some(fd: int, buffers: list[bytearray], *rest: Any) -> int:
        return real(fd, [memoryview(buffers[0])[: max(1, len(buffers[0]) // 3)]], *rest)

    monkeypatch.setattr(os, "preadv", some)


def no_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, which has positional reads, but none that never waits."""
    monkeypatch.delattr(os, "RWF_NOWAIT")
    real = os.preadv

    def waits(*arguments: Any) -> int:
        assert threading.current_thread() is not threading.main_thread(), "it may wait for the disk"
        return real(*arguments)

    monkeypatch.setattr(os, "preadv", waits)


def no_positional_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.delattr(os, "preadv")


READS = {
    "cached": lambda _: None,
    "short": short,
    "cold": cold,
    "no nowait": no_nowait,
    "no flag": no_flag,
    "no positional reads": no_positional_reads,
}


@pytest.fixture(params=READS)
def way_of_reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    READS[request.param](monkeypatch)
    return str(request.param)


def body_of(source: Source) -> MultipartBody:
    return MultipartBody(Multipart(FilePart("f", source.size, lambda: source.read(0, source.size))))


def content(kept: list[Any]) -> bytes:
    """What arrives: head, file, tail; without the first and the last."""
    return b"".join(kept[1:-1])


# -- 1. every block is a new object


async def test_no_block_is_changed_after_it_was_written(path: Path, way_of_reading: str) -> None:
    """A transport may keep a reference until the bytes are sent, so a block must not be reused."""
    file = OpenFile.open(path)
    writer = Writer()
    await body_of(FileSource(file, "f")).write(writer)
    file.close()
    assert content(writer.kept) == DATA


async def test_no_block_of_a_seekable_object_or_of_memory_is_changed(path: Path) -> None:
    with path.open("rb") as handle:
        for source in (SeekableSource(handle, "f", 0, len(DATA)), MemorySource(bytearray(DATA))):
            writer = Writer()
            await body_of(source).write(writer)
            assert content(writer.kept) == DATA


@pytest.mark.parametrize("loop", LOOPS)
def test_a_slow_peer_gets_the_bytes_of_the_file(tmp_path: Path, loop: str) -> None:
    """The transport's buffer is always full. uvloop keeps references in it."""
    path = tmp_path / "large.mp4"
    data = data_of(24 * MIB)
    path.write_bytes(data)

    async def main(server: Sink) -> None:
        async with ApiVideoClient(
            base_url=server.url, upload=UploadOptions(chunk_size=32 * MIB)
        ) as client:
            await client.videos.upload_with_token("toX", path)

    with sink(keep=True, on_block=lambda _: time.sleep(0.001)) as server:
        run(loop, main(server))
    assert [request.file == data for request in server.requests] == [True]


# -- 2. the transport's own limits


@pytest.mark.parametrize("loop", LOOPS)
def test_an_upload_over_tls_finishes(loop: str) -> None:
    """With ``set_write_buffer_limits(high=0)`` a TLS transport would never resume writing."""
    data = data_of(12 * MIB)
    theirs, ours = certificates()

    async def main(emu: Emulator) -> str:
        how = {"timeouts": Timeouts(stall=2), "retry": RetryPolicy(attempts=1)}
        async with ApiVideoClient(emu.api_key, base_url=emu.url, ssl_context=ours, **how) as client:
            return (await client.upload(data, title="t")).video_id

    with Emulator(ssl_context=theirs).in_thread() as emu:
        assert emu.sha256(run(loop, main(emu))) == sha256(data)


# -- 3. a fast peer does not stop the loop


async def turns_between_writes(body: MultipartBody) -> list[int]:
    """How often the loop went round before each write, while no write ever waits."""
    loop, turns, seen = asyncio.get_running_loop(), 0, list[int]()

    def turn() -> None:
        nonlocal turns, ticking
        turns += 1
        ticking = loop.call_soon(turn)

    def note() -> None:
        nonlocal turns
        seen.append(turns)
        turns = 0

    ticking = loop.call_soon(turn)
    await body.write(Writer(note))
    ticking.cancel()
    return seen


async def test_a_peer_that_never_makes_us_wait_leaves_the_loop_its_turns(path: Path) -> None:
    file = OpenFile.open(path)
    seen = await turns_between_writes(body_of(FileSource(file, "f")))
    file.close()
    assert len(seen) >= 6
    assert min(seen[2:]) >= 1, "another task runs after every block"


async def test_a_buffered_piece_leaves_the_loop_its_turns() -> None:
    piece = await anext(StreamFeed("f", blocks_of(DATA, 100_000)).cut(len(DATA)))
    body = MultipartBody(Multipart(FilePart("f", piece.size, lambda: piece.read(BLOCK))))
    assert min((await turns_between_writes(body))[2:]) >= 1


# -- 4. reads that do not wait


async def test_a_cold_read_does_not_stop_the_loop(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read ends only when the loop allows it, so a loop that waited for it would hang."""
    real, disk, unlocked = os.preadv, threading.Event(), list[bool]()

    def slow(fd: int, buffers: list[bytearray], position: int, flags: int = 0) -> int:
        if flags:
            raise BlockingIOError(errno.EAGAIN, "not cached")
        unlocked.append(disk.wait(2))
        return real(fd, buffers, position)

    monkeypatch.setattr(os, "preadv", slow)
    file = OpenFile.open(path)
    writer = Writer()
    writing = asyncio.create_task(body_of(FileSource(file, "f")).write(writer))
    for _ in range(20):
        await asyncio.sleep(0)
    disk.set()
    await writing
    file.close()
    assert unlocked
    assert all(unlocked)
    assert content(writer.kept) == DATA


async def test_a_block_that_is_not_cached_is_read_in_a_thread_and_the_next_one_is_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a file that is not cached: larger reads in a thread, then reads from the cache.

    The cache is one of the test: the kernel may load pages at any time, and keep them.
    """
    threads: list[int] = []
    cached = 0
    real = os.preadv

    def read(fd: int, buffers: list[bytearray], position: int, flags: int = 0) -> int:
        nonlocal cached
        if flags and position >= cached:
            raise BlockingIOError(errno.EAGAIN, "not cached")
        count = real(fd, buffers, position)
        if not flags:
            threads.append(threading.get_ident())
            assert len(buffers[0]) <= COLD_BLOCK
            cached = max(cached, position + count)
        return min(count, cached - position)

    monkeypatch.setattr(os, "preadv", read)
    file = OpenFile.open(path)
    for _ in range(2):
        writer = Writer()
        await body_of(FileSource(file, "f")).write(writer)
        assert content(writer.kept) == DATA
    file.close()
    assert threads
    assert threading.get_ident() not in threads
    assert len(threads) <= -(-len(DATA) // COLD_BLOCK), "the second time nothing was cold"


def test_a_file_in_tmpfs_is_read_in_threads_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir():
        pytest.skip("no tmpfs here")
    file = shared / f"apivideo-body-{os.getpid()}.mp4"
    asked = []
    real = os.preadv

    def noted(fd: int, buffers: list[bytearray], position: int, flags: int = 0) -> int:
        if flags:
            asked.append(position)
        return real(fd, buffers, position, flags)

    monkeypatch.setattr(os, "preadv", noted)
    try:
        file.write_bytes(DATA)
        opened = OpenFile.open(file)
        writer = Writer()
        asyncio.run(body_of(FileSource(opened, "f")).write(writer))
        opened.close()
    finally:
        file.unlink()
    assert content(writer.kept) == DATA
    assert len(asked) in (1, len(writer.kept) - 2), (
        "refused once and never asked again, or never refused"
    )


# -- 5. known length, a block at a time


class Ranged(Source):
    """Neither bytes nor a file: what other clients would send in chunked transfer encoding."""

    name, size = "own", len(DATA)

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        for position in range(start, start + size, 50_000):
            yield DATA[position : min(position + 50_000, start + size)]


@pytest.mark.parametrize("kind", ["path", "handle", "bytes", "own", "stream"])
async def test_every_body_has_a_known_length_and_no_transfer_encoding(
    path: Path, kind: str
) -> None:
    with sink() as server, path.open("rb") as handle:
        given: dict[str, Any] = {
            "path": path,
            "handle": handle,
            "bytes": DATA,
            "own": Ranged(),
            "stream": blocks_of(DATA, 70_001),
        }
        async with ApiVideoClient(base_url=server.url, upload=options(chunk_size=BLOCK)) as client:
            await client.videos.upload_with_token("toX", given[kind])
    assert len(server.requests) == 10
    for request in server.requests:
        assert "transfer-encoding" not in request.headers
        assert int(request.headers["content-length"]) == request.body_bytes


@pytest.mark.parametrize("kind", ["path", "own", "bytes"])
async def test_a_chunk_is_never_in_memory(tmp_path: Path, kind: str) -> None:
    """Four chunks of 32 MiB in flight need a few blocks each."""
    size = 4 * 32 * MIB
    path = tmp_path / "large.mp4"
    with path.open("wb") as handle:
        handle.truncate(size)

    class Zeros(Source):
        name = "zeros"

        async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
            for position in range(0, size, BLOCK):
                yield bytes(min(BLOCK, size - position))

    source: Any = path
    if kind == "own":
        source = Zeros()
        source.size = size
    elif kind == "bytes":
        source = bytes(size)
    with sink() as server:
        how = UploadOptions(chunk_size=32 * MIB, concurrency=4)
        async with ApiVideoClient(base_url=server.url, upload=how) as client:
            await client.videos.upload_with_token("toX", b"warm")
            tracemalloc.start()
            try:
                await client.videos.upload_with_token("toX", source)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert sum(request.body_bytes for request in server.requests) > size
    assert peak < 8 * MIB


# -- 6. a file that shrinks


def cut_off_at(path: Path, after: int, left: int) -> Callable[[Received], None]:
    """Truncate the file when the server has ``after`` bytes of a body."""
    done = threading.Event()

    def check(seen: Received) -> None:
        if seen.body_bytes >= after and not done.is_set():
            done.set()
            os.truncate(path, left)

    return check


async def test_a_request_that_failed_leaves_no_connection_to_a_server_that_reads_nothing(
    tmp_path: Path,
) -> None:
    """Closing it would first send what is buffered, for which the server makes no room."""
    path = tmp_path / "large.mp4"
    path.write_bytes(bytes(16 * MIB))
    limits = Timeouts(stall=0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        async with ApiVideoClient(base_url=address, retry=BRIEF, timeouts=limits) as client:
            with pytest.raises(UploadError):
                await client.videos.upload_with_token("toX", path)
        states = [
            each.status
            for each in psutil.Process().net_connections()
            if each.raddr and each.raddr.port == server.getsockname()[1]
        ]
        assert states == []


@pytest.mark.parametrize(
    "left", [0, 60 * MIB + 1], ids=["nothing is left", "ends in a block to come"]
)
async def test_a_file_that_is_truncated_while_a_chunk_is_sent_is_an_error(
    tmp_path: Path, way_of_reading: str, left: int
) -> None:
    """The result is an error: no signal as with mmap, and no body that looks complete."""
    path = tmp_path / "large.mp4"
    with path.open("wb") as handle:
        handle.truncate(120 * MIB)  # Much more than the sockets hold.
    how = UploadOptions(chunk_size=120 * MIB)
    with sink(on_block=cut_off_at(path, after=MIB, left=left)) as server:
        async with (
            ApiVideoClient(base_url=server.url, retry=QUICK, upload=how) as client,
            asyncio.timeout(60),
        ):
            with pytest.raises(SourceError, match="changed during the upload: it became shorter"):
                await client.videos.upload_with_token("toX", path)
    assert [request.ended_early for request in server.requests] == [True]
