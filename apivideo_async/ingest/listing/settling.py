"""Tracks the files of a watched folder until they are settled.

A file is settled, and considered complete, when its size and modification time have stayed the same
for ``settle`` seconds.
"""

import os
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from ...errors import SourceError
from ...uploads.sources.threads import in_thread
from ..items import Item, Strategy
from ..stores.local import list_file, modification_time
from .folders import walk_folder
from .selection import OnProblem, Selection

__all__ = ["Settling"]

SKEW: Final = 60.0
"""Seconds by which the clock of a file server may differ from the local clock. A file that is
younger than ``settle`` plus this is observed before it counts as complete."""


@frozen
class _Observed:
    """The state of a file when it was first seen, and the monotonic time of that moment."""

    item: Item
    since: float


@define
class Settling:
    """The files of a folder that are not settled yet, and a record of those that were returned."""

    _root: Path
    _settle: float
    _selection: Selection
    _strategy: Strategy
    _on_problem: OnProblem
    _observed: dict[str, _Observed] = field(factory=dict, init=False)
    """Files that are not settled, by path, in the order in which they were first seen."""
    _returned: set[int] = field(factory=set, init=False)
    """The short keys (``_short_key``) of all returned files."""
    _reported: set[str] = field(factory=set, init=False)
    """Problems that were reported and may still exist."""

    async def relist(self) -> AsyncGenerator[Item, None]:
        """List the folder; yield old files at once, to save memory, and observe other new ones."""
        problems: set[str] = set()
        walk = walk_folder(self._root, self._selection, strategy=self._strategy)
        async with aclosing(walk):
            async for found in walk:
                if isinstance(found, SourceError):
                    problems.add(str(found))
                if isinstance(found, SourceError) or not self._is_old(found):
                    self._note(found)
                elif self._mark_returned(found):
                    yield found
        # A problem that is gone now and occurs again later is reported again.
        self._reported = problems

    async def examine(self, changes: Iterable[str]) -> None:
        """Check paths that changed, and everything inside the folders among them."""
        for found in await in_thread(lambda: list(self._stat_wanted(sorted(changes)))):
            if isinstance(found, Path):
                await self._examine_folder(found)
            else:
                self._note(found)

    async def take_settled(self) -> list[Item]:
        """Return the files that have not changed for ``settle`` seconds."""
        now = time.monotonic()
        due = [path for path, seen in self._observed.items() if now - seen.since >= self._settle]
        items = [self._observed.pop(path).item for path in due]
        # Check each file once more: a change may not have been notified.
        current = await in_thread(lambda: [self._stat(Path(path)) for path in due])
        complete = []
        for item, found in zip(items, current, strict=True):
            if isinstance(found, SourceError) or found.version != item.version:
                self._note(found)
            elif self._mark_returned(item):
                complete.append(item)
        return complete

    def _stat_wanted(self, paths: list[str]) -> Iterator[Item | Path | SourceError]:
        """Yield the wanted files and the folders among these paths (blocking)."""
        for path in map(Path, paths):
            relative = path.relative_to(self._root)
            parents = [parent.as_posix() for parent in relative.parents][:-1]
            if not all(map(self._selection.may_contain, parents)):
                continue
            if os.path.isdir(path):  # noqa: PTH112  Path.is_dir() raises without permission.
                if path == self._root or self._selection.may_contain(relative.as_posix()):
                    yield path
            elif self._selection.matches(relative.as_posix()):
                yield self._stat(path)

    def _stat(self, path: Path) -> Item | SourceError:
        try:
            return list_file(path, self._strategy)
        except SourceError as error:
            return error

    async def _examine_folder(self, folder: Path) -> None:
        top = folder == self._root
        relative = "" if top else f"{folder.relative_to(self._root).as_posix()}/"
        walk = walk_folder(folder, self._selection, relative=relative, strategy=self._strategy)
        try:
            async with aclosing(walk):
                async for found in walk:
                    self._note(found)
        except SourceError as error:
            # A subfolder may be deleted at any time; the watched folder must exist.
            if error.cause != "missing" or top:
                raise

    def _note(self, found: Item | SourceError) -> None:
        """Observe a file, or report a wanted file that cannot be read, once.

        The settle time starts again if the file has changed. Files that no longer exist and paths
        that are not regular files are not reported.
        """
        if isinstance(found, SourceError):
            if found.cause == "unreadable" and str(found) not in self._reported:
                self._reported.add(str(found))
                self._on_problem(str(found))
            return
        observed = self._observed.get(found.uri)
        changed = observed is None or observed.item.version != found.version
        if changed and _short_key(found) not in self._returned:
            self._observed[found.uri] = _Observed(found, time.monotonic())

    def _mark_returned(self, item: Item) -> bool:
        """Record that a file is returned. Return False if it was returned before."""
        key = _short_key(item)
        if key in self._returned:
            return False
        self._returned.add(key)
        return True

    def _is_old(self, item: Item) -> bool:
        """Return True if a file was modified so long ago that it needs no observation."""
        age = time.time() - modification_time(item)
        return item.uri not in self._observed and age > self._settle + SKEW


def _short_key(item: Item) -> int:
    """Return the first 60 bits of an item's key, which take less memory than the key."""
    return int(item.key[:15], 16)
