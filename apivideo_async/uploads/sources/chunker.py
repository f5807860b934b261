"""Cuts a stream into chunks that can be sent again, buffered in memory or temporary files."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Self, TypeAlias

from attrs import define, field

from ...errors import SourceError
from .files import OpenFile
from .threads import PendingWork
from .types import BLOCK, Block, Source

__all__ = [
    "Buffer",
    "FileBuffer",
    "MemoryBuffer",
    "Spool",
    "SpooledSource",
    "StreamFeed",
]

SMALL_BLOCK = 16 * 1024
"""Bytes. Smaller blocks are joined: many tiny objects need more memory than their content."""
WRITE_SIZE = 1024 * 1024
"""Bytes to collect before a thread writes them to a temporary file."""


@define(eq=False)
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
        self._opening = asyncio.Lock()

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
        async for content in self.read_range(0, self.size, block):
            yield content

    async def read_range(self, start: int, size: int, block: int) -> AsyncIterator[Block]:
        """Yield a range. Several ranges may be read at the same time."""
        async with self._opening:
            if self._file is None:
                await self._flush()
                self._file = OpenFile(self._fd, self._path)
        async for content in self._file.read(start, size, block):
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


@define(eq=False)
class StreamFeed:
    """Cuts a stream into chunks. The bytes of buffers that were not closed can be cut again."""

    name: str
    _blocks: AsyncGenerator[Block, None]
    """The bytes that are in no open buffer: first those that are cut again, then the stream."""
    _new_buffer: Callable[[], Buffer] = MemoryBuffer
    _block: memoryview = field(default=memoryview(b""), init=False)
    """The part of the last block that is in no buffer yet."""
    _open: dict[Buffer, None] = field(factory=dict, init=False)
    """Buffers in order that are not closed, including the one that is being filled."""
    _started: list[AsyncGenerator[Block, None]] = field(factory=list, init=False)
    _spool: Spool | None = field(default=None, init=False)
    _spooled: "SpooledSource | None" = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._started.append(self._blocks)

    async def cut(self, chunk_size: int) -> AsyncGenerator[Buffer, None]:
        """Yield chunks. All but the last one have ``chunk_size`` bytes.

        The caller passes every buffer to ``close``. A full buffer is yielded only after the next
        byte or the end has arrived. Only then is it known whether its request must say ``part 3/*``
        or ``part 3/3``, even if the source ends exactly at a chunk boundary.
        """
        self._begin_again()
        buffer = self._open_buffer()
        # Not closed at the end of this generator, because another call may continue it.
        async for block in self._blocks:
            self._block = memoryview(block)
            while len(self._block):
                if buffer.size == chunk_size:
                    yield buffer
                    buffer = self._open_buffer()
                taken = self._block[: chunk_size - buffer.size]
                await buffer.append(taken)
                self._block = self._block[len(taken) :]
        buffer.last = True
        yield buffer

    def _open_buffer(self) -> Buffer:
        buffer = self._new_buffer()
        self._open[buffer] = None
        return buffer

    def _begin_again(self) -> None:
        """Put the open buffers and the rest of the last block before the rest of the stream."""
        if not self._open:
            return
        self._blocks = _chain([*self._open], self._block, self._blocks)
        self._started.append(self._blocks)
        self._open, self._block = {}, memoryview(b"")

    def close(self, buffer: Buffer) -> None:
        """Free a buffer whose bytes are not needed again."""
        del self._open[buffer]
        buffer.close()

    async def spooled(self, folder: Path | None) -> "SpooledSource":
        """Write the rest of the stream to a temporary file, and return it as a source."""
        if self._spooled is None:
            self._begin_again()
            self._spool = Spool(folder)
            file = self._spool.new_buffer()
            async for block in self._blocks:
                await file.append(memoryview(block))
            self._spooled = SpooledSource(file, self.name)
        return self._spooled

    async def aclose(self) -> None:
        """Free all buffers, and end the iteration of the stream."""
        for buffer in self._open:
            buffer.close()
        if self._spool is not None:
            self._spool.__exit__()
        for blocks in reversed(self._started):
            await blocks.aclose()


async def _chain(
    buffers: list[Buffer], block: memoryview, rest: AsyncGenerator[Block, None]
) -> AsyncGenerator[Block, None]:
    try:
        for buffer in buffers:
            async for each in buffer.read(BLOCK):
                yield each
            buffer.close()
    finally:
        for buffer in buffers:
            buffer.close()
    yield block
    async for each in rest:
        yield each


class SpooledSource(Source):
    """A stream in a temporary file, which the feed removes."""

    def __init__(self, file: FileBuffer, name: str) -> None:
        self._file = file
        self.name = name
        self.size: int = file.size

    async def read(self, start: int, size: int) -> AsyncIterator[Block]:
        """Yield a range."""
        async for block in self._file.read_range(start, size, BLOCK):
            yield block
