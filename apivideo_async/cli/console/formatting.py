"""Formats numbers, untrusted text and JSON for display."""

import csv
import io
import json
import math
import re
from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len

from ...cells import cell

__all__ = [
    "amount_text",
    "bytes_text",
    "csv_text",
    "json_text",
    "printable",
    "rate_text",
    "shortened",
    "time_text",
]

_UNITS = ("KiB", "MiB", "GiB", "TiB")


def bytes_text(size: float) -> str:
    """Format a number of bytes, such as ``12.3 MiB``."""
    if size < 1024:
        return f"{size:.0f} B"
    for unit in _UNITS:
        size /= 1024
        # 999.95 would be rounded to 1000.0, so it gets the next unit.
        if size < 999.95 or unit == _UNITS[-1]:
            break
    return f"{size:.1f} {unit}"


def amount_text(done: int, total: int | None) -> str:
    """Format a number of bytes of a total in the unit of the total, such as ``1.5/12.3 MiB``."""
    if total is None:
        return bytes_text(done)
    text = bytes_text(total)
    number, _, unit = text.partition(" ")
    if unit == "B":
        return f"{done}/{text}"
    return f"{done / 1024 ** (_UNITS.index(unit) + 1):.1f}/{number} {unit}"


def rate_text(rate: float) -> str:
    """Format a rate in bytes per second, such as ``12.3 MiB/s``."""
    return f"{bytes_text(rate)}/s"


def time_text(seconds: float | None) -> str:
    """Format seconds as ``0:04`` or ``1:02:03``; ``-:--`` if unknown or 100 hours and more."""
    # 359,999 seconds are 99:59:59.
    if seconds is None or seconds > 359_999:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def printable(text: str) -> str:
    """Replace characters that could control the terminal."""
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    # Lone surrogates come from file names that are not valid UTF-8. The output stream escapes them.
    if character.isprintable() or "\ud800" <= character <= "\udfff":
        return character
    return " " if character.isspace() else "?"


def json_text(document: Any, indent: int | None, encoding: str) -> str:
    """Format a document as JSON that every parser and terminal accepts.

    Characters that could control a terminal are escaped, as are all non-ASCII characters if
    ``encoding``, that of the output, lacks one of them. NaN and infinite numbers, which JSON does
    not have, become null.
    """
    try:
        text = json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(document), indent=indent, ensure_ascii=False)
    try:
        text.encode(encoding)
        complete = True
    except (UnicodeError, LookupError):
        complete = False

    def replacement(match: re.Match[str]) -> str:
        character = match[0]
        return character if complete and character.isprintable() else _escaped(character)

    # The line breaks are those of the indentation: ``json`` escapes those in texts.
    return re.sub(r"[^\n -~]", replacement, text)


_FORMULA = re.compile(
    r"(?<=[\"\s,;|])[=+@\uff1d\uff0b\uff0d\uff20]|(?<=[\"\s,;|])-(?!\d+[\d.]*[,\]}])"
)
"""A character in JSON that a spreadsheet could read as the start of a formula; a negative number,
which is followed by a comma or bracket, is none."""


def csv_text(cells: Iterable[Any]) -> str:
    """Format one row of CSV (RFC 4180) without the line feed at its end.

    None is an empty cell, and a boolean true or false. A list or a mapping is JSON. A text or JSON
    that a spreadsheet would read as a formula is changed (:mod:`apivideo_async.cells`): a text gets
    an apostrophe, and JSON escapes the character. Line breaks within a text become line feeds.
    """
    line = io.StringIO()
    csv.writer(line).writerow([_csv_cell(value) for value in cells])
    return line.getvalue().removesuffix("\n")


def _csv_cell(value: Any) -> Any:
    if isinstance(value, bool | list | dict):
        text = json_text(value, None, "utf-8")
        value = _FORMULA.sub(lambda match: _escaped(match[0]), text)
    if isinstance(value, str):
        # A carriage return would let a text overwrite the line of the terminal.
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    return cell(value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _escaped(character: str) -> str:
    # JSON escapes are those of UTF-16. ``surrogatepass``: lone surrogates are escaped as they are.
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def shortened(text: str, width: int) -> str:
    """Shorten the text in its middle to ``width`` columns. A file extension stays visible."""
    if cell_len(text) <= width:
        return text
    room = min(width, len(text))
    while cell_len(cut := _cut(text, room)) > width:
        room -= 1  # Some characters occupy two columns.
    return cut


def _cut(text: str, length: int) -> str:
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}"
