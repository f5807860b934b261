"""Tracks the files of a watched folder until they are complete.

A file counts as complete (settled) when its size and modification time have stayed the same for
``settle`` seconds.
"""

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
"""Seconds by which the clock of a file server may differ from the local clock. A file that is
younger than ``settle`` plus this is observed before it counts as complete."""


@frozen
class _Seen:
    """The state of a file when it was first seen, and the monotonic time of that moment."""

    item: Item
    since: float


class Settling:
    """The files of a folder that are not settled yet, and a record of those that were returned."""

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
        """Files that are not settled, by path, in the order in which they were first seen."""
        self._given: set[int] = set()
        """The first 60 bits of the keys of all returned files. A set of integers takes less
        memory than the keys."""
        self._told: set[str] = set()
        """Problems that were reported and may still exist."""

    async def relist(self) -> AsyncGenerator[Item, None]:
        """List the whole folder; yield the files that were completed long ago.

        Yielding these files at once keeps memory use small for a folder that is already full. Other
        new files are observed.
        """
        problems: set[str] = set()
        async with aclosing(
            walk_folder(self._root, self._selection, strategy=self._strategy)
        ) as found:
            async for item in found:
                if isinstance(item, SourceError):
                    problems.add(str(item))
                    self._report(item)
                elif not self._is_old(item):
                    self._see(item)
                elif self._give(item):
                    yield item
        # A problem that is gone now and occurs again later is reported again.
        self._told = problems

    async def look(self, changes: Iterable[str]) -> None:
        """Check paths that changed, and everything inside the folders among them."""
        for found in await in_thread(lambda: list(self._examine(sorted(changes)))):
            if isinstance(found, Path):
                await self._look_below(found)
            elif isinstance(found, Item):
                self._see(found)
            else:
                self._report(found)

    async def settled(self) -> list[Item]:
        """Return the files that have not changed for ``settle`` seconds."""
        now = time.monotonic()
        due = [path for path, seen in self._waiting.items() if now - seen.since >= self._settle]
        # Look at each file once more: a change may not have been notified.
        waited = [self._waiting.pop(path).item for path in due]
        complete = []
        for item, found in zip(
            waited, await in_thread(lambda: [self._file(Path(path)) for path in due]), strict=True
        ):
            if isinstance(found, SourceError):
                self._report(found)
            elif found.version != item.version:
                self._see(found)
            elif self._give(item):
                complete.append(item)
        return complete

    def _examine(self, paths: list[str]) -> Iterator[Item | Path | SourceError]:
        """Yield the wanted files and the folders among these paths (blocking)."""
        for path in map(Path, paths):
            relative = path.relative_to(self._root).as_posix()
            folders = [above.as_posix() for above in Path(relative).parents][:-1]
            if not all(map(self._selection.enters, folders)):
                continue
            if os.path.isdir(path):  # noqa: PTH112  Path.is_dir() raises without permission.
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
        """Report a wanted file that is left out because it is unreadable, once.

        Files that no longer exist and paths that are not regular files are not reported.
        """
        if error.cause == "unreadable" and str(error) not in self._told:
            self._told.add(str(error))
            self._on_problem(str(error))

    async def _look_below(self, folder: Path) -> None:
        """Observe the files below a folder."""
        below = "" if folder == self._root else f"{folder.relative_to(self._root).as_posix()}/"
        try:
            async with aclosing(
                walk_folder(folder, self._selection, below=below, strategy=self._strategy)
            ) as found:
                async for item in found:
                    if isinstance(item, Item):
                        self._see(item)
                    else:
                        self._report(item)
        except SourceError as error:
            if error.cause != "missing" or folder == self._root:
                # A subfolder may be deleted at any time; the watched folder must exist.
                raise

    def _see(self, item: Item) -> None:
        """Observe a file. The settle time starts again if the file has changed."""
        seen = self._waiting.get(item.uri)
        if _mark(item) not in self._given and (seen is None or seen.item.version != item.version):
            self._waiting[item.uri] = _Seen(item, time.monotonic())

    def _give(self, item: Item) -> bool:
        """Return True if a file was not returned before, and remember it."""
        mark = _mark(item)
        if mark in self._given:
            return False
        self._given.add(mark)
        return True

    def _is_old(self, item: Item) -> bool:
        """Return True if a file was modified so long ago that it needs no observation."""
        return item.uri not in self._waiting and time.time() - modified(item) > self._settle + SKEW


def _mark(item: Item) -> int:
    """Return the first 60 bits of an item's key."""
    return int(item.key[:15], 16)
