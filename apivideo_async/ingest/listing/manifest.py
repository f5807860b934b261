"""Manifests: one source a line, in JSONL or CSV (see ``manifest_fields``).

A manifest is checked as a whole before anything starts, and then read again as a stream; neither holds it in memory.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing
from pathlib import Path
from typing import Final

from attrs import field, frozen

from ...errors import ManifestError
from ...masking import masked
from ...uploads.sources.threads import in_thread
from ..items import Item, Strategy
from ..uris import locate
from .described import described
from .manifest_fields import Line
from .manifest_lines import read_lines
from .threaded import threaded

__all__ = ["ManifestSummary", "check_manifest", "read_manifest"]

SHOWN: Final = 50
"""Bad lines in the message of a ``ManifestError``."""
KEPT: Final = 1000
"""Bad lines in its ``problems``."""


@frozen(kw_only=True)
class ManifestSummary:
    """What is in a manifest."""

    items: int
    bytes: int
    """Of the local files: the sizes of the others are known when they are opened."""
    schemes: Mapping[str, int] = field(factory=dict)
    """Items by where they are: ``file``, ``s3``, ``https``, …"""


async def check_manifest(path: str | os.PathLike[str]) -> ManifestSummary:
    """Read a manifest once and look at every local file that it names.

    Raises ``ManifestError`` with every bad line: no JSON or CSV, unknown or wrong fields, a file that is missing, an
    address that cannot be read from, a source that is there twice.
    """
    return await in_thread(_check, Path(path))


async def read_manifest(path: str | os.PathLike[str], *, strategy: Strategy = "stream") -> AsyncGenerator[Item, None]:
    """Give the items of a manifest. Raises ``ManifestError`` at the first bad line: check it first."""
    async with aclosing(threaded(_read(Path(path), strategy))) as items:
        async for item in items:
            yield item


def _read(path: Path, strategy: Strategy) -> Generator[Item, None, None]:
    for number, line in _lines(path):
        try:
            if line.problems:
                raise ValueError("; ".join(line.problems))
            item = described(line, path.parent, strategy)
        except ValueError as error:
            problem = masked(str(error))
            raise ManifestError(f"{path}, line {number}: {problem}", problems=[(number, problem)]) from None
        yield item


def _lines(path: Path) -> Generator[tuple[int, Line], None, None]:
    try:
        yield from read_lines(path)
    except OSError as error:
        raise ManifestError(f"the manifest {path} cannot be read: {error.strerror or error}") from None


class _Check:
    """One walk through a manifest; the keys are kept on disk."""

    def __init__(self, path: Path, keys: sqlite3.Connection) -> None:
        self._path = path
        self._keys = keys
        self._schemes: Counter[str] = Counter()
        self._bytes = 0
        self._problems: list[tuple[int, str]] = []
        self._bad = 0
        keys.execute("CREATE TABLE keys (key BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def walk(self) -> ManifestSummary:
        """Look at every line."""
        for number, line in _lines(self._path):
            for problem in line.problems or self._look(number, line):
                self._bad += 1
                if len(self._problems) < KEPT:
                    self._problems.append((number, masked(problem)))
        if self._bad:
            raise self._error()
        if not self._schemes:
            raise ManifestError(f"the manifest {self._path} names no sources")
        return ManifestSummary(items=self._schemes.total(), bytes=self._bytes, schemes=dict(self._schemes))

    def _look(self, number: int, line: Line) -> list[str]:
        try:
            item = described(line, self._path.parent, "stream")
        except ValueError as error:
            return [str(error)]
        key = bytes.fromhex(item.key)
        if self._keys.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (key, number)).rowcount == 0:
            (first,) = self._keys.execute("SELECT line FROM keys WHERE key = ?", (key,)).fetchone()
            return [f"the same source as line {first}"]
        self._schemes[locate(item.uri).scheme] += 1
        self._bytes += item.size or 0
        return []

    def _error(self) -> ManifestError:
        lines = [f"  line {number}: {problem}" for number, problem in self._problems[:SHOWN]]
        if self._bad > len(lines):
            lines.append(f"  and {self._bad - len(lines):,} more")
        count = "a problem" if self._bad == 1 else f"{self._bad:,} problems"
        text = "\n".join([f"the manifest {self._path} has {count}; nothing was started:", *lines])
        return ManifestError(text, problems=self._problems)


def _check(path: Path) -> ManifestSummary:
    with closing(sqlite3.connect("")) as keys:
        return _Check(path, keys).walk()
