"""Query parameters (service.md#query-encoding), filters and pages of list operations.

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
from ..models import Page
from ..text import check_sendable

__all__ = [
    "QueryValue",
    "check_paging",
    "empty_filter",
    "filters",
    "next_page",
    "query_string",
]

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

LARGEST_PAGE = 100
"""Items of a page (service.md#page-limits)."""
_SEARCHES = ("title", "description", "name", "value")
"""Filters that match a part of a text. They may be empty, as an empty search box is."""
_CHECKED = ("filterBy",)
"""Filters that ``analytics.filter_value`` has checked. It allows an empty referrer."""
_NOT_LISTS = (str, bytes, bytearray, memoryview)


def _text(name: str, value: object) -> str:
    match value:
        case str():
            check_sendable(name, value)
            return str.__str__(value)  # The value of a member of a ``StrEnum``.
        case bool():
            return "true" if value else "false"
        case datetime():
            moment = value if value.tzinfo else value.replace(tzinfo=UTC)
            return moment.isoformat(timespec="seconds")
        case int() | float() | date():
            return str(value)
    raise ConfigurationError(
        f"{name} must be text, a number, a time, or a list of them, not {type(value).__name__}"
    )


def empty_filter(name: str, what: str) -> ConfigurationError:
    """Return the error for a filter without a value. ``what`` describes the value."""
    return ConfigurationError(
        f"{name} is {what}, which does not filter: leave it out to get everything, "
        "or send no request if nothing can match",
        option=name,
    )


def _items(name: str, value: QueryValue) -> Iterable[tuple[str, str]]:
    if value is None or isinstance(value, Unset):
        return
    check_sendable("the name of a parameter", name)
    if isinstance(value, Mapping | list | tuple) and not value:
        raise empty_filter(name, "empty")
    if isinstance(value, Mapping):
        pairs: Mapping[str, Any] = value
        for key, item in pairs.items():
            if item is None or isinstance(item, Unset):
                raise ConfigurationError(f"{name}[{key!r}] has no value: leave it out")
            check_sendable(f"a key of {name}", key)
            yield from _items(f"{name}[{key}]", item)
    elif isinstance(value, Sequence) and not isinstance(value, _NOT_LISTS):
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
    argument = re.sub("([A-Z])", r"_\1", name).lower()
    if value is None or value in ([], (), {}):
        raise empty_filter(argument, repr(value))
    if isinstance(value, str):
        if not value.strip() and name not in _SEARCHES:
            raise empty_filter(argument, "an empty text")
        return value
    if isinstance(value, Mapping):
        if name not in _CHECKED and not all(key and item for key, item in value.items()):
            raise empty_filter(argument, "a mapping with an empty key or value")
        return {**value}
    if isinstance(value, Sequence):
        if not all(value):
            raise empty_filter(argument, "a list with an empty text")
        return list(value)
    return value


def check_paging(current_page: int, page_size: int) -> None:
    """Raise ``ConfigurationError`` for a page number or page size that the service refuses."""
    if type(current_page) is not int or current_page < 1:
        raise ConfigurationError(
            f"current_page must be at least 1, not {current_page!r}", option="current_page"
        )
    if type(page_size) is not int or not 1 <= page_size <= LARGEST_PAGE:
        raise ConfigurationError(
            f"page_size must be from 1 to {LARGEST_PAGE}, not {page_size!r}", option="page_size"
        )


def next_page(number: int, page: Page[Any]) -> int | None:
    """Return the number of the page after ``page``, which is page ``number``, or None.

    The links of a page are not followed, because a link may lack the page size and the filters, or
    name another host (service.md#page-links). An empty page always ends the list, because deleted
    items shift the pages, and ``pagesTotal`` of an empty list may be 0 or 1.
    """
    if not page.data:
        return None
    total = page.pagination.pages_total
    if total is not None:
        return number + 1 if number < total else None
    # Without ``pagesTotal``, a full page may have a successor. The service may use another page
    # size than the requested one.
    size = page.pagination.page_size
    return number + 1 if size is not None and len(page.data) >= size else None
