"""Read a regular file by position without blocking the event loop.

Most reads need no thread. On Linux, a block in the page cache is read directly with ``preadv`` and
``RWF_NOWAIT``, which never waits for the disk. Only a block that is not cached is read in a thread,
with a larger size. Where the file system or the platform does not support this (tmpfs, macOS), a
thread does every read. Where positional reads do not exist (Windows), every read opens its own
handle.
"""

import errno
import hashlib
import os
from collections import deque
from collections.abc import AsyncIterator, Iterable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import SourceError
from .threads import PendingWork, repeated
from .types import Block, Source

__all__ = ["FileSource", "OpenFile"]

MEMORY = 1024 * 1024
"""Approximate number of bytes in the blocks of all ranges that are read at the same time."""
SMALLEST_BLOCK = 64 * 1024
LARGEST_BLOCK = 512 * 1024
"""Size limits of a cached block, in bytes."""
COLD_MEMORY = 2 * 1024 * 1024
COLD_BLOCK = 1024 * 1024
"""The limits for reads in a thread. Larger reads compensate for the cost of the thread."""
END_BLOCK = 1024 * 1024
"""Number of bytes hashed at each end of the file for the fingerprint."""
SAMPLES = 32
SAMPLE = 32 * 1024
"""Number and size in bytes of the samples that are hashed in between."""

_NO_NOWAIT = frozenset({errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS})


class Blocks:
    """A pool of buffers that are reused when no other object holds a view of them.

    A transport may keep a view of a block until it is sent. If the block were overwritten before,
    the request would contain the bytes of another block. Python refuses to resize a bytearray while
    a view of it exists, which shows reliably whether a block is free. Without reuse, clearing a new
    block for every read would take a tenth of the time of an upload.
    """

    def __init__(self) -> None:
        self._kept: deque[bytearray] = deque(maxlen=32)

    def take(self, size: int) -> bytearray:
        """Return a free block of ``size`` bytes. Its content is arbitrary."""
        # Look at each kept block once. A block that is in use goes back to the end of the queue. A
        # free block of another size is dropped, because the sizes change with the number of ranges.
        for _ in range(len(self._kept)):
            block = self._kept.popleft()
            if _is_free(block):
                if len(block) == size:
                    return block
            else:
                self._kept.append(block)
        return bytearray(size)

    def keep(self, block: bytearray) -> None:
        """Put a block into the pool. Views of it may exist, but no other reference to it."""
        self._kept.append(block)


def _is_free(block: bytearray) -> bool:
    try:
        # Resizing fails while a view exists.
        block.append(0)
    except BufferError:
        return False
    block.pop()
    return True


class OpenFile:
    """An open descriptor that all chunks of an upload share. It detects changes of the file."""

    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self._path = path
        self._stat = os.fstat(fd)
        # False if the path names another file, as for a borrowed descriptor of a deleted file.
        self._named = self._inode_at_path() == self._stat.st_ino
        self._positional = hasattr(os, "preadv")
        self._nowait = self._positional and hasattr(os, "RWF_NOWAIT")
        self._blocks = Blocks()
        self._ranges = 0
        """Number of ranges that are being read."""
        # Threads that use the descriptor. It stays open until the last of them has finished.
        self._reads = PendingWork(self._close_descriptor)

    @classmethod
    def open(cls, path: Path) -> "OpenFile":
        """Open a file for reading, which blocks. Raises ``OSError``, also for a directory."""
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a directory", str(path))
        return cls(
            os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)),
            path,
        )

    @classmethod
    def borrow(cls, fd: int, path: Path) -> "OpenFile":
        """Read through a duplicate of the caller's descriptor."""
        return cls(os.dup(fd), path)

    @property
    def size(self) -> int:
        """Size in bytes when the file was opened."""
        return self._stat.st_size

    @property
    def mode(self) -> int:
        """File type and permissions."""
        return self._stat.st_mode

    def release(self) -> int:
        """Return the descriptor and give up its ownership. The object cannot be used afterwards."""
        fd, self._fd = self._fd, -1
        return fd

    async def read(self, start: int, size: int, block: int | None = None) -> AsyncIterator[Block]:
        """Yield a range of the file in blocks. A block is not changed while the caller holds it.

        ``block`` is the largest block in bytes. With None, blocks become smaller the more ranges
        are read at the same time. Raises ``SourceError`` if the file changed since it was opened or
        cannot be read.
        """
        position, stop = start, start + size
        self._ranges += 1
        try:
            while position < stop:
                # The memory is shared by all ranges, so the block size falls with their number.
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
            raise SourceError(
                f"reading {self._path} failed: {error.strerror or error}", cause="unreadable"
            ) from error
        finally:
            self._ranges -= 1
        # A local file system, the only kind that supports ``RWF_NOWAIT``, answers ``fstat`` without
        # delay. Other file systems may block, so check in a thread.
        if self._nowait:
            self._assert_unchanged()
        else:
            await self._reads.in_thread(self._assert_unchanged)

    def _read_cached(self, position: int, size: int) -> memoryview | None:
        if not self._nowait:
            return None
        block = self._blocks.take(size)
        try:
            # Fails with ``BlockingIOError`` if the block is not in the page cache.
            got = os.preadv(self._fd, [block], position, os.RWF_NOWAIT)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno not in _NO_NOWAIT:
                raise
            self._nowait = False
            return None
        finally:
            # Nothing can take the block from the pool before the view exists: there is no ``await``
            # in between.
            self._blocks.keep(block)
        return memoryview(block)[:got]

    async def _read_cold(self, position: int, size: int) -> memoryview:
        if not self._positional:
            read = partial(self._reads.in_thread, self._read_at, position, size)
            return memoryview(await repeated(read))
        # Allocated here, because a thread has a memory pool of its own, which keeps freed memory.
        block = self._blocks.take(size)
        got = await self._reads.in_thread(os.preadv, self._fd, [block], position)
        # Kept only after the read: if the caller is cancelled, the thread still writes into it.
        self._blocks.keep(block)
        return memoryview(block)[:got]

    def _read_at(self, position: int, size: int) -> bytes:
        # Open a handle for each read. If opening in a thread were cancelled, a kept handle would be
        # lost without being closed.
        with self._path.open("rb") as handle:
            handle.seek(position)
            return handle.read(size)

    @property
    def stuck(self) -> bool:
        """True if the disk has not answered for a while."""
        return self._reads.stuck

    def close(self) -> None:
        """Close the descriptor, at once or when the last thread has finished with it."""
        self._reads.close()

    def _close_descriptor(self) -> None:
        if self._fd >= 0:
            os.close(self.release())

    def _assert_unchanged(self) -> None:
        # Deleting the file during the upload is no error: the descriptor still has every byte.
        if self._named and self._inode_at_path() not in (None, self._stat.st_ino):
            raise self._changed("another file replaced it")
        now = os.fstat(self._fd)
        if now.st_size != self._stat.st_size:
            raise self._changed(
                f"its size went from {self._stat.st_size:,} to {now.st_size:,} bytes"
            )
        if now.st_mtime_ns != self._stat.st_mtime_ns:
            raise self._changed("it was written to")

    def _inode_at_path(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except OSError:
            return None

    def _changed(self, how: str) -> SourceError:
        return SourceError(
            f"{self._path} changed during the upload: {how}. Upload it again when no program "
            "writes to it",
            cause="changed",
        )

    async def fingerprint(self) -> dict[str, Any] | None:
        """Describe the file. None if the path does not name it, so no later process can find it."""
        if not self._named:
            return None
        return await repeated(lambda: self._reads.in_thread(self._fingerprint))

    def _fingerprint(self) -> dict[str, Any]:
        try:
            with self._path.open("rb") as handle:
                last = max(0, self.size - END_BLOCK)
                ends = _digest(handle, (0, last), END_BLOCK)
                step = max(SAMPLE, last // SAMPLES)
                samples = _digest(handle, range(END_BLOCK, last, step), SAMPLE)
        except OSError as error:
            raise SourceError(
                f"reading {self._path} failed: {error.strerror or error}", cause="unreadable"
            ) from error
        return {
            "path": str(self._path.resolve()),
            "size": self.size,
            "mtime_ns": self._stat.st_mtime_ns,
            "inode": self._stat.st_ino,
            "ends": ends,
            "samples": samples,
        }


def _digest(handle: BinaryIO, positions: Iterable[int], size: int) -> str:
    digest = hashlib.sha256()
    for position in positions:
        handle.seek(position)
        digest.update(handle.read(size))
    return digest.hexdigest()


class FileSource(Source):
    """A regular file, or the rest of an open one, read by position."""

    def __init__(self, file: OpenFile, name: str, start: int = 0) -> None:
        self._file = file
        self._start = start
        self.name = name
        self.size: int = file.size - start

    def read(self, start: int, size: int) -> AsyncIterator[Block]:
        """Yield a range. Raises ``SourceError`` if the file changed since it was opened."""
        return self._file.read(self._start + start, size)

    @property
    def stuck(self) -> bool:
        """True if the disk has not answered for a while."""
        return self._file.stuck

    async def fingerprint(self) -> dict[str, Any] | None:
        """Return path, size, times and the hash of both ends."""
        return await self._file.fingerprint()

    def close(self) -> None:
        """Close the descriptor when no thread reads from it."""
        self._file.close()

    async def aclose(self) -> None:
        """See ``close``."""
        self.close()
