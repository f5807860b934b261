"""Reading files by position: cached, cold, without RWF_NOWAIT, without preadv; pipes; closing."""

import asyncio
import errno
import io
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from apivideo_async import ApiVideoClient, SourceError
from apivideo_async.emulator import Emulator
from apivideo_async.uploads.sources.files import (
    COLD_BLOCK,
    LARGEST_BLOCK,
    MEMORY,
    SMALLEST_BLOCK,
    OpenFile,
)
from apivideo_async.uploads.sources.opening import open_source
from tests.conftest import CHUNK, data_of, options, sha256

DATA = data_of(3 * COLD_BLOCK + 77)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "clip.mp4"
    file.write_bytes(DATA)
    return file


async def content(blocks: AsyncIterator[Any]) -> bytes:
    kept = [block async for block in blocks]  # Kept, so that a block that is used again shows.
    return b"".join(kept)


async def test_any_range_can_be_read(path: Path) -> None:
    file = OpenFile.open(path)
    for start, size in [
        (0, len(DATA)),
        (5, 1),
        (COLD_BLOCK - 1, COLD_BLOCK + 2),
        (len(DATA) - 3, 3),
    ]:
        assert await content(file.read(start, size, 4_096)) == DATA[start : start + size]
    file.close()


async def test_blocks_that_are_not_cached_come_from_a_thread(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.preadv

    def cold(fd: int, buffers: list[bytearray], position: int, flags: int = 0) -> int:
        if flags:
            raise BlockingIOError(errno.EAGAIN, "not cached")
        return real(fd, buffers, position)

    monkeypatch.setattr(os, "preadv", cold)
    file = OpenFile.open(path)
    assert await content(file.read(0, len(DATA), 262_144)) == DATA
    file.close()


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EINVAL])
async def test_a_file_system_without_nowait_is_read_in_threads_for_good(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    asked = []
    real = os.preadv

    def unsupported(fd: int, buffers: list[bytearray], position: int, flags: int = 0) -> int:
        if flags:
            asked.append(1)
            raise OSError(code, "not here")
        return real(fd, buffers, position)

    monkeypatch.setattr(os, "preadv", unsupported)
    file = OpenFile.open(path)
    assert await content(file.read(0, len(DATA), 65_536)) == DATA
    assert len(asked) == 1, "asked once, not for every block"
    file.close()


async def test_short_reads_are_normal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.preadv

    def short(fd: int, buffers: list[bytearray], *rest: Any) -> int:
        return real(fd, [memoryview(buffers[0])[: max(1, len(buffers[0]) // 3)]], *rest)

    monkeypatch.setattr(os, "preadv", short)
    file = OpenFile.open(path)
    assert await content(file.read(0, len(DATA), 65_536)) == DATA
    file.close()


async def test_a_platform_without_positional_reads(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "preadv")
    file = OpenFile.open(path)
    assert await content(file.read(9, len(DATA) - 9, 65_536)) == DATA[9:]
    os.truncate(path, 100)
    with pytest.raises(SourceError, match="became shorter"):
        await content(file.read(0, len(DATA), 65_536))
    file.close()


async def test_a_read_error_is_told(
    emu: Emulator, client: ApiVideoClient, path: Path, monkeypatch: Any
) -> None:
    def broken(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "preadv", broken)
    with pytest.raises(SourceError, match="Input/output error"):
        await client.upload(path, title="t")


async def test_tmpfs_works(emu: Emulator, client: ApiVideoClient) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir():
        pytest.skip("no tmpfs here")
    file = shared / f"apivideo-test-{os.getpid()}.mp4"
    try:
        file.write_bytes(DATA)
        video = await client.upload(file, title="t")
        assert emu.sha256(video.video_id) == sha256(DATA)
    finally:
        file.unlink()


async def test_a_named_pipe_is_a_stream(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(DATA,))
    writer.start()
    video = await client.upload(pipe, title="t")
    writer.join()
    assert emu.sha256(video.video_id) == sha256(DATA)


async def test_an_open_pipe_is_a_stream(emu: Emulator, client: ApiVideoClient) -> None:
    reading, writing = os.pipe()

    def feed() -> None:
        with os.fdopen(writing, "wb") as handle:
            handle.write(DATA)

    feeding = threading.Thread(target=feed)
    feeding.start()
    with os.fdopen(reading, "rb") as handle:
        video = await client.upload(handle, title="t")
    feeding.join()
    assert emu.sha256(video.video_id) == sha256(DATA)


async def test_a_descriptor_outlives_the_thread_that_reads_from_it(
    path: Path, monkeypatch: Any
) -> None:
    """Closed at once, its number could be given to another file, whose bytes would be sent."""
    file = OpenFile.open(path)
    file._nowait = False
    real, fds = os.preadv, []
    entered, go_on, finished = (threading.Event() for _ in range(3))

    def held_up(fd: int, *rest: Any) -> int:
        entered.set()
        go_on.wait(60)
        fds.append(os.fstat(fd).st_ino)
        try:
            return real(fd, *rest)
        finally:
            finished.set()

    monkeypatch.setattr(os, "preadv", held_up)
    reading = asyncio.ensure_future(content(file.read(0, 1000, 1000)))
    await asyncio.to_thread(entered.wait, 60)
    reading.cancel()
    file.close()
    await asyncio.gather(reading, return_exceptions=True)
    go_on.set()
    await asyncio.to_thread(finished.wait, 60)
    assert fds == [path.stat().st_ino]
    assert file._fd == -1, "closed when the thread was done"


async def test_a_file_opened_for_writing_too_is_flushed_first(
    emu: Emulator, client: ApiVideoClient, path: Path
) -> None:
    with path.open("r+b") as handle:
        handle.write(b"changed!")
        handle.seek(0)
        video = await client.upload(handle, title="t")
    assert emu.sha256(video.video_id) == sha256(b"changed!" + DATA[8:])


async def test_a_file_that_was_deleted_still_has_its_bytes(
    emu: Emulator, client: ApiVideoClient, path: Path
) -> None:
    video = await client.upload(path, title="t", on_progress=lambda _: path.unlink(missing_ok=True))
    assert emu.sha256(video.video_id) == sha256(DATA)


async def test_what_cannot_be_opened_says_why(client: ApiVideoClient, tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(SourceError, match="cannot read"):
        await client.upload(loop, title="t")
    closed = io.BytesIO(b"x")
    closed.close()
    with pytest.raises(SourceError, match="cannot read"):
        await client.upload(closed, title="t")


async def test_a_seekable_object_that_ends_early_is_an_error(client: ApiVideoClient) -> None:
    class Short(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return b""

    with pytest.raises(SourceError, match="ended"):
        await client.upload(Short(b"x" * 10), title="t")


async def test_a_source_that_gives_the_wrong_number_of_bytes_is_an_error(
    client: ApiVideoClient,
) -> None:
    from tests.client.test_uploads import Ranged

    class Wrong(Ranged):
        def __init__(self, given: int) -> None:
            super().__init__(bytes(3 * CHUNK))
            self._given = given

        async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
            yield bytes(self._given)

    for given, words in ((CHUNK - 1, "fewer bytes"), (CHUNK + 1, "more bytes")):
        with pytest.raises(SourceError, match=words):
            await client.upload(Wrong(given), title="t", options=options(concurrency=1))


async def test_the_name_is_the_last_part_of_a_path() -> None:
    class Odd:
        name = 5

        async def read(self, size: int) -> bytes:
            return b""

    assert (await open_source(Odd())).name == "video"


async def test_blocks_are_reused_when_no_view_of_them_exists(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, blocks = os.preadv, set()

    def counted(fd: int, buffers: list[bytearray], *rest: Any) -> int:
        blocks.add(id(buffers[0]))
        return real(fd, buffers, *rest)

    monkeypatch.setattr(os, "preadv", counted)
    file = OpenFile.open(path)
    digest = b""
    async for block in file.read(0, 48 * 65_536, 65_536):
        digest += bytes(block)
    assert digest == DATA[: 48 * 65_536]
    assert len(blocks) <= 3, "one that is read into, one that is sent"
    file.close()


async def test_blocks_with_a_view_are_not_reused(path: Path) -> None:
    """As a transport does with what it has not sent yet: every other block is held to the end."""
    file = OpenFile.open(path)
    held, number = [], 0
    async for block in file.read(0, len(DATA), 4_096):
        if number % 2:
            held.append((number, block))
        number += 1
    assert len(held) > 100
    assert all(block == DATA[number * 4_096 : (number + 1) * 4_096] for number, block in held)
    file.close()


async def test_the_more_ranges_are_read_the_smaller_their_blocks(path: Path) -> None:
    file = OpenFile.open(path)
    readers = [file.read(0, len(DATA), None) for _ in range(30)]
    sizes = [len(await anext(reader)) for reader in readers]
    assert sizes[0] == LARGEST_BLOCK
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[7] == MEMORY // 8
    assert sizes[-1] == SMALLEST_BLOCK
    for reader in readers:
        await reader.aclose()  # type: ignore[attr-defined]
    assert len(await anext(file.read(0, len(DATA)))) == LARGEST_BLOCK
    file.close()
