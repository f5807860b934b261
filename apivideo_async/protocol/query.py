"""Query parameters (service.md#query-encoding).

An empty list cannot be encoded, so the server would not receive the filter and would return
everything. If a caller filters by "the videos of this tenant" and the tenant has none, the caller
must not receive the videos of all tenants. Therefore a filter without a value is an error, and only
``UNSET`` leaves a parameter out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from urllib.parse import urlencode

from ..config import Unset
from ..errors import ConfigurationError

__all__ = ["QueryValue", "check_encodable", "filters", "query_string"]

QueryValue: TypeAlias = (
    str
    | int
    | bool
    | datetime
    | Sequence[str]
    | Mapping[str, str]
    | Mapping[str, str | Sequence[str]]
    | Unset
    | None
)

_SEARCHES = ("title", "description", "name", "value")
"""Filters that match a part of a text.

They may be empty: the empty text is a part of every text, and a search box may send it.
"""
_CHECKED = ("filterBy",)
"""Filters that ``analytics.filter_value`` has checked. It allows an empty referrer."""


def check_encodable(name: str, value: str) -> None:
    """Raise ``ConfigurationError`` for text with lone surrogates, which UTF-8 cannot encode.

    A file name that is not UTF-8 is such a text.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(
            f"{name} holds characters that UTF-8 cannot encode: {value[:80]!a}"
        ) from None


def _text(name: str, value: object) -> str:
    match value:
        case str():
            check_encodable(name, value)
            return str.__str__(value)  # The value of a member of a ``StrEnum``.
        case bool():
            return "true" if value else "false"
        case datetime():
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat(
                timespec="seconds"
            )
        case int() | float() | date():
            return str(value)
    raise ConfigurationError(
        f"{name} takes text, a number, a time, or a list of them, not {type(value).__name__}"
    )


def _empty(name: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} is {what}, which would not filter at all: leave it out to get everything, "
        "or send no request when nothing can match"
    )


def _items(name: str, value: QueryValue) -> Iterable[tuple[str, str]]:
    if value is None or isinstance(value, Unset):
        return
    if isinstance(value, Mapping | list | tuple) and not value:
        raise _empty(name, "empty")
    if isinstance(value, Mapping):
        pairs: Mapping[str, Any] = value
        for key, item in pairs.items():
            if item is None or isinstance(item, Unset):
                raise ConfigurationError(f"{name}[{key!r}] has no value: leave it out")
            check_encodable(f"a key of {name}", key)
            yield from _items(f"{name}[{key}]", item)
    elif isinstance(value, Sequence) and not isinstance(
        value, str | bytes | bytearray | memoryview
    ):
        yield from ((f"{name}[]", _text(name, item)) for item in value)
    else:
        yield name, _text(name, value)


def query_string(parameters: Mapping[str, QueryValue]) -> str:
    """Encode query parameters. ``None`` and ``UNSET`` are left out.

    The forms are ``tags[]=a&tags[]=b``, ``metadata[k]=v``, ``filterBy[k]=v``,
    ``filterBy[k][]=v&filterBy[k][]=w`` and ``true``. See service.md#query-encoding. Raises
    ``ConfigurationError`` for an empty list or mapping and for a value of another type.
    """
    return urlencode([pair for name, value in parameters.items() for pair in _items(name, value)])


def filters(query: Mapping[str, QueryValue]) -> dict[str, QueryValue]:
    """Check and copy the filters of a list operation. ``UNSET`` is left out.

    The copy keeps the filters the same for every page. Raises ``ConfigurationError`` for None, for
    an empty list, mapping or text, and for values that ``query_string`` refuses.
    """
    checked = {
        name: _filter(name, value) for name, value in query.items() if not isinstance(value, Unset)
    }
    # Called for its checks only, so that errors are raised before the first page is requested.
    query_string(checked)
    return checked


def _filter(name: str, value: QueryValue) -> QueryValue:
    shown = re.sub("([A-Z])", r"_\1", name).lower()
    if value is None or value in ([], (), {}):
        raise _empty(shown, repr(value))
    if isinstance(value, str):
        if not value.strip() and name not in _SEARCHES:
            raise _empty(shown, "an empty text")
        return value
    if isinstance(value, Mapping):
        if name not in _CHECKED and not all(key and item for key, item in value.items()):
            raise _empty(shown, "a mapping with an empty key or value")
        return {**value}
    if isinstance(value, Sequence):
        if not all(value):
            raise _empty(shown, "a list with an empty text")
        return list(value)
    return value
