"""What all resources have: id, dates, files, a collection, and the order of lists. No I/O."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias, TypeVar

from attrs import define

from ..rules.problems import invalid_query_parameter, not_found

__all__ = [
    "BY_DATES",
    "METADATA_FILTER",
    "Collection",
    "Item",
    "Query",
    "SortKey",
    "StoredFile",
    "TextTrack",
    "by_creation",
    "check_choices",
    "sort_items",
    "timestamp",
]

AnyT = TypeVar("AnyT")
ItemT = TypeVar("ItemT", bound="Item")
SortKey: TypeAlias = Callable[[Any], Any]
# The decoded query parameters of a request.
Query: TypeAlias = Sequence[tuple[str, str]]
# A filter such as ``metadata[user]=42``.
METADATA_FILTER = re.compile(r"metadata\[(.*)\]")


def timestamp(moment: datetime) -> str:
    """Format a moment like the API does, ``2024-05-28T11:15:07+00:00`` (service.md#timestamps)."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


class StoredFile(NamedTuple):
    """The content of a small file and its media type."""

    data: bytes
    content_type: str


@define(eq=False)
class TextTrack:
    """A WebVTT file in one language. ``default`` is used for captions only."""

    language: str
    data: bytes = b""
    default: bool = False


@define(eq=False, kw_only=True)
class Item:
    """One resource. ``number`` counts all resources of an emulator, in the order of creation."""

    id: str
    created: datetime
    number: int
    updated: datetime | None = None

    @property
    def last_change(self) -> datetime:
        return self.updated or self.created

    def touch(self, now: datetime) -> None:
        self.updated = now

    def dates(self) -> dict[str, str]:
        return {"createdAt": timestamp(self.created), "updatedAt": timestamp(self.last_change)}


class Collection(dict[str, ItemT]):
    """Items by id, oldest first. ``parameter`` is the path parameter that the 404 names."""

    def __init__(self, parameter: str) -> None:
        super().__init__()
        self._parameter = parameter

    def add(self, item: ItemT) -> ItemT:
        self[item.id] = item
        return item

    def find(self, item_id: str) -> ItemT:
        """Return an item. Raises a refusal (404) if there is none."""
        if item_id not in self:
            raise not_found(self._parameter)
        return self[item_id]

    def remove(self, item_id: str) -> ItemT:
        """Remove an item and return it. Raises a refusal (404), also for a second deletion."""
        item = self.find(item_id)
        del self[item_id]
        return item


# Several items can have the same date, but not the same number.
by_creation: SortKey = attrgetter("number")
BY_DATES: dict[str, SortKey] = {
    "createdAt": by_creation,
    "updatedAt": attrgetter("last_change", "number"),
}


def check_choices(query: Query, choices: Mapping[str, Iterable[str]]) -> None:
    """Raise a refusal if the value of a parameter is not one of its choices."""
    for name, value in query:
        if name in choices and value not in choices[name]:
            raise invalid_query_parameter(name, f"Use one of {', '.join(choices[name])}.")


def sort_items(
    items: Iterable[AnyT], query: Query, keys: Mapping[str, SortKey], default: SortKey | None = None
) -> list[AnyT]:
    """Sort by ``sortBy`` and ``sortOrder``. Raises a refusal if a value is illegal.

    Without ``sortBy`` the key is ``default``, or the newest are first (service.md#list-order).
    """
    values = dict(query)
    by, order = values.get("sortBy"), values.get("sortOrder")
    check_choices(query, {"sortBy": keys, "sortOrder": ("asc", "desc")})
    key = default if by is None else keys[by]
    if key is None:
        # Lists without any key are descending by default, all others ascending.
        key, order = by_creation, order or "desc"
    return sorted(items, key=key, reverse=order == "desc")
