"""Manifests: one source per line, in JSONL, a JSON array or CSV (``descriptions`` has the fields).

A manifest is checked completely before anything starts, and is then read again. Neither step holds
it in memory.
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
from ..uris import parse_uri
from .descriptions import Description, described_item
from .manifest_file import Manifest, given_manifest, open_manifest, open_text
from .manifest_lines import manifest_lines
from .threaded import iterate_in_threads

__all__ = ["ManifestSummary", "check_manifest", "open_manifest", "read_manifest"]

MAX_SHOWN: Final = 50
"""Invalid lines in the message of a ``ManifestError``."""
MAX_PROBLEMS: Final = 1000
"""Invalid lines in the ``problems`` of a ``ManifestError``."""


@frozen(kw_only=True)
class ManifestSummary:
    """The content of a manifest in numbers."""

    items: int
    bytes: int
    """Size of the local files. Other sizes are known only when the sources are opened."""
    schemes: Mapping[str, int] = field(factory=dict)
    """Number of items by kind of address: ``file``, ``s3``, ``https``, …"""


async def read_manifest(
    path: str | os.PathLike[str] | Manifest, *, strategy: Strategy = "stream"
) -> AsyncGenerator[Item, None]:
    """Yield items. Raises ``ManifestError`` at an invalid line: call ``check_manifest`` first."""
    async with (
        open_manifest(path) as manifest,
        aclosing(iterate_in_threads(_read(manifest, strategy))) as items,
    ):
        async for item in items:
            yield item


def _read(manifest: Manifest, strategy: Strategy) -> Generator[Item, None, None]:
    for number, line in _read_lines(manifest):
        try:
            if line.problems:
                raise ValueError("; ".join(line.problems))
            item = described_item(line, manifest.folder, strategy)
        except ValueError as error:
            problem = masked(str(error))
            text = f"{manifest.name}, line {number}: {problem}"
            raise ManifestError(text, problems=[(number, problem)]) from None
        yield item


async def check_manifest(path: str | os.PathLike[str] | Manifest) -> ManifestSummary:
    """Read a manifest once and check every local file that it names.

    A pipe can be read only once: open it with ``open_manifest``.

    Raises ``ManifestError`` with every invalid line: invalid JSON or CSV, unknown or invalid
    fields, a missing file, an address that cannot be a source, or a source that occurs twice.
    """
    return await in_thread(lambda: _check(given_manifest(path)))


def _check(manifest: Manifest) -> ManifestSummary:
    schemes: Counter[str] = Counter()
    size, count = 0, 0
    problems: list[tuple[int, str]] = []
    # An empty name opens a temporary database, on disk if it is large. Its primary key finds
    # duplicates without holding the keys in memory.
    with closing(sqlite3.connect("")) as keys:
        keys.execute("CREATE TABLE keys (key BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        for number, line in _read_lines(manifest):
            found = _check_line(number, line, manifest.folder, keys)
            if isinstance(found, Item):
                schemes[parse_uri(found.uri).scheme] += 1
                size += found.size or 0
                continue
            count += len(found)
            problems += [(number, masked(problem)) for problem in found]
            del problems[MAX_PROBLEMS:]
    if problems:
        raise _invalid(manifest, problems, count)
    if not schemes:
        raise manifest.error("names no sources")
    return ManifestSummary(items=schemes.total(), bytes=size, schemes=dict(schemes))


def _check_line(
    number: int, line: Description, folder: Path, keys: sqlite3.Connection
) -> Item | list[str]:
    if line.problems:
        return line.problems
    try:
        item = described_item(line, folder, "stream")
    except ValueError as error:
        return [str(error)]
    key = bytes.fromhex(item.key)
    cursor = keys.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (key, number))
    if cursor.rowcount == 0:
        (first,) = keys.execute("SELECT line FROM keys WHERE key = ?", (key,)).fetchone()
        return [f"the same source as line {first}"]
    return item


def _invalid(manifest: Manifest, problems: list[tuple[int, str]], count: int) -> ManifestError:
    """Return the error for ``count`` problems, of which ``problems`` has the first ones."""
    lines = [f"  line {number}: {problem}" for number, problem in problems[:MAX_SHOWN]]
    if count > len(lines):
        lines.append(f"  and {count - len(lines):,} more")
    amount = "a problem" if count == 1 else f"{count:,} problems"
    text = "\n".join([f"the manifest {manifest.name} has {amount}; nothing was started:", *lines])
    return ManifestError(text, problems=problems)


def _read_lines(manifest: Manifest) -> Generator[tuple[int, Description], None, None]:
    """Yield each line with its number (blocking). Raises ``ManifestError``."""
    with open_text(manifest) as file:
        yield from manifest_lines(file, manifest.suffix)
