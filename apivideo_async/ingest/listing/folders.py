"""Listing a folder: every file below it that is wanted and complete, in constant memory, in a stable order."""

# A Path for each of ten million names would cost more than the rest of the listing.
# ruff: noqa: PTH114, PTH116, PTH118

import os
import sqlite3
import stat
import time
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from pathlib import Path
from typing import Final

from attrs import frozen

from ...errors import SourceError
from ..items import Item, Strategy
from ..stores.local import local_item
from .problems import OnProblem, log_problem
from .selection import Selection
from .threaded import threaded

__all__ = ["list_folder", "walk_folder"]

SORTED_IN_MEMORY: Final = 20_000
"""Names of one folder; more of them are sorted on disk."""

_Identity = tuple[int, int]


async def list_folder(
    root: str | os.PathLike[str],
    *,
    patterns: Sequence[str] = (),
    settle: float = 0,
    strategy: Strategy = "stream",
    on_problem: OnProblem | None = None,
) -> AsyncGenerator[Item, None]:
    """List the files below a folder; see ``selection`` for what is taken.

    ``settle``: leave out files that were written to in the last so many seconds. ``on_problem`` is told of
    everything that is left out although it is wanted: unreadable folders and files, names that are not UTF-8, files
    that are not settled; without it these are logged. Raises ``SourceError`` when the folder itself is missing or
    unreadable. Symbolic links are followed, and no folder is walked twice because of one.
    """
    report = on_problem or log_problem
    async with aclosing(walk_folder(root, Selection(patterns), settle=settle, strategy=strategy)) as found:
        async for item in found:
            if isinstance(item, Item):
                yield item
            else:
                report(str(item))


def walk_folder(
    root: str | os.PathLike[str],
    selection: Selection,
    *,
    below: str = "",
    settle: float = 0,
    strategy: Strategy = "stream",
) -> AsyncGenerator[Item | SourceError, None]:
    """List a folder as ``list_folder`` does, and give what is left out as the error that it is.

    ``below``: the path that the selection sees before those of this folder, with a ``/`` at its end.
    """
    return threaded(_Walk(selection, settle, strategy).items(Path(root), below))


@frozen
class _Folder:
    """A folder that is walked."""

    names: Iterator[str]
    path: str
    below: str
    """Its path below the root, with a ``/`` at the end."""
    above: tuple[_Identity, ...]
    """The folders around it and itself, to know a link that leads back."""


class _Walk:
    """One walk through a tree; blocking. What is left out is given as the error that it is."""

    def __init__(self, selection: Selection, settle: float, strategy: Strategy) -> None:
        self._selection = selection
        self._settle = settle
        self._strategy: Strategy = strategy
        self._linked: set[_Identity] = set()
        """Folders that were entered through a link."""

    def items(self, root: Path, below: str) -> Generator[Item | SourceError, None, None]:
        """Walk."""
        try:
            real = os.path.realpath(root, strict=True)
            folders = [_Folder(_names(real), real, below, (_identity(os.stat(real)),))]
        except OSError as error:
            cause = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
            raise SourceError(f"the folder {root} cannot be listed: {error.strerror}", cause=cause) from None
        while folders:
            name = next(folders[-1].names, None)
            if name is None:
                folders.pop()
                continue
            found = self._visit(folders[-1], name)
            if isinstance(found, _Folder):
                folders.append(found)
            elif found is not None:
                yield found

    def _visit(self, folder: _Folder, name: str) -> _Folder | Item | SourceError | None:
        path, relative = os.path.join(folder.path, name), f"{folder.below}{name}"
        takes, enters = self._selection.takes(relative), self._selection.enters(relative)
        if not takes and not enters:
            return None
        try:
            found = os.stat(path)
            if stat.S_ISDIR(found.st_mode):
                return self._enter(folder, path, f"{relative}/", _identity(found)) if enters else None
        except OSError as error:
            # A link to nowhere, or a file that is gone by now, matters only if it was wanted.
            gone = isinstance(error, FileNotFoundError) and not takes
            return None if gone else _left_out(path, error.strerror or str(error))
        return self._file(path, name, found) if takes and stat.S_ISREG(found.st_mode) else None

    def _enter(self, around: _Folder, path: str, below: str, identity: _Identity) -> _Folder | None:
        if identity in around.above:
            return None
        if os.path.islink(path):
            if identity in self._linked:
                return None
            self._linked.add(identity)
            path = os.path.realpath(path)
        return _Folder(_names(path), path, below, (*around.above, identity))

    def _file(self, path: str, name: str, found: os.stat_result) -> Item | SourceError:
        if abs(time.time() - found.st_mtime) < self._settle:
            return _left_out(path, "it was written to a moment ago")
        real = os.path.realpath(path) if os.path.islink(path) else path
        try:
            return local_item(real, found, name, self._strategy)
        except SourceError as error:
            return error


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino


def _left_out(path: str, why: str) -> SourceError:
    shown = path.encode("utf-8", "backslashreplace").decode()
    return SourceError(f"{shown} is left out: {why}", cause="unreadable")


def _names(folder: str) -> Iterator[str]:
    """List a folder in order; raises ``OSError`` at once when it cannot be."""
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) > SORTED_IN_MEMORY:
                return _sorted_on_disk(names, entries)
    names.sort()
    return iter(names)


def _sorted_on_disk(first: list[str], entries: Iterator["os.DirEntry[str]"]) -> Iterator[str]:
    database = sqlite3.connect("", check_same_thread=False)  # A temporary file; batches may run in other threads.
    database.execute("CREATE TABLE names (name BLOB PRIMARY KEY) WITHOUT ROWID")
    database.executemany("INSERT INTO names VALUES (?)", ((os.fsencode(name),) for name in first))
    database.executemany("INSERT INTO names VALUES (?)", ((os.fsencode(entry.name),) for entry in entries))
    return _read_names(database)


def _read_names(database: sqlite3.Connection) -> Iterator[str]:
    with closing(database):
        for (name,) in database.execute("SELECT name FROM names ORDER BY name"):
            yield os.fsdecode(name)
