"""JSON bodies of arguments: ``UNSET`` is left out, None is null (service.md#null-and-absent)."""

import json
from collections.abc import Iterable, Mapping

from ..errors import ConfigurationError

__all__ = ["as_json", "check_names", "text_list"]


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
    """Encode a body. Raises ``ConfigurationError`` if JSON or UTF-8 cannot represent the value."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        # Only the part around the character is shown, escaped, because the text may be long.
        text = ascii(error.object[max(0, error.start - 20) : error.start + 20])
        raise ConfigurationError(
            f"a text contains characters that UTF-8 cannot encode: {text}"
        ) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"a value cannot be written as JSON: {error}") from None
