"""Recognises and opens sources. Only this module, ``files`` and ``journal`` read user files."""

import os
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from ...errors import SourceError
from ...masking import shown
from ...text import check_sendable
from .files import FileSource, OpenFile
from .handles import ReaderStream, SeekableSource, open_object, read_method
from .threads import in_thread, repeated
from .types import BLOCK, DEFAULT_NAME, Block, Source, SourceLike, Stream, valid_name

__all__ = ["FileSource", "MemorySource", "SeekableSource", "name_of", "open_file", "open_source"]


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


class _PipeStream(ReaderStream):
    """A pipe or device that this package opened and therefore closes."""

    def __init__(self, handle: IO[bytes], name: str) -> None:
        super().__init__(read_method(handle), name, threaded=True)
        self._handle = handle

    async def aclose(self) -> None:
        # Closing waits for a read in progress, which may never return. Do it in a daemon thread.
        # If none can be started, the end of the last reference closes the pipe.
        with suppress(RuntimeError):
            threading.Thread(target=self._handle.close, daemon=True).start()


async def open_source(given: SourceLike, name: str | None = None) -> Source | Stream:
    """Open a source. The caller closes it unless it is ``given`` itself. Raises ``SourceError``."""
    if name is not None:
        check_sendable("filename", name, option="filename")
    if isinstance(given, Source | Stream):
        check_sendable("the name of the source", given.name)
        return given
    if isinstance(given, str) and "://" in given and not await in_thread(os.path.lexists, given):
        raise SourceError(
            f"{shown(given)} is an address, and an upload takes files: api.video fetches it with "
            "videos.create(source=…), and an ingestion streams it (`apivideo ingest`)",
            cause="unsupported",
        )
    if isinstance(given, str | os.PathLike):
        return await _open_path(Path(given), name)
    if isinstance(given, bytes | bytearray | memoryview):
        return MemorySource(given, name or DEFAULT_NAME)
    return await open_object(given, name)


def name_of(path: Path) -> str:
    """Return the file name in a form that can be sent."""
    return valid_name(path.name)


async def _open_path(path: Path, name: str | None) -> Source | Stream:
    name = name or name_of(path)
    file = await repeated(lambda: in_thread(open_file, path, unwanted=OpenFile.close))
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
