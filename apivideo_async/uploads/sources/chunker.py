"""Cuts a stream into chunks that can be sent again, buffered in memory or temporary files."""

import contextlib
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Self, TypeAlias

from attrs import define, field

from ...errors import SourceError
from .files import OpenFile
from .threads import PendingWork
from .types import Block

__all__ = ["Buffer", "FileBuffer", "MemoryBuffer", "Spool", "cut"]

SMALL_BLOCK = 16 * 1024
"""Bytes. Smaller blocks are joined: many tiny objects need more memory than their content."""
WRITE_SIZE = 1024 * 1024
"""Bytes to collect before a thread writes them to a temporary file."""


@define
class MemoryBuffer:
    """One chunk buffered in memory."""

    size: int = 0
    last: bool = False
    """True for the chunk with which the stream ends."""
    _blocks: list[Block] = field(factory=list, repr=False)

    async def append(self, block: memoryview) -> None:
        """Add bytes to the end."""
        self.size += len(block)
        tail = self._blocks[-1] if self._blocks else None
        # Only our own copies of small blocks are bytearrays. Extend the last one if it is small.
        if isinstance(tail, bytearray) and len(tail) + len(block) <= 4 * SMALL_BLOCK:
            tail += block
        else:
            self._blocks.append(bytearray(block) if len(block) < SMALL_BLOCK else block)

    async def read(self, block: int) -> AsyncIterator[Block]:
        """Yield the bytes in pieces of at most ``block`` bytes. May be called repeatedly."""
        for stored in self._blocks:
            view = memoryview(stored)
            for start in range(0, len(view), block):
                yield view[start : start + block]

    def close(self) -> None:
        """Free the memory."""
        self._blocks.clear()


class FileBuffer:
    """One chunk in a temporary file, unlinked at once on POSIX, so that a crash leaves no file."""

    def __init__(self, spool: "Spool") -> None:
        self.size: int = 0
        self.last: bool = False
        self._spool = spool
        self._unwritten = bytearray()
        self._fd = -1
        self._path = Path()
        self._writes = PendingWork(self._remove)
        self._file: OpenFile | None = None

    async def append(self, block: memoryview) -> None:
        """Add bytes to the end. Raises ``SourceError`` if the file cannot be written."""
        self._unwritten += block
        self.size += len(block)
        if len(self._unwritten) >= WRITE_SIZE:
            await self._flush()

    async def _flush(self) -> None:
        data, self._unwritten = self._unwritten, bytearray()
        try:
            await self._writes.in_thread(self._write, data)
        except OSError as error:
            raise SourceError(
                f"the stream cannot be buffered in {self._spool.folder} (option spool): "
                f"{error.strerror or error}"
            ) from error

    def _write(self, data: bytearray) -> None:
        if self._fd < 0:
            self._fd, name = tempfile.mkstemp(
                prefix="apivideo-", suffix=".chunk", dir=self._spool.folder
            )
            self._path = Path(name)
            if os.name == "posix":
                self._path.unlink()
        view = memoryview(data)
        while view:
            # ``write`` may store fewer bytes than it was given.
            view = view[os.write(self._fd, view) :]

    async def read(self, block: int) -> AsyncIterator[Block]:
        """Yield the bytes in pieces of at most ``block`` bytes. May be called repeatedly."""
        if self._file is None:
            await self._flush()
            self._file = OpenFile(self._fd, self._path)
        async for content in self._file.read(0, self.size, block):
            yield content

    def close(self) -> None:
        """Remove the file when no thread writes. Synchronous: no cancellation can interrupt it."""
        self._spool.buffers.discard(self)
        self._writes.close()

    def _remove(self) -> None:
        if self._file is not None:
            self._file.close()
        elif self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        if os.name != "posix" and self._path.name:
            with contextlib.suppress(OSError):
                self._path.unlink()


Buffer: TypeAlias = MemoryBuffer | FileBuffer


class Spool:
    """Creates file buffers in ``folder`` (None: the system's), and removes the rest on exit."""

    def __init__(self, folder: Path | None) -> None:
        self.folder: Path = folder or Path(tempfile.gettempdir())
        self.buffers: set[FileBuffer] = set()

    def new_buffer(self) -> FileBuffer:
        """Create an empty buffer."""
        buffer = FileBuffer(self)
        self.buffers.add(buffer)
        return buffer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for buffer in list(self.buffers):
            buffer.close()


async def cut(
    blocks: AsyncGenerator[Block, None],
    chunk_size: int,
    new_buffer: Callable[[], Buffer] = MemoryBuffer,
) -> AsyncGenerator[Buffer, None]:
    """Yield the chunks of a stream. All but the last one have ``chunk_size`` bytes.

    The caller closes every buffer that it receives. A full buffer is yielded only after the next
    byte or the end has arrived. Only then is it known whether its request must say ``part 3/*`` or
    ``part 3/3``, even if the source ends exactly at a chunk boundary.
    """
    buffer = new_buffer()
    async with aclosing(blocks) as source:
        async for block in source:
            view = memoryview(block)
            while len(view):
                if buffer.size == chunk_size:
                    yield buffer
                    buffer = new_buffer()
                taken = view[: chunk_size - buffer.size]
                await buffer.append(taken)
                view = view[len(taken) :]
    buffer.last = True
    yield buffer
