"""Reading a regular file by position, without stopping the event loop and without a thread per block.

On Linux a block that is in the page cache is read at once (``preadv`` with ``RWF_NOWAIT``: it never waits for the
disk); only a block that is not is read in a thread, more of it at a time. Where the file system or the platform
cannot do that (tmpfs, macOS), every read goes to a thread; where there is no positional read (Windows), every
range has a handle of its own.
"""

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiofiles

from ..errors import SourceError

__all__ = ["OpenFile"]

COLD_BLOCK = 1024 * 1024
"""Read at once when the thread hop has to be paid anyway."""
END_BLOCK = 1024 * 1024
"""Bytes hashed at each end for the fingerprint."""

_NO_NOWAIT = frozenset({errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS})


class OpenFile:
    """One descriptor, shared by all chunks of an upload, and what the file looked like when it was opened."""

    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self._path = path
        self._stat = os.fstat(fd)
        self._named = self._inode_at_path() == self._stat.st_ino
        self._nowait = hasattr(os, "RWF_NOWAIT")
        self._readers = 0
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

    def read(self, start: int, size: int, block: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Give a range in fresh blocks. Raises ``SourceError`` when the file is not what it was."""
        if hasattr(os, "preadv"):
            return self._read_positional(start, size, block)
        return self._read_portable(start, size, block)

    async def _read_positional(
        self, start: int, size: int, block: int
    ) -> AsyncIterator[bytes | bytearray | memoryview]:
        position, stop = start, start + size
        while position < stop:
            piece = self._read_cached(position, min(block, stop - position))
            if piece is None:
                cold = await self._in_thread(os.pread, self._fd, min(COLD_BLOCK, stop - position), position)
                piece = memoryview(cold)
            if not piece:
                raise self._changed("it became shorter")
            position += len(piece)
            for offset in range(0, len(piece), block):
                yield piece[offset : offset + block]
        await self._in_thread(self._assert_unchanged)

    def _read_cached(self, position: int, size: int) -> memoryview | None:
        if not self._nowait:
            return None
        block = bytearray(size)
        try:
            got = os.preadv(self._fd, [block], position, os.RWF_NOWAIT)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno not in _NO_NOWAIT:
                raise
            self._nowait = False
            return None
        return memoryview(block)[:got]

    async def _read_portable(self, start: int, size: int, block: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        left = size
        async with aiofiles.open(self._path, "rb") as handle:
            await handle.seek(start)
            while left:
                piece = await handle.read(min(4 * block, left))
                if not piece:
                    raise self._changed("it became shorter")
                left -= len(piece)
                yield piece
        await self._in_thread(self._assert_unchanged)

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        """Run in a thread; the descriptor stays open until the thread is done, even if nobody waits for it."""
        self._readers += 1
        future = asyncio.get_running_loop().run_in_executor(None, function, *arguments)
        future.add_done_callback(self._reader_done)
        # Shielded: a cancelled future is done at once, the thread behind it is not.
        return await asyncio.shield(future)

    def _reader_done(self, future: "asyncio.Future[Any]") -> None:
        if not future.cancelled():
            future.exception()  # Perhaps nobody waits for it any more.
        self._readers -= 1
        if self._closing:
            self.close()

    def close(self) -> None:
        """Close, now or when the last thread is done with the descriptor."""
        self._closing = True
        if self._readers == 0 and self._fd >= 0:
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
        return SourceError(f"{self._path} changed during the upload: {how}. Upload it again when it is finished")

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
