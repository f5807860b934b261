"""Reads the lines of a manifest, JSONL or CSV, one at a time (blocking)."""

import csv
import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final, TextIO

from .manifest_fields import Line, column, parse

__all__ = ["read_lines"]

LONGEST_LINE: Final = 1024 * 1024
"""Maximum characters of a line. A longer line is an error and is never completely in memory."""
_JSONL: Final = frozenset({".jsonl", ".ndjson", ".json"})
"""Suffixes of JSONL manifests."""
_CSV: Final = frozenset({".csv", ".tsv", ".txt"})
"""Suffixes of CSV manifests. Other files are recognised by their first character."""


def read_lines(path: Path) -> Generator[tuple[int, Line], None, None]:
    """Yield each line with its number, including invalid lines. Raises ``OSError``."""
    # Invalid UTF-8 is decoded to surrogates, so that the line can be reported with its number.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        suffix = path.suffix.lower()
        if suffix in _JSONL or (suffix not in _CSV and _is_json(file)):
            yield from _json_lines(file)
        else:
            yield from _csv_lines(file, "\t" if suffix == ".tsv" else None)


def _is_json(file: TextIO) -> bool:
    start = file.read(4096).lstrip()
    file.seek(0)
    return start.startswith("{")


def _bounded(file: TextIO) -> Iterator[str]:
    """Yield lines. A line that is too long is cut to ``LONGEST_LINE + 1`` characters."""
    while line := file.readline(LONGEST_LINE + 1):
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith("\n"):
            rest = file.readline(LONGEST_LINE + 1)
        yield line


def _wrong(problem: str) -> Line:
    """Return a line that consists of one problem."""
    return Line(problems=[problem])


def _unusable(text: str) -> Line | None:
    """Return a problem line for text that is too long or not UTF-8; None for other text."""
    if len(text) > LONGEST_LINE:
        return _wrong(f"is longer than {LONGEST_LINE:,} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        return _wrong("is not UTF-8")
    return None


def _json_lines(file: TextIO) -> Iterator[tuple[int, Line]]:
    for number, text in enumerate(_bounded(file), 1):
        if not text.isspace():
            yield number, _unusable(text) or _json_line(text)


def _json_line(text: str) -> Line:
    try:
        given = json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        return _wrong("is nested too deeply")
    except ValueError as error:
        return _wrong(f"is not JSON: {error}")
    return (
        parse(given.items(), text=False) if isinstance(given, dict) else _wrong("is no JSON object")
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # json.loads would silently use the last value.
        raise ValueError("a name is given twice")
    return found


def _csv_lines(file: TextIO, delimiter: str | None) -> Iterator[tuple[int, Line]]:
    """Read CSV. Without ``delimiter``, the most frequent one of the first line is used."""
    lines = _bounded(file)
    first = next(lines, "")
    delimiter = delimiter or max(",;\t", key=first.count)
    reader = csv.reader(_chain(first, lines), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        # A quoted cell may contain line breaks; the number is that of the row's first line.
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, _wrong(f"is not CSV: {error}")
            continue
        if header is None:
            header = [name.strip() for name in cells]
            problems = _header_problems(header)
            if problems:
                yield number, Line(problems=problems)
                return
        elif any(cell.strip() for cell in cells):
            yield number, _csv_line(header, cells)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    """Yield ``first`` and then ``rest``."""
    yield first
    yield from rest


def _header_problems(header: list[str]) -> list[str]:
    """Return the problems of the header: unknown, duplicate and missing columns."""
    names = [column(name) for name in header]
    unknown = [
        f"unknown column {name!r}" for name, ours in zip(header, names, strict=True) if ours is None
    ]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    missing = [] if "uri" in names else ["no column uri: the first line names the columns"]
    return unknown + [f"the column {name} is there twice" for name in twice] + missing


def _csv_line(header: list[str], cells: list[str]) -> Line:
    unusable = _unusable("".join(cells))
    if unusable is not None:
        return unusable
    if len(cells) > len(header):
        return _wrong(f"has {len(cells)} cells, and there are {len(header)} columns")
    return parse(zip(header, cells, strict=False), text=True)
