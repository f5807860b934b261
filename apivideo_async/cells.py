"""Text from outside in CSV cells and web pages: titles, file names, URLs, messages of servers.

Anyone can choose such text. A spreadsheet treats a cell as a formula if it begins with one of
``=+-@``. OWASP ("CSV Injection") recommends an apostrophe before such a cell. Quotes around a cell
help only if the reader splits rows at commas. Excel splits at semicolons in many countries, and a
row with tabs can be pasted. The apostrophe is therefore also inserted after each character within a
cell at which a reader may split it.
"""

import re
from typing import Final, TypeVar

__all__ = ["cell", "escape_invisible"]

T = TypeVar("T")

_INVISIBLE: Final = re.compile(
    # Control characters: line breaks, tabs, escape sequences of terminals.
    "[\x00-\x1f\x7f-\x9f"
    # Line separators, direction marks, zero-width characters.
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_FORMULA: Final = re.compile(
    r"(^|[,;|\t\r\n])(?=[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])"
)
"""The start of a cell, or a character at which a reader may split it, before a formula character
(ASCII or full width)."""


def escape_invisible(text: str, keep: str = "") -> str:
    """Replace invisible characters and direction marks, except those in ``keep``, by escapes."""

    def escape(match: re.Match[str]) -> str:
        return match[0] if match[0] in keep else match[0].encode("unicode_escape").decode()

    return _INVISIBLE.sub(escape, text)


def cell(value: T) -> T | str:
    """Return the content of a CSV cell. Numbers stay numbers."""
    if not isinstance(value, str):
        return value
    return _FORMULA.sub(r"\1'", escape_invisible(value, keep="\t\r\n"))
