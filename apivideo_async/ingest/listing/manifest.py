"""Manifests: one source per line, in JSONL or CSV (see ``descriptions`` for the fields).

A manifest is checked completely before anything starts, and is then read again. Neither step holds
it in memory.
"""

import csv
import json
import os
import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import aclosing, closing
from itertools import chain
from pathlib import Path
from typing import Any, Final, TextIO

from attrs import field, frozen

from ...errors import ManifestError
from ...masking import masked
from ...uploads.sources.threads import in_thread
from ..items import Item, Strategy
from ..uris import parse_uri
from .descriptions import Description, described_item, field_name, parse_fields
from .threaded import iterate_in_threads

__all__ = ["ManifestSummary", "check_manifest", "read_manifest"]

MAX_SHOWN: Final = 50
"""Invalid lines in the message of a ``ManifestError``."""
MAX_PROBLEMS: Final = 1000
"""Invalid lines in the ``problems`` of a ``ManifestError``."""
MAX_LINE: Final = 1024 * 1024
"""Maximum characters of a line. A longer line is an error and is never completely in memory."""
_JSONL: Final = frozenset({".jsonl", ".ndjson", ".json"})
_CSV: Final = frozenset({".csv", ".tsv", ".txt"})
"""Suffixes of CSV manifests. Other files are recognised by their first character."""


@frozen(kw_only=True)
class ManifestSummary:
    """The content of a manifest in numbers."""

    items: int
    bytes: int
    """Size of the local files. Other sizes are known only when the sources are opened."""
    schemes: Mapping[str, int] = field(factory=dict)
    """Number of items by kind of address: ``file``, ``s3``, ``https``, …"""


async def read_manifest(
    path: str | os.PathLike[str], *, strategy: Strategy = "stream"
) -> AsyncGenerator[Item, None]:
    """Yield items. Raises ``ManifestError`` at an invalid line: call ``check_manifest`` first."""
    async with aclosing(iterate_in_threads(_read(Path(path), strategy))) as items:
        async for item in items:
            yield item


def _read(path: Path, strategy: Strategy) -> Generator[Item, None, None]:
    for number, line in _read_lines(path):
        try:
            if line.problems:
                raise ValueError("; ".join(line.problems))
            item = described_item(line, path.parent, strategy)
        except ValueError as error:
            problem = masked(str(error))
            text = f"{path}, line {number}: {problem}"
            raise ManifestError(text, problems=[(number, problem)]) from None
        yield item


async def check_manifest(path: str | os.PathLike[str]) -> ManifestSummary:
    """Read a manifest once and check every local file that it names.

    Raises ``ManifestError`` with every invalid line: invalid JSON or CSV, unknown or invalid
    fields, a missing file, an address that cannot be a source, or a source that occurs twice.
    """
    return await in_thread(_check, Path(path))


def _check(path: Path) -> ManifestSummary:
    schemes: Counter[str] = Counter()
    size, count = 0, 0
    problems: list[tuple[int, str]] = []
    # An empty name opens a temporary database, on disk if it is large. Its primary key finds
    # duplicates without holding the keys in memory.
    with closing(sqlite3.connect("")) as keys:
        keys.execute("CREATE TABLE keys (key BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        for number, line in _read_lines(path):
            found = _check_line(number, line, path.parent, keys)
            if isinstance(found, Item):
                schemes[parse_uri(found.uri).scheme] += 1
                size += found.size or 0
                continue
            count += len(found)
            problems += [(number, masked(problem)) for problem in found]
            del problems[MAX_PROBLEMS:]
    if problems:
        raise _invalid(path, problems, count)
    if not schemes:
        raise ManifestError(f"the manifest {path} names no sources")
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


def _invalid(path: Path, problems: list[tuple[int, str]], count: int) -> ManifestError:
    """Return the error for ``count`` problems, of which ``problems`` has the first ones."""
    lines = [f"  line {number}: {problem}" for number, problem in problems[:MAX_SHOWN]]
    if count > len(lines):
        lines.append(f"  and {count - len(lines):,} more")
    amount = "a problem" if count == 1 else f"{count:,} problems"
    text = "\n".join([f"the manifest {path} has {amount}; nothing was started:", *lines])
    return ManifestError(text, problems=problems)


def _read_lines(path: Path) -> Iterator[tuple[int, Description]]:
    """Yield each line with its number (blocking). Raises ``ManifestError`` for an OS error."""
    suffix = path.suffix.lower()
    try:
        # Invalid UTF-8 is decoded to surrogates, so that the line can be reported with its number.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            if suffix in _JSONL or (suffix not in _CSV and _starts_as_json(file)):
                yield from _json_lines(file)
            else:
                yield from _csv_lines(file, "\t" if suffix == ".tsv" else None)
    except OSError as error:
        reason = error.strerror or error
        raise ManifestError(f"the manifest {path} cannot be read: {reason}") from None


def _starts_as_json(file: TextIO) -> bool:
    start = file.read(4096).lstrip()
    file.seek(0)
    return start.startswith("{")


def _bounded_lines(file: TextIO) -> Iterator[str]:
    """Yield lines. A line that is too long is cut to ``MAX_LINE + 1`` characters."""
    while line := file.readline(MAX_LINE + 1):
        rest = line
        while len(rest) > MAX_LINE and not rest.endswith("\n"):
            rest = file.readline(MAX_LINE + 1)
        yield line


def _problem(text: str) -> Description:
    return Description(problems=[text])


def _check_text(text: str) -> Description | None:
    if len(text) > MAX_LINE:
        return _problem(f"is longer than {MAX_LINE:,} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        return _problem("is not UTF-8")
    return None


def _json_lines(file: TextIO) -> Iterator[tuple[int, Description]]:
    for number, text in enumerate(_bounded_lines(file), 1):
        if not text.isspace():
            yield number, _check_text(text) or _json_line(text)


def _json_line(text: str) -> Description:
    try:
        given = json.loads(text, object_pairs_hook=_unique_names)
    except RecursionError:
        return _problem("is nested too deeply")
    except ValueError as error:
        return _problem(f"is not JSON: {error}")
    if not isinstance(given, dict):
        return _problem("is not a JSON object")
    return parse_fields(given.items(), from_csv=False)


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # json.loads would silently use the last value.
        raise ValueError("a name is given twice")
    return found


def _csv_lines(file: TextIO, delimiter: str | None) -> Iterator[tuple[int, Description]]:
    """Read CSV. Without ``delimiter``, the most frequent one of the first line is used."""
    lines = _bounded_lines(file)
    first = next(lines, "")
    delimiter = delimiter or max(",;\t", key=first.count)
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        # A quoted cell may contain line breaks; the number is that of the row's first line.
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, _problem(f"is not CSV: {error}")
            continue
        if header is None:
            header = [name.strip() for name in cells]
            problems = _header_problems(header)
            if problems:
                yield number, Description(problems=problems)
                return
        elif any(cell.strip() for cell in cells):
            yield number, _check_text("".join(cells)) or _csv_line(header, cells)


def _header_problems(header: list[str]) -> list[str]:
    names = [field_name(column) for column in header]
    problems = [
        f"unknown column {column!r}"
        for column, name in zip(header, names, strict=True)
        if name is None
    ]
    duplicates = sorted({name for name in names if name and names.count(name) > 1})
    problems += [f"the column {name} occurs twice" for name in duplicates]
    if "uri" not in names:
        problems.append("no column uri: the first line names the columns")
    return problems


def _csv_line(header: list[str], cells: list[str]) -> Description:
    if len(cells) > len(header):
        return _problem(f"has {len(cells)} cells, but there are {len(header)} columns")
    return parse_fields(zip(header, cells, strict=False), from_csv=True)
