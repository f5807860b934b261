"""Sources of uploads: the types, and how values are recognised and opened.

Only this module and ``journal`` read the user's files. Concurrent chunks cannot share one handle
with ``seek`` and ``read``, so there are two types:

- a :class:`Source` is read by position, by several chunks at once, and again for a retry;
- a :class:`Stream` is read once, in order. The engine buffers the bytes that it may send again.

A transport may keep a reference to a block until it is sent, so a block must not change while any
object holds it. Otherwise a request would contain the bytes of another block.
"""

import asyncio
import inspect
import io
import mimetypes
import os
import stat
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias, runtime_checkable

from ...errors import ConfigurationError, SourceError
from .files import OpenFile
from .threads import in_thread

__all__ = [
    *("AsyncReadable", "FileSource", "Source", "SourceLike", "Stream"),
    *("content_type", "flow", "name_of", "open_file", "open_source"),
]

BLOCK = 256 * 1024
"""Bytes read and written at once."""
NAMELESS = "video"
"""File name of a source without a name."""
LAST_READ = 0.5
"""Seconds that ``aclose`` waits for a read in progress."""


@runtime_checkable
class AsyncReadable(Protocol):
    """An object with ``async read(n)``, such as an upload object of a web framework."""

    def read(self, size: int, /) -> Awaitable[bytes]:
        """Return up to ``size`` bytes, or no bytes at the end."""
        ...


class Source(ABC):
    """Bytes of known size, read by position. Subclass it for your own storage.

    Several chunks may call ``read`` at the same time. A retry reads the same range again.
    """

    name: str = NAMELESS
    """File name that is sent to the server."""
    size: int = 0
    """Total size in bytes."""

    @abstractmethod
    def read(self, start: int, size: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Yield exactly ``size`` bytes from offset ``start`` in blocks, each a new object."""

    async def fingerprint(self) -> dict[str, Any] | None:
        """Return a description that identifies the content later, or None to use no journal."""
        return None

    async def aclose(self) -> None:
        """Release the resources of the source."""


class Stream(ABC):
    """Bytes that can be read once, in order, and whose total size is unknown."""

    name: str = NAMELESS

    @abstractmethod
    def blocks(self) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Yield all bytes. Called once."""

    async def aclose(self) -> None:
        """Release the resources of the stream."""


SourceLike: TypeAlias = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | IO[bytes]
    | AsyncIterable[bytes]
    | AsyncReadable
    | Source
    | Stream
)
"""Types that can be uploaded (docs/design.md §4 rule 4)."""


class FileSource(Source):
    """A regular file, or the rest of an open one, read by position."""

    def __init__(self, file: OpenFile, name: str, start: int = 0) -> None:
        self._file = file
        self._start = start
        self.name = name
        self.size: int = file.size - start

    def read(self, start: int, size: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Yield a range. Raises ``SourceError`` if the file changed since it was opened."""
        return self._file.read(self._start + start, size)

    async def fingerprint(self) -> dict[str, Any] | None:
        """Return path, size, times and the hash of both ends."""
        return await self._file.fingerprint()

    def close(self) -> None:
        """Close the descriptor when no thread reads from it."""
        self._file.close()

    async def aclose(self) -> None:
        """Close the descriptor when no thread reads from it."""
        self.close()


class MemorySource(Source):
    """Bytes in memory."""

    def __init__(self, data: bytes | bytearray | memoryview, name: str = NAMELESS) -> None:
        try:
            self._view = memoryview(data).cast("B").toreadonly()
        except TypeError as error:
            raise SourceError(
                "the memoryview is not contiguous: give bytes(view)", cause="unsupported"
            ) from error
        self.name = name
        self.size: int = len(self._view)

    async def read(self, start: int, size: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Yield slices without copying them."""
        for position in range(start, start + size, BLOCK):
            yield self._view[position : min(position + BLOCK, start + size)]


class SeekableSource(Source):
    """A seekable object without a descriptor, read block by block in a thread."""

    def __init__(self, handle: IO[bytes], name: str, start: int, size: int) -> None:
        self._handle = handle
        self._start = start
        self._turn = asyncio.Lock()
        # A cancelled read continues in its thread. It must not be disturbed by the next ``seek``.
        self._position = threading.Lock()
        self._reading: set[asyncio.Future[bytes]] = set()
        self.name = name
        self.size = size

    def _read_at(self, position: int, size: int) -> bytes:
        with self._position:
            self._handle.seek(position)
            return self._handle.read(size)

    async def _block(self, position: int, size: int) -> bytes:
        reading = asyncio.ensure_future(asyncio.to_thread(self._read_at, position, size))
        self._reading.add(reading)
        reading.add_done_callback(self._read)
        return await asyncio.shield(reading)

    def _read(self, reading: "asyncio.Future[bytes]") -> None:
        self._reading.discard(reading)
        if not reading.cancelled():
            # Retrieve the exception, so that asyncio does not log it if the caller was cancelled.
            reading.exception()

    async def aclose(self) -> None:
        """Wait at most ``LAST_READ`` seconds for a read in progress. The caller owns the handle."""
        if self._reading:
            await asyncio.wait(self._reading, timeout=LAST_READ)

    async def read(self, start: int, size: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Yield a range block by block."""
        position, stop = self._start + start, self._start + start + size
        while position < stop:
            async with self._turn:
                block = await self._block(position, min(4 * BLOCK, stop - position))
            if not block:
                raise SourceError(
                    f"{self.name}: ended {stop - position:,} bytes early; was it changed or closed?"
                )
            position += len(block)
            yield block


class IteratorStream(Stream):
    """An async iterable of bytes."""

    def __init__(self, iterable: AsyncIterable[Any], name: str = NAMELESS) -> None:
        self._iterable = iterable
        self.name = name

    async def blocks(self) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Yield the items. Close a generator if the upload ends early, to run its ``finally``."""
        iterator = aiter(self._iterable)
        try:
            async for block in iterator:
                yield _checked(block)
        finally:
            if isinstance(iterator, AsyncGenerator):
                await iterator.aclose()


class ReaderStream(Stream):
    """An object with a sync or async ``read(n)``. A sync one is read in a thread."""

    def __init__(self, read: Callable[[int], Any], name: str, *, threaded: bool) -> None:
        self._read = read
        self._threaded = threaded
        self.name = name

    async def blocks(self) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Read until ``read`` returns no bytes."""
        while True:
            if self._threaded:
                block = await in_thread(self._read, 4 * BLOCK)
            else:
                block = self._read(4 * BLOCK)
            if inspect.isawaitable(block):
                block = await block
            if block is None:
                raise SourceError(
                    f"{self.name} is in non-blocking mode: set_blocking(True), or give an async reader"
                )
            if not block:
                return
            yield _checked(block)


async def flow(blocks: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
    """Yield the blocks of an iterator, check their type, and close the iterator at the end."""
    if not hasattr(blocks, "__aiter__"):
        close = getattr(blocks, "close", None)
        if close is not None:
            close()  # A coroutine that is never awaited would cause a warning.
        raise SourceError(
            "read(start, size) of a Source must give blocks: write it as an async generator with yield"
        )
    try:
        async for block in blocks:
            if not isinstance(block, bytes | bytearray | memoryview):
                raise _not_bytes(block)
            yield block
    finally:
        close = getattr(blocks, "aclose", None)
        if close is not None:
            await close()


_VIDEOS = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".avi": "video/x-msvideo",
    ".mpg": "video/mpeg",
    ".ts": "video/mp2t",
}
"""Types of common videos. The system's table differs between machines and is slow to load."""


def content_type(name: str) -> str:
    """Guess the content type from the file name, as the official clients do."""
    known = _VIDEOS.get(os.path.splitext(name)[1].lower())  # noqa: PTH122
    return known or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _checked(block: Any) -> bytes | memoryview:
    if isinstance(block, bytes):
        return block
    # The producer may reuse its buffer before the block is sent, so copy it.
    if isinstance(block, bytearray | memoryview):
        return bytes(block)
    raise _not_bytes(block)


def _not_bytes(block: Any) -> SourceError:
    return SourceError(
        f"the source gives {type(block).__name__}, not bytes: open it in binary mode"
    )


async def open_source(given: SourceLike, name: str | None = None) -> Source | Stream:
    """Recognise a source and open it. Raises ``SourceError`` if it cannot be read."""
    if isinstance(given, Source | Stream):
        return given
    if isinstance(given, str | os.PathLike):
        return await _open_path(Path(given), name)
    if isinstance(given, bytes | bytearray | memoryview):
        return MemorySource(given, name or NAMELESS)
    name = name or _name_of(given)
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
        f"a source is a path, bytes, a binary file, an async iterable of bytes, an object with async read(n), "
        f"or a Source; not {type(given).__name__}"
    )


def _name_of(given: Any) -> str:
    # Starlette's ``UploadFile`` has ``filename``. ``name`` may be a descriptor number.
    for attribute in ("filename", "name"):
        value = getattr(given, attribute, None)
        if isinstance(value, str) and value:
            return Path(value).name or NAMELESS
    return NAMELESS


async def _open_path(path: Path, name: str | None) -> Source | Stream:
    name = name or name_of(path)
    file = await in_thread(open_file, path, unwanted=OpenFile.close)
    if stat.S_ISREG(file.mode):
        return FileSource(file, name)
    handle = os.fdopen(file.release(), "rb")
    return _HandleStream(handle, name)


def name_of(path: Path) -> str:
    """Return a file name that can be sent."""
    # A name that is not UTF-8 contains surrogates, which neither JSON nor a header can carry.
    return path.name.encode("utf-8", "replace").decode() or NAMELESS


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


class _HandleStream(ReaderStream):
    """A pipe or device that this package opened and therefore closes."""

    def __init__(self, handle: IO[bytes], name: str) -> None:
        super().__init__(_reading(handle), name, threaded=True)
        self._handle = handle

    async def aclose(self) -> None:
        # Closing waits for a read in progress, which may never return. Do it in a daemon thread.
        threading.Thread(target=self._handle.close, daemon=True).start()


def _close_copy(source: Source | Stream) -> None:
    """Close our duplicate of a descriptor. The caller closes all other handles."""
    if isinstance(source, FileSource):
        source.close()


def _reading(handle: Any) -> Callable[[int], Any]:
    """Return a method that reads the available bytes without waiting for all ``n``."""
    return getattr(handle, "read1", None) or handle.read  # type: ignore[no-any-return]


def _open_handle(handle: Any, name: str) -> Source | Stream:
    """Choose how to read an open file from its current position. The caller closes it."""
    try:
        seekable = (
            bool(handle.seekable()) if hasattr(handle, "seekable") else hasattr(handle, "seek")
        )
        if not seekable:
            return ReaderStream(_reading(handle), name, threaded=True)
        position = handle.tell()
        end = handle.seek(0, io.SEEK_END)
        end = handle.tell() if end is None else end
        handle.seek(position)
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {name}: {error}") from error
    if position >= end > 0:
        raise SourceError(f"{name} stands at its end ({end:,} bytes): seek(0) before the upload")
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
