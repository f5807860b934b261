"""JSON bodies of arguments: ``UNSET`` is left out, None is null (service.md#null-and-absent)."""

import json
from collections.abc import Iterable, Mapping

from ..errors import ConfigurationError
from ..text import check_all_sendable, clean, is_sendable

__all__ = ["as_json", "check_names", "text_list"]

LONGEST_REASON = 200
"""Characters of an error of the JSON encoder in a message."""


def check_names(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise ``TypeError`` for a name that is not known. ``what`` begins the message."""
    known = set(known)
    if unknown := sorted(set(given) - known):
        raise TypeError(
            f"{what} no field {', '.join(unknown)}; they have {', '.join(sorted(known))}"
        )


def text_list(name: str, value: Iterable[str]) -> list[str]:
    """Return ``value`` as a list of texts. Raises ``ConfigurationError`` for other values."""
    # A single text is refused, because its letters would be sent as separate texts.
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        given = f"one text: [{value!r}]" if isinstance(value, str) else type(value).__name__
        raise ConfigurationError(f"{name} must be a list of texts, not {given}", option=name)
    texts = list(value)
    for text in texts:
        if not isinstance(text, str):
            raise ConfigurationError(f"{name} must contain only texts, not {text!r}", option=name)
    return texts


def as_json(value: object) -> bytes:
    """Encode a body. Raises ``ConfigurationError`` if JSON cannot represent it or a text in it."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        # JSON escapes NUL. The search also finds a backslash that is part of the text.
        if "\\u0000" in text or not is_sendable(text):
            check_all_sendable(value)
    except ConfigurationError:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        reason = clean(str(error), LONGEST_REASON)
        raise ConfigurationError(f"a value cannot be written as JSON: {reason}") from None
    return text.encode()
