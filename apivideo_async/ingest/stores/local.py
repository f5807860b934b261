"""Opens local files, and creates items for them."""

import hashlib
import os
import stat
from pathlib import Path

from attrs import define

from ...errors import SourceError
from ...uploads.sources.opening import FileSource, name_of, open_file
from ...uploads.sources.threads import in_thread, repeated
from ...uploads.sources.types import valid_name
from ..items import Item, Strategy, ingest_key
from ..uris import Location
from .pinned import PinnedSource, check_version

SAMPLES = 32
"""Blocks of a file that are compared, from its beginning to its end."""
SAMPLE = 64 * 1024
"""Bytes of each of them."""

__all__ = ["left_out_error", "list_file", "local_item", "modification_time", "open_local"]


@define(slots=False, eq=False)
class _LocalFile(PinnedSource):
    async def sample(self) -> str:
        """Return a digest of the whole content, or of ``SAMPLES`` blocks of a large file."""
        size, digest = self.size, hashlib.sha256()
        if size <= SAMPLES * SAMPLE:
            ranges = [(0, size)]
        else:
            step = (size - SAMPLE) / (SAMPLES - 1)
            ranges = [(round(number * step), SAMPLE) for number in range(SAMPLES)]
        for start, length in ranges:
            async for block in self.source.read(start, length):
                digest.update(block)
        return f"{size}-{digest.hexdigest()[:32]}"


async def open_local(item: Item, location: Location) -> PinnedSource:
    """Open a regular file. It has no URL from which api.video could pull it.

    Raises ``SourceError`` with the cause missing, unreadable, unsupported, empty or changed.
    """
    path = Path(location.path)
    source, version = await repeated(
        lambda: in_thread(_open, path, unwanted=lambda opened: opened[0].close())
    )
    try:
        return _LocalFile(source, check_version(item, source.size, (version,)))
    except BaseException:
        source.close()
        raise


def _open(path: Path) -> tuple[FileSource, str]:
    # Check the type first: opening a pipe would block until its writer opens it.
    _stat(path)
    file = open_file(path)
    try:
        # The path may have been replaced since the check.
        if not stat.S_ISREG(file.mode):
            raise _not_regular(path)
        # Read the version after opening. The source compares its descriptor with its state at
        # opening, so it detects every change from then on.
        return FileSource(file, name_of(path)), _version(_stat(path))
    except BaseException:
        file.close()
        raise


def _stat(path: Path) -> os.stat_result:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise SourceError(f"no such file: {path}", cause="missing") from None
    except OSError as error:
        raise SourceError(
            f"cannot read {path}: {error.strerror or error}", cause="unreadable"
        ) from error
    except ValueError:
        raise SourceError(f"{path!r} is not a valid path", cause="unsupported") from None
    if not stat.S_ISREG(found.st_mode):
        raise _not_regular(path)
    return found


def _not_regular(path: Path) -> SourceError:
    return SourceError(
        f"{path} is not a regular file: name a file, or a folder to list", cause="unsupported"
    )


def _version(found: os.stat_result) -> str:
    """Return the version of a file: its size in bytes and modification time in nanoseconds."""
    return f"{found.st_size}-{found.st_mtime_ns}"


def modification_time(item: Item) -> float:
    """Return the modification time of a listed file, in seconds since 1970."""
    return int((item.version or "0").rpartition("-")[2]) / 1e9


def local_item(path: str, found: os.stat_result, name: str, strategy: Strategy = "stream") -> Item:
    """Return the item of a file.

    ``path`` is its real, absolute path, and ``name`` becomes the title. Raises ``SourceError``
    (cause ``unreadable``) for names that are not UTF-8.
    """
    try:
        path.encode()
        name.encode()
    except UnicodeEncodeError:
        raise left_out_error(path, "its name is not UTF-8, rename it") from None
    return Item(
        key=ingest_key("file", path, size=found.st_size, mtime=str(found.st_mtime_ns)),
        uri=path,
        size=found.st_size,
        version=_version(found),
        fields={"title": valid_name(name)},
        strategy=strategy,
    )


def left_out_error(path: str, reason: str) -> SourceError:
    """Return the error for a wanted file or folder that is left out of a listing."""
    printable = path.encode("utf-8", "backslashreplace").decode()
    return SourceError(f"{printable} is left out: {reason}", cause="unreadable")


def list_file(path: Path, strategy: Strategy = "stream") -> Item:
    """Return the item of one file (blocking).

    Raises ``SourceError`` with the cause missing, unreadable or unsupported.
    """
    return local_item(os.path.realpath(path), _stat(path), path.name, strategy)
