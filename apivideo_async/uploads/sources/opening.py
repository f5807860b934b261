"""Recognises and opens sources. Only this module, ``files`` and ``journal`` read user files."""

import asyncio
import inspect
import io
import os
import stat
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from pathlib import Path
from typing import IO, Any

from ...errors import ConfigurationError, SourceError
from ...text import check_sendable
from .files import OpenFile
from .threads import PendingWork, in_thread
from .types import BLOCK, DEFAULT_NAME, Block, Source, SourceLike, Stream, not_bytes

__all__ = ["FileSource", "MemorySource", "SeekableSource", "name_of", "open_file", "open_source"]

READ_SIZE = 4 * BLOCK
"""Bytes that one call in a thread reads."""
CLOSE_TIMEOUT = 0.5
"""Seconds that ``aclose`` waits for a read in progress."""


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

    async def fingerprint(self) -> dict[str, Any] | None:
        """Return path, size, times and the hash of both ends."""
        return await self._file.fingerprint()

    def close(self) -> None:
        """Close the descriptor when no thread reads from it."""
        self._file.close()

    async def aclose(self) -> None:
        """See ``close``."""
        self.close()


class MemorySource(Source):
    """Bytes in memory."""

    def __init__(self, data: Block, name: str = DEFAULT_NAME) -> None:
        try:
            self._view = memoryview(data).cast("B").toreadonly()
        except TypeError as error:
            raise SourceError(
                "the memoryview is not contiguous: pass bytes(view)", cause="unsupported"
            ) from error
        self.name = name
        self.size: int = len(self._view)

    async def read(self, start: int, size: int) -> AsyncIterator[Block]:
        """Yield slices without copying them."""
        for position in range(start, start + size, BLOCK):
            yield self._view[position : min(position + BLOCK, start + size)]


class SeekableSource(Source):
    """A seekable object without a descriptor, read in a thread. The caller closes it."""

    def __init__(self, handle: IO[bytes], name: str, start: int, size: int) -> None:
        self._handle = handle
        self._start = start
        self._reads = PendingWork()
        self._one_read = asyncio.Lock()
        # A cancelled read continues in its thread. The next ``seek`` must wait for its end.
        self._seek_and_read = threading.Lock()
        self.name = name
        self.size = size

    def _read_at(self, position: int, size: int) -> bytes:
        with self._seek_and_read:
            self._handle.seek(position)
            return self._handle.read(size)

    async def read(self, start: int, size: int) -> AsyncIterator[Block]:
        """Yield a range block by block."""
        position, stop = self._start + start, self._start + start + size
        while position < stop:
            async with self._one_read:
                block = await self._reads.in_thread(
                    self._read_at, position, min(READ_SIZE, stop - position)
                )
            if not block:
                raise SourceError(
                    f"{self.name} ended {stop - position:,} bytes early: "
                    "it may have been changed or closed during the upload"
                )
            position += len(block)
            yield block

    async def aclose(self) -> None:
        """Wait at most ``CLOSE_TIMEOUT`` seconds for a read in progress."""
        await self._reads.wait(CLOSE_TIMEOUT)


class IteratorStream(Stream):
    """An async iterable of bytes."""

    def __init__(self, iterable: AsyncIterable[Any], name: str = DEFAULT_NAME) -> None:
        self._iterable = iterable
        self.name = name

    async def blocks(self) -> AsyncIterator[Block]:
        """Yield the items. Close a generator if the upload ends early, to run its ``finally``."""
        iterator = aiter(self._iterable)
        try:
            async for block in iterator:
                yield _as_bytes(block)
        finally:
            if isinstance(iterator, AsyncGenerator):
                await iterator.aclose()


class ReaderStream(Stream):
    """An object with a sync or async ``read(n)``. A sync one is read in a thread."""

    def __init__(self, read: Callable[[int], Any], name: str, *, threaded: bool) -> None:
        self._read = read
        self._threaded = threaded
        self.name = name

    async def blocks(self) -> AsyncIterator[Block]:
        """Read until ``read`` returns no bytes."""
        while True:
            block = (
                await in_thread(self._read, READ_SIZE) if self._threaded else self._read(READ_SIZE)
            )
            if inspect.isawaitable(block):
                block = await block
            if block is None:
                raise SourceError(
                    f"{self.name} is in non-blocking mode: "
                    "call os.set_blocking(fd, True), or pass an async reader"
                )
            if not block:
                return
            yield _as_bytes(block)


class _PipeStream(ReaderStream):
    """A pipe or device that this package opened and therefore closes."""

    def __init__(self, handle: IO[bytes], name: str) -> None:
        super().__init__(_read_method(handle), name, threaded=True)
        self._handle = handle

    async def aclose(self) -> None:
        # Closing waits for a read in progress, which may never return. Do it in a daemon thread.
        threading.Thread(target=self._handle.close, daemon=True).start()


def _as_bytes(block: Any) -> bytes:
    """Copy mutable blocks: the producer may reuse its buffer before the block is sent."""
    if isinstance(block, bytes | bytearray | memoryview):
        return bytes(block)
    raise not_bytes(block)


async def open_source(given: SourceLike, name: str | None = None) -> Source | Stream:
    """Open a source. The caller closes it unless it is ``given`` itself. Raises ``SourceError``."""
    if name is not None:
        check_sendable("filename", name, option="filename")
    if isinstance(given, Source | Stream):
        check_sendable("the name of the source", given.name)
        return given
    if isinstance(given, str | os.PathLike):
        return await _open_path(Path(given), name)
    if isinstance(given, bytes | bytearray | memoryview):
        return MemorySource(given, name or DEFAULT_NAME)
    name = name or _name_of_object(given)
    read = getattr(given, "read", None)
    if callable(read):
        if inspect.iscoroutinefunction(read):
            return ReaderStream(read, name, threaded=False)
        # Text wrappers of ``tempfile`` are no ``TextIOBase``, but have ``encoding``.
        if isinstance(given, io.TextIOBase) or isinstance(getattr(given, "encoding", None), str):
            raise SourceError("the file is open in text mode: open it with 'rb'")
        return await in_thread(_open_handle, given, name, unwanted=_close_copy)
    if isinstance(given, AsyncIterable):
        return IteratorStream(given, name)
    raise ConfigurationError(
        "a source must be a path, bytes, a binary file, an async iterable of bytes, an object with "
        f"async read(n), or a Source; not {type(given).__name__}"
    )


def _name_of_object(given: Any) -> str:
    # Starlette's ``UploadFile`` has ``filename``. ``name`` may be a descriptor number.
    for attribute in ("filename", "name"):
        value = getattr(given, attribute, None)
        if isinstance(value, str) and value:
            return name_of(Path(value))
    return DEFAULT_NAME


def name_of(path: Path) -> str:
    """Return the file name without surrogates and NUL, which no request can contain."""
    name = path.name.replace("\0", "?")
    return name.encode("utf-8", "replace").decode() or DEFAULT_NAME


async def _open_path(path: Path, name: str | None) -> Source | Stream:
    name = name or name_of(path)
    file = await in_thread(open_file, path, unwanted=OpenFile.close)
    if stat.S_ISREG(file.mode):
        return FileSource(file, name)
    return _PipeStream(os.fdopen(file.release(), "rb"), name)


def open_file(path: Path) -> OpenFile:
    """Open a file (blocking). Raises ``SourceError`` if it is missing or cannot be read."""
    try:
        return OpenFile.open(path)
    except FileNotFoundError as error:
        raise SourceError(f"no such file: {path}", cause="missing") from error
    except IsADirectoryError as error:
        raise SourceError(
            f"{path} is a directory: name the files in it", cause="unsupported"
        ) from error
    except OSError as error:
        raise SourceError(
            f"cannot read {path}: {error.strerror or error}", cause="unreadable"
        ) from error
    # A NUL character, or one that the file system's encoding does not have.
    except ValueError as error:
        raise SourceError(
            f"no file can have the name {str(path)!a}: {error}", cause="missing"
        ) from error


def _close_copy(source: Source | Stream) -> None:
    """Close our duplicate of a descriptor. The caller closes all other handles."""
    if isinstance(source, FileSource):
        source.close()


def _read_method(handle: Any) -> Callable[[int], Any]:
    """Prefer ``read1``, which returns the available bytes without waiting for all ``n``."""
    return getattr(handle, "read1", None) or handle.read  # type: ignore[no-any-return]


def _open_handle(handle: Any, name: str) -> Source | Stream:
    """Choose how to read an open file from its current position. The caller closes it."""
    try:
        if not (handle.seekable() if hasattr(handle, "seekable") else hasattr(handle, "seek")):
            return ReaderStream(_read_method(handle), name, threaded=True)
        position = handle.tell()
        end = handle.seek(0, io.SEEK_END)
        end = handle.tell() if end is None else end
        handle.seek(position)
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {name}: {error}") from error
    if position >= end > 0:
        raise SourceError(
            f"{name} is positioned at its end ({end:,} bytes): call seek(0) before the upload"
        )
    raw = getattr(handle, "raw", handle)
    if isinstance(handle, io.BufferedReader | io.BufferedRandom | io.FileIO) and isinstance(
        raw, io.FileIO
    ):
        if not isinstance(handle, io.BufferedReader):
            handle.flush()
        file = OpenFile.borrow(raw.fileno(), Path(str(handle.name)))
        if stat.S_ISREG(file.mode):
            return FileSource(file, name, position)
        file.close()
    return SeekableSource(handle, name, position, end - position)
