"""Divides the text of a manifest into descriptions of sources: JSONL, a JSON array, or CSV."""

import csv
import json
import re
from collections.abc import Generator, Iterator
from difflib import get_close_matches
from itertools import chain
from typing import Any, Final, TextIO

from attrs import define, field

from .descriptions import Description, parse_fields
from .fields import COLUMNS, field_name
from .manifest_file import not_utf8

__all__ = ["MAX_LINE", "manifest_lines"]

MAX_LINE: Final = 1024 * 1024
"""Maximum characters of a line. A longer line is an error and is never completely in memory."""
_JSON: Final = frozenset({".jsonl", ".ndjson", ".json"})
_BLOCK: Final = 64 * 1024
"""Characters of a JSON array that are read at once."""
_SEPARATOR: Final = re.compile(r'"?sep=(.)"?[,;\t]*', re.IGNORECASE)
"""The line in which Excel names the delimiter."""

Lines = Iterator[tuple[int, Description]]
"""Each description with the number of its (first) line."""


def manifest_lines(file: TextIO, suffix: str) -> Lines:
    """Yield the descriptions (blocking). The first character decides between JSON and CSV.

    ``suffix`` is that of the file; it decides which format is reported if the file has another.
    """
    start = file.readline(MAX_LINE)
    while start and not start.strip("\ufeff \t\r\n"):
        start = file.readline(MAX_LINE)
    first = start.lstrip("\ufeff \t")[:1]
    file.seek(0)
    if first == "[":
        return _Array(file).descriptions()
    if first == "{" or suffix in _JSON:
        return _json_lines(file)
    return _csv_lines(file, "\t" if suffix == ".tsv" else None)


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
    problem = not_utf8(text)
    return None if problem is None else _problem(problem)


@define
class _Decoder:
    """Reads JSON values. ``repeated`` is true if an object of the last one repeats a name."""

    repeated: bool = False
    _json: json.JSONDecoder = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._json = json.JSONDecoder(object_pairs_hook=self._object)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        # JSON would silently use the last value.
        self.repeated |= len(found) < len(pairs)
        return found

    def value(self, text: str, start: int) -> tuple[Any, int]:
        """Return the value at ``start`` and its end. Raises ``ValueError``."""
        self.repeated = False
        try:
            return self._json.raw_decode(text, start)
        except RecursionError:
            raise ValueError("is nested too deeply") from None

    def description(self, value: Any) -> Description:
        """Describe a source."""
        if self.repeated:
            return _problem("a name is given twice")
        if not isinstance(value, dict):
            return _problem("is not a JSON object")
        return parse_fields(value.items(), from_csv=False)


def _json_lines(file: TextIO) -> Lines:
    decoder = _Decoder()
    is_first = True
    for number, text in enumerate(_bounded_lines(file), 1):
        line = text.strip()
        if not line:
            continue
        if is_first and line == "{":
            yield (
                number,
                _problem(
                    "starts one object that continues on other lines: write each object on a line "
                    "of its own, or put the objects into an array"
                ),
            )
            return
        is_first = False
        yield number, _check_text(text) or _json_line(decoder, line)


def _json_line(decoder: _Decoder, line: str) -> Description:
    try:
        value, end = decoder.value(line, 0)
    except json.JSONDecodeError as error:
        return _problem(f"is not JSON: {error}")
    except ValueError as error:
        return _problem(str(error))
    if line[end:]:
        return _problem(f"is not JSON: there is more text after column {end}")
    return decoder.description(value)


@define
class _Array:
    """Reads an array of any size, one element at a time."""

    _file: TextIO
    _buffer: str = ""
    _at: int = 0
    _line: int = 1
    """The number of the line of the current position."""
    _decoder: _Decoder = field(factory=_Decoder)

    def descriptions(self) -> Lines:
        """Yield the elements. A syntax error ends the array, because its end is unknown."""
        self._next()
        self._move(1)
        if self._next() == "]":
            return
        while True:
            self._next()
            line = self._line
            try:
                value, text = self._element()
            except ValueError as error:
                problem = f"is not JSON: {getattr(error, 'msg', error)}"
                yield line, _problem(f"{problem}; the rest of the array is not checked")
                return
            yield line, _check_text(text) or self._decoder.description(value)
            mark = self._next()
            if mark != ",":
                break
            self._move(1)
        if mark != "]":
            found = f"not {mark!r}" if mark else "but the file ends"
            yield self._line, _problem(f"is not JSON: a comma or ] must follow, {found}")
            return
        self._move(1)
        if self._next():
            yield self._line, _problem("is not JSON: there is more text after the array")

    def _element(self) -> tuple[Any, str]:
        """Read a value and return it with its text. Raises ``ValueError``."""
        while True:
            start = self._at
            try:
                value, end = self._decoder.value(self._buffer, start)
            except json.JSONDecodeError:
                # The value may be incomplete.
                if len(self._buffer) - start > MAX_LINE or not self._fill():
                    raise
                continue
            text = self._buffer[start:end]
            self._move(end - start)
            return value, text

    def _next(self) -> str:
        """Skip spaces and return the next character; empty at the end of the file."""
        while True:
            rest = self._buffer[self._at :]
            stripped = rest.lstrip("\ufeff \t\r\n")
            self._move(len(rest) - len(stripped))
            if stripped:
                return stripped[0]
            if not self._fill():
                return ""

    def _move(self, count: int) -> None:
        self._line += self._buffer.count("\n", self._at, self._at + count)
        self._at += count

    def _fill(self) -> bool:
        block = self._file.read(_BLOCK)
        self._buffer = self._buffer[self._at :] + block
        self._at = 0
        return bool(block)


def _csv_lines(file: TextIO, delimiter: str | None) -> Lines:
    """Read CSV. Without ``delimiter``, the most frequent one of the header is used."""
    # The limit of the csv module (128 KiB) applies to the whole process, so it is only raised.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))
    lines = _bounded_lines(file)
    skipped, first = 0, ""
    for line in lines:
        separator = _SEPARATOR.fullmatch(line.strip("\ufeff\r\n"))
        if separator is not None:
            delimiter = separator[1]
        elif line.strip('\ufeff,;" \t\r\n'):
            first = line
            break
        skipped += 1
    delimiter = delimiter or _delimiter_of(first)
    reader = csv.reader(
        chain([first], lines), delimiter=delimiter, strict=True, skipinitialspace=True
    )
    header: list[str] | None = None
    for number, cells in _rows(reader, skipped):
        if isinstance(cells, str):
            yield number, _problem(cells)
        elif header is None:
            header = _named([name.strip() for name in cells])
            if problems := _header_problems(header):
                yield number, Description(problems=problems)
                return
        elif any(cell.strip() for cell in cells):
            yield number, _check_text("".join(cells)) or _csv_line(header, cells)


def _delimiter_of(header: str) -> str:
    # A quoted name may contain a delimiter.
    text = re.sub(r'"[^"]*"', "", header)
    return max(",;\t|", key=text.count)


def _rows(reader: Any, skipped: int) -> Generator[tuple[int, list[str] | str], None, None]:
    """Yield the number and the cells of each row, or the problem of a row that is not CSV."""
    while True:
        # A quoted cell may contain line breaks; the number is that of the row's first line.
        number = skipped + reader.line_num + 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, f"is not CSV: {error}"


def _named(header: list[str]) -> list[str]:
    """Remove the empty columns at the end, which spreadsheets write for formatted cells."""
    while header and not header[-1]:
        header.pop()
    return header


def _header_problems(header: list[str]) -> list[str]:
    if problem := not_utf8(",".join(header)):
        return [problem]
    names = [field_name(column) for column in header]
    problems = [
        f"unknown column {column!r}{_meant(column)}"
        for column, name in zip(header, names, strict=True)
        if column and name is None
    ]
    duplicates = sorted({name for name in names if name and names.count(name) > 1})
    problems += [f"the column {name} occurs twice" for name in duplicates]
    if "uri" not in names:
        problems.append("no column uri: the first line names the columns")
    return problems


def _meant(column: str) -> str:
    similar = get_close_matches(column.lower(), COLUMNS, n=1)
    return f", did you mean {similar[0]}?" if similar else f": the columns are {', '.join(COLUMNS)}"


def _csv_line(header: list[str], cells: list[str]) -> Description:
    while len(cells) > len(header) and not cells[-1].strip():
        cells.pop()
    if len(cells) > len(header):
        return _problem(f"has {len(cells)} cells, but there are {len(header)} columns")
    pairs = [(name, cell) for name, cell in zip(header, cells, strict=False) if cell.strip()]
    if not all(name for name, _ in pairs):
        return _problem("has a cell in a column without a name")
    return parse_fields(pairs, from_csv=True)
