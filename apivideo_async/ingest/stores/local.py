"""Local files as items."""

import os
import stat
from pathlib import Path

from ...errors import SourceError
from ...uploads.sources.opening import FileSource, Source, name_of, open_file
from ...uploads.sources.threads import in_thread
from ..items import Item, Strategy, ingest_key
from ..uris import Place
from .pinned import Original, compare

__all__ = ["file_version", "list_file", "local_item", "look", "modified", "open_local"]


class LocalOriginal(Original):
    """A regular file; there is no URL of it."""

    def __init__(self, source: Source, version: str | None) -> None:
        self.source = source
        self.version = version

    async def address(self, seconds: float) -> None:
        """Give nothing: api.video cannot reach it."""


async def open_local(item: Item, place: Place) -> Original:
    """Open a regular file. Raises ``SourceError``: missing, unreadable, unsupported, empty or changed."""
    source, version = await in_thread(_open, Path(place.path), unwanted=lambda opened: opened[0].close())
    try:
        return LocalOriginal(source, compare(item, source.size, (version,)))
    except BaseException:
        source.close()
        raise


def _open(path: Path) -> tuple[FileSource, str]:
    look(path)  # Opening a pipe would wait for its writer.
    file = open_file(path)
    try:
        if not stat.S_ISREG(file.mode):
            raise _no_file(path)
        # Looked at again after opening: the descriptor finds every change from then on.
        return FileSource(file, name_of(path)), file_version(look(path))
    except BaseException:
        file.close()
        raise


def look(path: Path) -> os.stat_result:
    """Describe a regular file (blocking). Raises ``SourceError``: missing, unreadable or unsupported."""
    try:
        found = path.stat()
    except FileNotFoundError:
        raise SourceError(f"no such file: {path}", cause="missing") from None
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}", cause="unreadable") from None
    except ValueError:
        raise SourceError(f"{path!r} is no path", cause="unsupported") from None
    if not stat.S_ISREG(found.st_mode):
        raise _no_file(path)
    return found


def _no_file(path: Path) -> SourceError:
    return SourceError(f"{path} is no regular file: name files, or a folder to be listed", cause="unsupported")


def file_version(found: os.stat_result) -> str:
    """Name the content of a file by its size and time."""
    return f"{found.st_size}-{found.st_mtime_ns}"


def modified(item: Item) -> float:
    """When a file that was listed had been written to, in seconds since 1970."""
    return int((item.version or "0").rpartition("-")[2]) / 1e9


def local_item(path: str, found: os.stat_result, name: str, strategy: Strategy = "stream") -> Item:
    """Describe a file by its real, absolute path. Raises ``SourceError`` (unreadable) for names that are not UTF-8."""
    try:
        path.encode()
        name.encode()
    except UnicodeEncodeError:
        shown = path.encode("utf-8", "backslashreplace").decode()
        raise SourceError(f"{shown} is left out: its name is not UTF-8, rename it", cause="unreadable") from None
    return Item(
        key=ingest_key("file", path, size=found.st_size, mtime=str(found.st_mtime_ns)),
        uri=path,
        size=found.st_size,
        version=file_version(found),
        fields={"title": name},
        strategy=strategy,
    )


def list_file(path: Path, strategy: Strategy = "stream") -> Item:
    """Describe one file (blocking). Raises ``SourceError``: missing, unreadable or unsupported."""
    return local_item(os.path.realpath(path), look(path), path.name, strategy)
