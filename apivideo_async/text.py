"""Checks text that is sent, and cleans text that other programs sent.

No request can contain lone surrogates, because UTF-8 cannot encode them, or NUL, which the service
and file systems refuse. Every text of a caller passes ``check_sendable`` before a request is made.
Text from a server may contain control characters that change a terminal or a log, so it passes
``clean`` before it becomes part of a message.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from .errors import ConfigurationError

__all__ = ["check_all_sendable", "check_sendable", "clean", "is_sendable"]

_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_AROUND = 20
"""Characters before and after the unsendable one that a message shows."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories: control and format characters (with the bidirectional ones), surrogates."""


def is_sendable(text: str) -> bool:
    """Whether a text contains neither NUL nor lone surrogates."""
    return _UNSENDABLE.search(text) is None


def check_sendable(name: str, value: object, *, option: str | None = None) -> None:
    """Raise ``ConfigurationError`` unless ``value`` is a text without NUL and lone surrogates.

    ``name`` describes the value in the message; ``option`` is the name of the argument.
    """
    if not isinstance(value, str):
        raise ConfigurationError(
            f"{name} must be a text, not {type(value).__name__}", option=option
        )
    if found := _UNSENDABLE.search(value):
        # Only the part around the character is shown, escaped, because the text may be long.
        shown = ascii(value[max(0, found.start() - _AROUND) : found.start() + _AROUND])
        what = "a NUL character" if found[0] == "\0" else "a character that UTF-8 cannot encode"
        raise ConfigurationError(f"{name} contains {what}: {shown}", option=option)


def check_all_sendable(value: Any, name: str = "") -> None:
    """Check every text in a value that JSON can represent, keys included.

    Raises ``ConfigurationError``, which names the place such as ``metadata[0].value``.
    """
    if isinstance(value, str):
        check_sendable(name or "a text", value)
    elif isinstance(value, Mapping):
        for key, member in value.items():
            if isinstance(key, str):
                check_sendable(f"a name in {name}" if name else "a name", key)
            check_all_sendable(member, f"{name}.{key}" if name else f"{key}")
    elif isinstance(value, list | tuple):
        for number, member in enumerate(value):
            check_all_sendable(member, f"{name}[{number}]")


def clean(text: str, longest: int) -> str:
    """Return one line of at most ``longest`` characters without control and format characters."""
    # Cut first, because a body may have many thousand characters.
    visible = "".join(
        " " if unicodedata.category(character) in _HIDDEN else character
        for character in text[: 8 * longest]
    )
    line = " ".join(visible.split())
    return line if len(line) <= longest else line[:longest].rstrip() + "…"
