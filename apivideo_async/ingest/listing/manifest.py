"""Manifests: one source per line, in JSONL or CSV (see ``manifest_fields``).

A manifest is checked completely before anything starts, and is then read again as a stream. Neither
step holds the manifest in memory.
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
"""Invalid lines in the message of a ``ManifestError``."""
KEPT: Final = 1000
"""Invalid lines in the ``problems`` of a ``ManifestError``."""


@frozen(kw_only=True)
class ManifestSummary:
    """The content of a manifest in numbers."""

    items: int
    bytes: int
    """Size of the local files. Other sizes are known only when the sources are opened."""
    schemes: Mapping[str, int] = field(factory=dict)
    """Number of items by kind of address: ``file``, ``s3``, ``https``, …"""


async def check_manifest(path: str | os.PathLike[str]) -> ManifestSummary:
    """Read a manifest once and check every local file that it names.

    Raises ``ManifestError`` with every invalid line: invalid JSON or CSV, unknown or invalid
    fields, a missing file, an address that cannot be a source, or a source that occurs twice.
    """
    return await in_thread(_check, Path(path))


async def read_manifest(
    path: str | os.PathLike[str], *, strategy: Strategy = "stream"
) -> AsyncGenerator[Item, None]:
    """Yield the items of a manifest.

    Raises ``ManifestError`` at the first invalid line, so call ``check_manifest`` first.
    """
    async with aclosing(threaded(_read(Path(path), strategy))) as items:
        async for item in items:
            yield item


def _read(path: Path, strategy: Strategy) -> Generator[Item, None, None]:
    """Yield the items of a manifest (blocking)."""
    for number, line in _lines(path):
        try:
            if line.problems:
                raise ValueError("; ".join(line.problems))
            item = described(line, path.parent, strategy)
        except ValueError as error:
            problem = masked(str(error))
            raise ManifestError(
                f"{path}, line {number}: {problem}", problems=[(number, problem)]
            ) from None
        yield item


def _lines(path: Path) -> Generator[tuple[int, Line], None, None]:
    """Yield the lines of a manifest. Raises ``ManifestError`` if the file cannot be read."""
    try:
        yield from read_lines(path)
    except OSError as error:
        raise ManifestError(
            f"the manifest {path} cannot be read: {error.strerror or error}"
        ) from None


class _Check:
    """One pass through a manifest. Keys are stored on disk to find duplicates."""

    def __init__(self, path: Path, keys: sqlite3.Connection) -> None:
        self._path = path
        self._keys = keys
        self._schemes: Counter[str] = Counter()
        self._bytes = 0
        self._problems: list[tuple[int, str]] = []
        self._bad = 0
        keys.execute("CREATE TABLE keys (key BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def walk(self) -> ManifestSummary:
        """Check every line. Raises ``ManifestError``."""
        for number, line in _lines(self._path):
            for problem in line.problems or self._look(number, line):
                self._bad += 1
                if len(self._problems) < KEPT:
                    self._problems.append((number, masked(problem)))
        if self._bad:
            raise self._error()
        if not self._schemes:
            raise ManifestError(f"the manifest {self._path} names no sources")
        return ManifestSummary(
            items=self._schemes.total(), bytes=self._bytes, schemes=dict(self._schemes)
        )

    def _look(self, number: int, line: Line) -> list[str]:
        """Return the problems of a line, and count it if there is none."""
        try:
            item = described(line, self._path.parent, "stream")
        except ValueError as error:
            return [str(error)]
        # The primary key finds duplicates without holding the keys in memory.
        key = bytes.fromhex(item.key)
        if (
            self._keys.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (key, number)).rowcount
            == 0
        ):
            (first,) = self._keys.execute("SELECT line FROM keys WHERE key = ?", (key,)).fetchone()
            return [f"the same source as line {first}"]
        self._schemes[locate(item.uri).scheme] += 1
        self._bytes += item.size or 0
        return []

    def _error(self) -> ManifestError:
        """Return the error that lists the invalid lines."""
        lines = [f"  line {number}: {problem}" for number, problem in self._problems[:SHOWN]]
        if self._bad > len(lines):
            lines.append(f"  and {self._bad - len(lines):,} more")
        count = "a problem" if self._bad == 1 else f"{self._bad:,} problems"
        text = "\n".join([f"the manifest {self._path} has {count}; nothing was started:", *lines])
        return ManifestError(text, problems=self._problems)


def _check(path: Path) -> ManifestSummary:
    """Check a manifest (blocking)."""
    # An empty name opens a temporary database, which SQLite keeps on disk if it is large.
    with closing(sqlite3.connect("")) as keys:
        return _Check(path, keys).walk()
