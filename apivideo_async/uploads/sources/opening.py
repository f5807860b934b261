"""Where the bytes come from. With ``journal`` the only module that reads users' files.

Two kinds, because one handle with seek and read cannot be shared by concurrent chunks:

- a :class:`Source` is read by position, many chunks at once, and again for a retry;
- a :class:`Stream` only flows; the engine buffers what it may have to send again.

Transports may keep a reference to a block until it is sent, so no block changes while anybody holds it: a buffer that
is filled again too early would go out with the bytes of another block.
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
"""The name of a source that has none."""
LAST_READ = 0.5
"""Seconds that closing waits for a read under way."""


@runtime_checkable
class AsyncReadable(Protocol):
    """Anything with ``async read(n)``: the upload object or body stream of a web framework."""

    def read(self, size: int, /) -> Awaitable[bytes]:
        """Return up to ``size`` bytes, or nothing at the end."""
        ...


class Source(ABC):
    """Bytes of known size that can be read by position. Subclass it for storage of your own.

    ``read`` may be called by several chunks at once, and again for the same range when a chunk is repeated.
    """

    name: str = NAMELESS
    """Sent as the file name."""
    size: int = 0
    """Bytes in all."""

    @abstractmethod
    def read(self, start: int, size: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Give exactly ``size`` bytes from ``start``, in blocks; each block a new object."""

    async def fingerprint(self) -> dict[str, Any] | None:
        """Describe the bytes so that they can be recognised later; None: uploads of it are not journalled."""
        return None

    async def aclose(self) -> None:
        """Give back what it holds."""


class Stream(ABC):
    """Bytes that come once, in order, with no end known."""

    name: str = NAMELESS

    @abstractmethod
    def blocks(self) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Give everything, once."""

    async def aclose(self) -> None:
        """Give back what it holds."""


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
"""What can be uploaded (docs/design.md §4 rule 4)."""


class FileSource(Source):
    """A regular file, or a part of an open one, read by position."""

    def __init__(self, file: OpenFile, name: str, start: int = 0) -> None:
        self._file = file
        self._start = start
        self.name = name
        self.size: int = file.size - start

    def read(self, start: int, size: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Read a range; raises ``SourceError`` when the file changed since it was opened."""
        return self._file.read(self._start + start, size)

    async def fingerprint(self) -> dict[str, Any] | None:
        """Path, size, times and the hashes of both ends."""
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
            raise SourceError("the memoryview is not contiguous: give bytes(view)", cause="unsupported") from error
        self.name = name
        self.size: int = len(self._view)

    async def read(self, start: int, size: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Give slices without a copy."""
        for position in range(start, start + size, BLOCK):
            yield self._view[position : min(position + BLOCK, start + size)]


class SeekableSource(Source):
    """A seekable object without a descriptor of its own: one position, so reads take turns, in a thread."""

    def __init__(self, handle: IO[bytes], name: str, start: int, size: int) -> None:
        self._handle = handle
        self._start = start
        self._turn = asyncio.Lock()
        # A cancelled read goes on in its thread; this keeps the next one from moving the position under it.
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
            reading.exception()  # Perhaps nobody waits for it any more.

    async def aclose(self) -> None:
        """Give the handle back: a read under way is waited for, but not for long."""
        if self._reading:
            await asyncio.wait(self._reading, timeout=LAST_READ)

    async def read(self, start: int, size: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Read a range, a block at a time."""
        position, stop = self._start + start, self._start + start + size
        while position < stop:
            async with self._turn:
                block = await self._block(position, min(4 * BLOCK, stop - position))
            if not block:
                raise SourceError(f"{self.name}: ended {stop - position:,} bytes early; was it changed or closed?")
            position += len(block)
            yield block


class IteratorStream(Stream):
    """An async iterable of bytes."""

    def __init__(self, iterable: AsyncIterable[Any], name: str = NAMELESS) -> None:
        self._iterable = iterable
        self.name = name

    async def blocks(self) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Pass the items on; a generator is closed when the upload ends early, so that its ``finally`` runs."""
        iterator = aiter(self._iterable)
        try:
            async for block in iterator:
                yield _checked(block)
        finally:
            if isinstance(iterator, AsyncGenerator):
                await iterator.aclose()


class ReaderStream(Stream):
    """Something with ``read(n)``, async or not; a plain one is read in a thread."""

    def __init__(self, read: Callable[[int], Any], name: str, *, threaded: bool) -> None:
        self._read = read
        self._threaded = threaded
        self.name = name

    async def blocks(self) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Read until nothing comes."""
        while True:
            if self._threaded:
                block = await in_thread(self._read, 4 * BLOCK)
            else:
                block = self._read(4 * BLOCK)
            if inspect.isawaitable(block):
                block = await block
            if block is None:
                raise SourceError(f"{self.name} is in non-blocking mode: set_blocking(True), or give an async reader")
            if not block:
                return
            yield _checked(block)


async def flow(blocks: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
    """Pass blocks on, and close their iterator at the end where it can be closed."""
    if not hasattr(blocks, "__aiter__"):
        close = getattr(blocks, "close", None)
        if close is not None:
            close()  # A coroutine that nobody awaits would warn.
        raise SourceError("read(start, size) of a Source must give blocks: write it as an async generator with yield")
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
"""What most uploads are: the system's table differs from machine to machine, and reading it takes milliseconds."""


def content_type(name: str) -> str:
    """Guess from the name, as the vendor's clients do."""
    known = _VIDEOS.get(os.path.splitext(name)[1].lower())  # noqa: PTH122
    return known or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _checked(block: Any) -> bytes | memoryview:
    if isinstance(block, bytes):
        return block
    if isinstance(block, bytearray | memoryview):
        return bytes(block)  # The producer may fill its buffer again before this is sent.
    raise _not_bytes(block)


def _not_bytes(block: Any) -> SourceError:
    return SourceError(f"the source gives {type(block).__name__}, not bytes: open it in binary mode")


async def open_source(given: SourceLike, name: str | None = None) -> Source | Stream:
    """Recognise what was given and open it. Raises ``SourceError`` with what to do when it cannot be read."""
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
        # Wrappers of text files, such as those of tempfile, are no TextIOBase, but have its encoding.
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
    # Starlette's UploadFile has `filename`, files have `name`, which may be a descriptor's number.
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
    """Give a file's name as it can be sent."""
    # One that is not UTF-8 reaches Python with surrogates, which neither JSON nor a header can carry.
    return path.name.encode("utf-8", "replace").decode() or NAMELESS


def open_file(path: Path) -> OpenFile:
    """Open a file (blocking). Raises ``SourceError``: missing, unsupported or unreadable."""
    try:
        return OpenFile.open(path)
    except FileNotFoundError as error:
        raise SourceError(f"no such file: {path}", cause="missing") from error
    except IsADirectoryError as error:
        raise SourceError(f"{path} is a directory: name the files in it", cause="unsupported") from error
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}", cause="unreadable") from error
    except ValueError as error:  # A NUL character, or one that the file system's encoding does not have.
        raise SourceError(f"no file can have the name {str(path)!a}: {error}", cause="missing") from error


class _HandleStream(ReaderStream):
    """A pipe or device that we opened and so close."""

    def __init__(self, handle: IO[bytes], name: str) -> None:
        super().__init__(_reading(handle), name, threaded=True)
        self._handle = handle

    async def aclose(self) -> None:
        # Closing waits for a read under way, which may wait for a writer that never comes.
        threading.Thread(target=self._handle.close, daemon=True).start()


def _close_copy(source: Source | Stream) -> None:
    """Close our copy of a descriptor; whatever else was opened is the caller's."""
    if isinstance(source, FileSource):
        source.close()


def _reading(handle: Any) -> Callable[[int], Any]:
    """Take what is there: a buffered ``read(n)`` would wait until ``n`` bytes have come."""
    return getattr(handle, "read1", None) or handle.read  # type: ignore[no-any-return]


def _open_handle(handle: Any, name: str) -> Source | Stream:
    """Choose how to read an open file, from where it stands now; the caller keeps and closes it."""
    try:
        seekable = bool(handle.seekable()) if hasattr(handle, "seekable") else hasattr(handle, "seek")
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
    if isinstance(handle, io.BufferedReader | io.BufferedRandom | io.FileIO) and isinstance(raw, io.FileIO):
        if not isinstance(handle, io.BufferedReader):
            handle.flush()
        file = OpenFile.borrow(raw.fileno(), Path(str(handle.name)))
        if stat.S_ISREG(file.mode):
            return FileSource(file, name, position)
        file.close()
    return SeekableSource(handle, name, position, end - position)
