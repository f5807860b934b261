"""Files that were seen and are waited for until they stand still."""

import os
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Final

from attrs import frozen

from ...errors import SourceError
from ...uploads.sources.threads import in_thread
from ..items import Item, Strategy
from ..stores.local import list_file, modified
from .folders import walk_folder
from .problems import OnProblem, log_problem
from .selection import Selection

__all__ = ["Settling"]

SKEW: Final = 60.0
"""Seconds by which the clock of a file server may differ: a younger file is watched before it is believed complete."""


@frozen
class _Seen:
    """What a file was when it was looked at first, and when, by the monotonic clock."""

    item: Item
    since: float


class Settling:
    """The files of a folder that are not settled yet, and which were given."""

    def __init__(
        self,
        root: Path,
        settle: float,
        selection: Selection,
        strategy: Strategy,
        on_problem: OnProblem | None,
    ) -> None:
        self._root = root
        self._settle = settle
        self._selection = selection
        self._strategy: Strategy = strategy
        self._on_problem = on_problem or log_problem
        self._waiting: dict[str, _Seen] = {}
        """By path; whoever was seen first is first."""
        self._given: set[int] = set()
        """The beginnings of keys."""
        self._told: set[str] = set()
        """Problems that were reported and may still be there."""

    async def relist(self) -> AsyncGenerator[Item, None]:
        """Look at everything; gives at once what was complete long ago, so that a full folder is not in memory."""
        problems: set[str] = set()
        async with aclosing(walk_folder(self._root, self._selection, strategy=self._strategy)) as found:
            async for item in found:
                if isinstance(item, SourceError):
                    problems.add(str(item))
                    self._report(item)
                elif not self._is_old(item):
                    self._see(item)
                elif self._give(item):
                    yield item
        self._told = problems

    async def look(self, changes: Iterable[str]) -> None:
        """Look at paths that changed, and at everything in folders among them."""
        for found in await in_thread(lambda: list(self._examine(sorted(changes)))):
            if isinstance(found, Path):
                await self._look_below(found)
            elif isinstance(found, Item):
                self._see(found)
            else:
                self._report(found)

    async def settled(self) -> list[Item]:
        """Give what has stood still for long enough."""
        now = time.monotonic()
        due = [path for path, seen in self._waiting.items() if now - seen.since >= self._settle]
        waited = [self._waiting.pop(path).item for path in due]
        complete = []
        for item, found in zip(waited, await in_thread(lambda: [self._file(Path(path)) for path in due]), strict=True):
            if isinstance(found, SourceError):
                self._report(found)
            elif found.version != item.version:
                self._see(found)
            elif self._give(item):
                complete.append(item)
        return complete

    def _examine(self, paths: list[str]) -> Iterator[Item | Path | SourceError]:
        """Find the wanted files and the folders among these paths (blocking)."""
        for path in map(Path, paths):
            relative = path.relative_to(self._root).as_posix()
            folders = [above.as_posix() for above in Path(relative).parents][:-1]
            if not all(map(self._selection.enters, folders)):
                continue
            if os.path.isdir(path):  # noqa: PTH112  Path.is_dir() raises where it may not look.
                if path == self._root or self._selection.enters(relative):
                    yield path
            elif self._selection.takes(relative):
                yield self._file(path)

    def _file(self, path: Path) -> Item | SourceError:
        try:
            return list_file(path, self._strategy)
        except SourceError as error:
            return error

    def _report(self, error: SourceError) -> None:
        """Tell of what is left out although it is wanted; what is gone again, or no file, is not."""
        if error.cause == "unreadable" and str(error) not in self._told:
            self._told.add(str(error))
            self._on_problem(str(error))

    async def _look_below(self, folder: Path) -> None:
        below = "" if folder == self._root else f"{folder.relative_to(self._root).as_posix()}/"
        try:
            async with aclosing(walk_folder(folder, self._selection, below=below, strategy=self._strategy)) as found:
                async for item in found:
                    if isinstance(item, Item):
                        self._see(item)
                    else:
                        self._report(item)
        except SourceError as error:
            if error.cause != "missing" or folder == self._root:
                raise  # A folder that is gone again does not matter; the one that is watched does.

    def _see(self, item: Item) -> None:
        """Wait for a file, from now on if it is not what it was."""
        seen = self._waiting.get(item.uri)
        if _mark(item) not in self._given and (seen is None or seen.item.version != item.version):
            self._waiting[item.uri] = _Seen(item, time.monotonic())

    def _give(self, item: Item) -> bool:
        """Tell whether a file is new, and remember it."""
        mark = _mark(item)
        if mark in self._given:
            return False
        self._given.add(mark)
        return True

    def _is_old(self, item: Item) -> bool:
        return item.uri not in self._waiting and time.time() - modified(item) > self._settle + SKEW


def _mark(item: Item) -> int:
    return int(item.key[:15], 16)
