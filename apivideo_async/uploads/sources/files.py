"""Reading a regular file by position, without stopping the event loop and without a thread per block.

On Linux a block that is in the page cache is read at once (``preadv`` with ``RWF_NOWAIT``: it never waits for the
disk); only a block that is not is read in a thread, more of it at a time. Where the file system or the platform
cannot do that (tmpfs, macOS), every read goes to a thread; where there is no positional read (Windows), every
read has a handle of its own.
"""

import asyncio
import errno
import hashlib
import os
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from ...errors import SourceError

__all__ = ["OpenFile"]

MEMORY = 1024 * 1024
"""Bytes that the blocks of all ranges that are read at once hold together, about."""
SMALLEST_BLOCK, LARGEST_BLOCK = 64 * 1024, 512 * 1024
COLD_MEMORY, COLD_BLOCK = 2048 * 1024, 1024 * 1024
"""The same where a thread has to be paid for: more is read at once."""
END_BLOCK = 1024 * 1024
"""Bytes hashed at each end for the fingerprint."""

_NO_NOWAIT = frozenset({errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS})


class Blocks:
    """Blocks to read into, used again as soon as nobody else holds them.

    A transport may keep a view of a block until it is sent, and a block that was overwritten meanwhile would go out
    with the bytes of another. But a bytearray of which a view exists cannot change its size: so whether it is free can
    be asked, and need not be hoped for. Zeroing a new block for every read costs a tenth of the whole upload.
    """

    def __init__(self) -> None:
        self._kept: deque[bytearray] = deque(maxlen=32)

    def take(self, size: int) -> bytearray:
        """Give a block that nobody holds; its content is whatever it was."""
        for _ in range(len(self._kept)):
            block = self._kept.popleft()
            if _is_free(block):
                if len(block) == size:
                    return block
            else:
                self._kept.append(block)
        return bytearray(size)

    def keep(self, block: bytearray) -> None:
        """Remember a block that was taken, to give it out again; only views of it may have been handed on."""
        self._kept.append(block)


def _is_free(block: bytearray) -> bool:
    try:
        block.append(0)
    except BufferError:
        return False
    block.pop()
    return True


class OpenFile:
    """One descriptor, shared by all chunks of an upload, and what the file looked like when it was opened."""

    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self._path = path
        self._stat = os.fstat(fd)
        self._named = self._inode_at_path() == self._stat.st_ino
        self._nowait = hasattr(os, "RWF_NOWAIT")
        self._blocks = Blocks()
        self._ranges = 0
        """How many are being read."""
        self._threads = 0
        self._closing = False

    @classmethod
    def open(cls, path: Path) -> "OpenFile":
        """Open for reading (blocking: call it in a thread)."""
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a directory", str(path))
        return cls(os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)), path)

    @classmethod
    def borrow(cls, fd: int, path: Path) -> "OpenFile":
        """Read through a copy of somebody else's descriptor."""
        return cls(os.dup(fd), path)

    @property
    def size(self) -> int:
        """Bytes."""
        return self._stat.st_size

    @property
    def mode(self) -> int:
        """The file's type and permissions."""
        return self._stat.st_mode

    def release(self) -> int:
        """Hand the descriptor over; this object is done."""
        fd, self._fd = self._fd, -1
        return fd

    def read(self, start: int, size: int, block: int | None = None) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Give a range in blocks, which are yours as long as you hold them.

        ``block``: bytes of the largest; None: the more ranges are read at once, the smaller. Raises ``SourceError``
        when the file is not what it was, or cannot be read.
        """
        if hasattr(os, "preadv"):
            return self._read_positional(start, size, block)
        return self._read_portable(start, size, block or LARGEST_BLOCK)

    async def _read_positional(
        self, start: int, size: int, block: int | None
    ) -> AsyncIterator[bytes | bytearray | memoryview]:
        position, stop = start, start + size
        self._ranges += 1
        try:
            while position < stop:
                most = block or max(SMALLEST_BLOCK, min(MEMORY // self._ranges, LARGEST_BLOCK))
                piece = self._read_cached(position, min(most, stop - position))
                if piece is None:
                    cold = max(most, min(COLD_MEMORY // self._ranges, COLD_BLOCK))
                    piece = await self._read_cold(position, min(cold, stop - position))
                if not piece:
                    raise self._changed("it became shorter")
                position += len(piece)
                for offset in range(0, len(piece), most):
                    yield piece[offset : offset + most]
        except OSError as error:
            raise self._unreadable(error) from error
        finally:
            self._ranges -= 1
        if self._nowait:
            # Only local file systems read without waiting, and those need not be waited for when they are looked at.
            self._assert_unchanged()
        else:
            await self._in_thread(self._assert_unchanged)

    def _read_cached(self, position: int, size: int) -> memoryview | None:
        if not self._nowait:
            return None
        block = self._blocks.take(size)
        try:
            got = os.preadv(self._fd, [block], position, os.RWF_NOWAIT)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno not in _NO_NOWAIT:
                raise
            self._nowait = False
            return None
        finally:
            self._blocks.keep(block)
        return memoryview(block)[:got]

    async def _read_cold(self, position: int, size: int) -> memoryview:
        # Made here and not in the thread: each thread allocates from a pool of its own, which keeps what was freed.
        block = self._blocks.take(size)
        got = await self._in_thread(os.preadv, self._fd, [block], position)
        self._blocks.keep(block)  # Only now: who is cancelled leaves a thread that writes into it.
        return memoryview(block)[:got]

    async def _read_portable(self, start: int, size: int, block: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        position, stop = start, start + size
        while position < stop:
            try:
                piece = await self._in_thread(self._read_at, position, min(block, stop - position))
            except OSError as error:
                raise self._unreadable(error) from error
            if not piece:
                raise self._changed("it became shorter")
            position += len(piece)
            yield piece
        await self._in_thread(self._assert_unchanged)

    def _read_at(self, position: int, size: int) -> bytes:
        # A handle for each read: one that is kept would be lost when its opening is cancelled.
        with self._path.open("rb") as handle:
            handle.seek(position)
            return handle.read(size)

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        """Run in a thread; the descriptor stays open until the thread is done, even if nobody waits for it."""
        self._threads += 1
        future = asyncio.get_running_loop().run_in_executor(None, function, *arguments)
        future.add_done_callback(self._thread_done)
        # Shielded: a cancelled future is done at once, the thread behind it is not.
        return await asyncio.shield(future)

    def _thread_done(self, future: "asyncio.Future[Any]") -> None:
        if not future.cancelled():
            future.exception()  # Perhaps nobody waits for it any more.
        self._threads -= 1
        if self._closing:
            self.close()

    def close(self) -> None:
        """Close, now or when the last thread is done with the descriptor."""
        self._closing = True
        if self._threads == 0 and self._fd >= 0:
            os.close(self.release())

    def _assert_unchanged(self) -> None:
        # A file that was deleted meanwhile is no error: the descriptor still has every byte.
        if self._named and self._inode_at_path() not in (None, self._stat.st_ino):
            raise self._changed("another file took its place")
        now = os.fstat(self._fd)
        if now.st_size != self._stat.st_size:
            raise self._changed(f"its size went from {self._stat.st_size:,} to {now.st_size:,} bytes")
        if now.st_mtime_ns != self._stat.st_mtime_ns:
            raise self._changed("it was written to")

    def _inode_at_path(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except OSError:
            return None

    def _changed(self, how: str) -> SourceError:
        return SourceError(
            f"{self._path} changed during the upload: {how}. Upload it again when it is finished", cause="changed"
        )

    def _unreadable(self, error: OSError) -> SourceError:
        return SourceError(f"{self._path} cannot be read further: {error.strerror or error}", cause="unreadable")

    async def fingerprint(self) -> dict[str, Any] | None:
        """Describe the file: path, size, time, inode and a hash of both ends; None when it has no path."""
        if not self._named:
            return None
        return await self._in_thread(self._fingerprint)  # type: ignore[no-any-return]

    def _fingerprint(self) -> dict[str, Any]:
        digest = hashlib.sha256()
        with self._path.open("rb") as handle:
            for position in (0, max(0, self.size - END_BLOCK)):
                handle.seek(position)
                digest.update(handle.read(END_BLOCK))
        return {
            "path": str(self._path.resolve()),
            "size": self.size,
            "mtime_ns": self._stat.st_mtime_ns,
            "inode": self._stat.st_ino,
            "ends": digest.hexdigest(),
        }
