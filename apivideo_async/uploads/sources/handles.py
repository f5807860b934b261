"""Objects from which bytes are read: open files, upload objects of web frameworks, iterators.

An object is read by position only if it is known that this is cheap: files of the operating system,
temporary files and memory. Many other objects have ``seek``, but decompress or download everything
before the new position again (``gzip``, ``bz2``, ``lzma``, members of archives, ``smart_open``).
All other objects are therefore read once, in order.
"""

import asyncio
import inspect
import io
import stat
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from pathlib import Path
from typing import IO, Any

from ...errors import ConfigurationError, SourceError
from .files import FileSource, OpenFile
from .threads import PendingWork, in_thread, repeated
from .types import BLOCK, DEFAULT_NAME, Block, Source, Stream, not_bytes, valid_name

__all__ = ["IteratorStream", "ReaderStream", "SeekableSource", "open_object", "read_method"]

READ_SIZE = 4 * BLOCK
"""Bytes that one call in a thread reads."""
CLOSE_TIMEOUT = 0.5
"""Seconds that ``aclose`` waits for a read in progress."""


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

    @property
    def stuck(self) -> bool:
        """True if the object has not answered for a while."""
        return self._reads.stuck

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
    """An object with a sync or async ``read(n)``. A sync one is read in a thread.

    ``size`` is the number of bytes that the object has announced, or None.
    """

    def __init__(
        self, read: Callable[[int], Any], name: str, *, threaded: bool, size: int | None = None
    ) -> None:
        self._read = read
        self._threaded = threaded
        self.name = name
        self.size = size

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


def _as_bytes(block: Any) -> bytes:
    """Copy mutable blocks: the producer may reuse its buffer before the block is sent."""
    if isinstance(block, bytes | bytearray | memoryview):
        return bytes(block)
    raise not_bytes(block)


async def open_object(given: Any, name: str | None) -> Source | Stream:
    """Choose how to read an object. Raises ``SourceError``, also for a file in text mode."""
    name = name or _name_of(given)
    read = getattr(given, "read", None)
    if callable(read) and _takes_size(read):
        return await _open_reader(given, read, name)
    inner = _readable_part(given)
    if inner is not None:
        return await open_object(inner, name)
    if callable(getattr(given, "read_chunk", None)):
        return ReaderStream(_part_reader(given), name, threaded=False)
    if callable(getattr(given, "aiter_bytes", None)):  # httpx.Response
        return IteratorStream(given.aiter_bytes(), name)
    if isinstance(given, AsyncIterable):
        return IteratorStream(given, name)
    raise ConfigurationError(
        "a source must be a path, bytes, a binary file, an async iterable of bytes, an object with "
        f"read(n) or async read(n), or a Source; not {type(given).__name__}"
    )


def _name_of(given: Any) -> str:
    # ``name`` of a file may be a descriptor number, and that of an upload object of a web framework
    # may be the name of the form field.
    attributes = ("name",) if isinstance(given, io.IOBase) else ("filename", "name")
    for attribute in attributes:
        value = getattr(given, attribute, None)
        if isinstance(value, str) and value:
            return valid_name(Path(value).name)
    return DEFAULT_NAME


def _takes_size(read: Callable[..., Any]) -> bool:
    """True if ``read(n)`` can be called. Some objects can only be read as a whole: ``read()``."""
    try:
        inspect.signature(read).bind(1)
    except TypeError:
        return False
    except ValueError:
        return True  # A function written in C without a signature.
    return True


def _readable_part(given: Any) -> Any:
    """Return the attribute that holds the bytes of an object without ``read(n)``, or None.

    ``content`` is that of requests and responses of aiohttp, ``file`` that of form fields.
    """
    for attribute in ("content", "file"):
        part = getattr(given, attribute, None)
        read = getattr(part, "read", None)
        if part is not given and callable(read) and _takes_size(read):
            return part
    return None


def _part_reader(part: Any) -> Callable[[int], Any]:
    """Return a function that reads a part of a multipart request (aiohttp's BodyPartReader)."""
    decode = getattr(part, "decode", None)

    async def read(size: int) -> Any:
        block = await part.read_chunk(size)
        # A part may be transferred in another encoding, such as base64.
        return decode(block) if block and callable(decode) else block

    return read


async def _open_reader(given: Any, read: Callable[[int], Any], name: str) -> Source | Stream:
    if inspect.iscoroutinefunction(read):
        return ReaderStream(read, name, threaded=False)
    # Text wrappers of ``tempfile`` are no ``TextIOBase``, but have ``encoding``.
    if isinstance(given, io.TextIOBase) or isinstance(getattr(given, "encoding", None), str):
        raise SourceError("the file is open in text mode: open it with 'rb'")
    if not _is_random_access(given):
        try:
            read = read_method(given)
        except (OSError, ValueError) as error:
            raise SourceError(f"cannot read {name}: {error}", cause="unreadable") from error
        return ReaderStream(read, name, threaded=True, size=_announced_size(given))
    return await repeated(lambda: in_thread(_open_handle, given, name, unwanted=_close_copy))


def read_method(handle: Any) -> Callable[[int], Any]:
    """Prefer ``read1``, which returns the available bytes of a pipe without waiting for ``n``."""
    read: Callable[[int], Any] = handle.read
    # Decompressors are "seekable". Their bytes are available, but ``read1`` returns a few KiB.
    seekable = getattr(handle, "seekable", None)
    if seekable is None or seekable():
        return read
    return getattr(handle, "read1", read)


def _is_random_access(handle: Any) -> bool:
    """True if reading at any position is known to be cheap."""
    return (
        _system_file(handle) is not None
        or isinstance(handle, io.BytesIO)
        or _is_of(handle, "tempfile", "mmap")
    )


def _is_of(handle: Any, *modules: str) -> bool:
    return type(handle).__module__ in modules


def _system_file(handle: Any) -> io.BufferedReader | io.BufferedRandom | io.FileIO | None:
    """Return the file of the operating system that is read through ``handle``, or None."""
    if _is_of(handle, "tempfile"):
        handle = getattr(handle, "file", handle)  # The wrapper of ``NamedTemporaryFile``.
    # No subclass: its ``read`` may change the bytes. A ``BufferedReader`` may read from any object.
    if type(handle) not in (io.BufferedReader, io.BufferedRandom, io.FileIO):
        return None
    return handle if type(getattr(handle, "raw", handle)) is io.FileIO else None


def _announced_size(handle: Any) -> int | None:
    """Return how many bytes a response of ``urllib`` or ``urllib3`` must still have, if known.

    Both end without an error if the connection is lost.
    """
    size = None
    if _is_of(handle, "http.client"):
        size = getattr(handle, "length", None)
    elif _is_of(handle, "urllib3.response") and not handle.headers.get("content-encoding"):
        size = getattr(handle, "length_remaining", None)
    return size if isinstance(size, int) else None


def _close_copy(source: Source | Stream) -> None:
    """Close our duplicate of a descriptor. The caller closes all other handles."""
    if isinstance(source, FileSource):
        source.close()


def _open_handle(handle: Any, name: str) -> Source | Stream:
    """Open a file that can be read at any position, from its current one (blocking)."""
    file = _system_file(handle)
    try:
        if file is not None and not file.seekable():
            return ReaderStream(read_method(file), name, threaded=True)
        position: int = handle.tell()
        # ``mmap.seek`` returns None before Python 3.13.
        handle.seek(0, io.SEEK_END)
        end: int = handle.tell()
        handle.seek(position)
        if file is not None:
            return _borrow(file, name, position, end)
    except SourceError:
        raise
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {name}: {error}", cause="unreadable") from error
    _check_position(name, position, end)
    return SeekableSource(handle, name, position, end - position)


def _borrow(
    file: io.BufferedReader | io.BufferedRandom | io.FileIO, name: str, position: int, end: int
) -> Source | Stream:
    """Read a file through a duplicate of its descriptor; a device in order."""
    if not isinstance(file, io.BufferedReader):
        file.flush()
    opened = OpenFile.borrow(file.fileno(), Path(str(file.name)))
    if stat.S_ISREG(opened.mode):
        try:
            _check_position(name, position, end)
        except SourceError:
            opened.close()
            raise
        return FileSource(opened, name, position)
    opened.close()
    return ReaderStream(read_method(file), name, threaded=True)


def _check_position(name: str, position: int, end: int) -> None:
    if position >= end > 0:
        raise SourceError(
            f"{name} is positioned at its end ({end:,} bytes): call seek(0) before the upload"
        )
