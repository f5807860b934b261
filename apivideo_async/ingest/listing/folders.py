"""Lists the wanted, complete files below a folder, in constant memory and a stable order."""

# ``os.path``, because a Path for each of ten million names would cost more than the listing itself.
# ruff: noqa: PTH114, PTH116, PTH118

import os
import sqlite3
import stat
import time
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from itertools import chain
from pathlib import Path
from typing import Final

from attrs import field, frozen

from ...errors import SourceError
from ..items import Item, Strategy
from ..stores.local import left_out_error, local_item
from .selection import OnProblem, Selection, log_problem
from .threaded import iterate_in_threads

__all__ = ["list_folder", "walk_folder"]

SORTED_IN_MEMORY: Final = 20_000
"""Names of one folder that are sorted in memory. More names are sorted on disk."""

_Identity = tuple[int, int]
"""Device and inode of a folder."""


async def list_folder(
    root: str | os.PathLike[str],
    *,
    patterns: Sequence[str] = (),
    settle: float = 0,
    strategy: Strategy = "stream",
    on_problem: OnProblem | None = None,
) -> AsyncGenerator[Item, None]:
    """List the files below a folder; see ``selection`` for the rules.

    ``settle``: leave out files that were modified within this many seconds. ``on_problem`` is
    called for each wanted file or folder that is left out: unreadable ones, names that are not
    UTF-8, and files that are not settled. Without it, these are logged. Symbolic links are
    followed, except links to a folder above and further links to the same folder. Raises
    ``SourceError`` when the folder itself is missing or unreadable.
    """
    report = on_problem or log_problem
    walk = walk_folder(root, Selection(patterns), settle=settle, strategy=strategy)
    async with aclosing(walk):
        async for found in walk:
            if isinstance(found, Item):
                yield found
            else:
                report(str(found))


def walk_folder(
    root: str | os.PathLike[str],
    selection: Selection,
    *,
    relative: str = "",
    settle: float = 0,
    strategy: Strategy = "stream",
) -> AsyncGenerator[Item | SourceError, None]:
    """List a folder like ``list_folder``; yield a ``SourceError`` for each skipped path.

    ``relative``: the path that the selection compares for ``root``, with ``/`` at the end; empty
    for the top.
    """
    return iterate_in_threads(_Walk(selection, settle, strategy).items(Path(root), relative))


@frozen
class _Folder:
    names: Iterator[str]
    """The names that were not visited yet."""
    path: str
    relative: str
    """Its path that the selection compares, with ``/`` at the end."""
    ancestors: tuple[_Identity, ...]
    """This folder and all folders above it, to detect links that lead back."""


@frozen
class _Walk:
    _selection: Selection
    _settle: float
    _strategy: Strategy
    _linked: set[_Identity] = field(factory=set, init=False)
    """Folders that were entered through a link."""

    def items(self, root: Path, relative: str) -> Generator[Item | SourceError, None, None]:
        """Yield the items, and a ``SourceError`` for each wanted file or folder that is left out.

        Raises ``SourceError`` when ``root`` cannot be listed.
        """
        try:
            real = os.path.realpath(root, strict=True)
            folders = [_Folder(_list_names(real), real, relative, (_identity(os.stat(real)),))]
        except OSError as error:
            cause = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
            text = f"the folder {root} cannot be listed: {error.strerror}"
            raise SourceError(text, cause=cause) from None
        # Not recursive: a deep tree must not exceed Python's stack.
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
        path, relative = os.path.join(folder.path, name), f"{folder.relative}{name}"
        is_wanted = self._selection.matches(relative)
        may_contain = self._selection.may_contain(relative)
        if not is_wanted and not may_contain:
            return None
        try:
            found = os.stat(path)
            if stat.S_ISDIR(found.st_mode) and may_contain:
                return self._enter(folder, path, relative, _identity(found))
        except OSError as error:
            # A broken link, or a file that was just deleted, is a problem only if it was wanted.
            if isinstance(error, FileNotFoundError) and not is_wanted:
                return None
            return left_out_error(path, error.strerror or str(error))
        return self._file(path, name, found) if is_wanted and stat.S_ISREG(found.st_mode) else None

    def _enter(
        self, parent: _Folder, path: str, relative: str, identity: _Identity
    ) -> _Folder | None:
        """Open a folder; return None for a link that leads back or was followed before."""
        if identity in parent.ancestors:
            return None
        if os.path.islink(path):
            if identity in self._linked:
                return None
            self._linked.add(identity)
            path = os.path.realpath(path)
        return _Folder(_list_names(path), path, f"{relative}/", (*parent.ancestors, identity))

    def _file(self, path: str, name: str, found: os.stat_result) -> Item | SourceError:
        # The absolute value: a time in the future, by a clock that differs, is not settled either.
        if abs(time.time() - found.st_mtime) < self._settle:
            return left_out_error(path, "it was modified a moment ago")
        real = os.path.realpath(path) if os.path.islink(path) else path
        try:
            return local_item(real, found, name, self._strategy)
        except SourceError as error:
            return error


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino


def _list_names(folder: str) -> Iterator[str]:
    """Return the names in a folder, sorted. Raises ``OSError`` at once, not on iteration."""
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) > SORTED_IN_MEMORY:
                return _sort_on_disk(names, entries)
    names.sort()
    return iter(names)


def _sort_on_disk(first: list[str], entries: Iterator["os.DirEntry[str]"]) -> Iterator[str]:
    # An empty name opens a temporary file. Batches of the walk may run in different threads.
    database = sqlite3.connect("", check_same_thread=False)
    database.execute("CREATE TABLE names (name BLOB PRIMARY KEY) WITHOUT ROWID")
    names = chain(first, (entry.name for entry in entries))
    database.executemany("INSERT INTO names VALUES (?)", ((os.fsencode(name),) for name in names))
    return _read_names(database)


def _read_names(database: sqlite3.Connection) -> Iterator[str]:
    with closing(database):
        for (name,) in database.execute("SELECT name FROM names ORDER BY name"):
            yield os.fsdecode(name)
