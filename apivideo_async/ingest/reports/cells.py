"""Foreign text in reports: file names, URLs and messages of servers, which anyone can choose.

A spreadsheet takes a cell for a formula if it begins with one of ``=+-@``. OWASP ("CSV Injection") recommends an
apostrophe before such a cell. Quotes around a cell only help if the reader splits rows at commas: Excel splits at
semicolons in many countries, and a row with tabs can be pasted. So the apostrophe is also set after each character
within a cell at which a reader may split it.
"""

import re
from typing import Final, TypeVar

__all__ = ["cell", "visible"]

T = TypeVar("T")

_INVISIBLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # Control characters: line breaks, tabs, escape sequences of terminals.
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"  # Line separators, direction marks, zero width.
)
_FORMULA: Final = re.compile(r"(^|[,;|\t\r\n])(?=[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])")
"""The start of a cell, or a character at which a reader may split it, before a formula; also of full width."""


def visible(text: str, keep: str = "") -> str:
    """Replace characters without a glyph, and those that change the direction of others, by their escape sequences."""
    return _INVISIBLE.sub(lambda match: match[0] if match[0] in keep else _escaped(match[0]), text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def cell(value: T) -> T | str:
    """Return what to write into a cell of a CSV file; numbers stay numbers."""
    return _FORMULA.sub(r"\1'", visible(value, keep="\t\r\n")) if isinstance(value, str) else value
