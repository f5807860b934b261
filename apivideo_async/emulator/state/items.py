"""The common part of all resources: id, dates, and position in the order of creation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, TypeVar

from ..rules.problems import not_found

ItemT = TypeVar("ItemT", bound="Item")


def timestamp(moment: datetime) -> str:
    """Format a moment like the API does, ``2024-05-28T11:15:07+00:00`` (service.md#timestamps)."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


@dataclass(slots=True, eq=False, kw_only=True)
class Item:
    """One resource. ``number`` counts all resources of an emulator, in the order of creation."""

    key: str
    created: datetime
    number: int
    updated: datetime | None = None

    @property
    def last_change(self) -> datetime:
        """The moment of the last update, or of the creation."""
        return self.updated or self.created

    def touch(self, now: datetime) -> None:
        """Record an update."""
        self.updated = now

    def dates(self) -> dict[str, str]:
        """Return ``createdAt`` and ``updatedAt``."""
        return {"createdAt": timestamp(self.created), "updatedAt": timestamp(self.last_change)}


class Collection(dict[str, ItemT]):
    """Items by id, oldest first.

    ``parameter`` is the path parameter that the 404 of an unknown id names.
    """

    def __init__(self, parameter: str) -> None:
        super().__init__()
        self._parameter = parameter

    def add(self, item: ItemT) -> ItemT:
        """Add a new item and return it."""
        self[item.key] = item
        return item

    def find(self, key: str) -> ItemT:
        """Return an item. Raises a refusal (404) if there is none."""
        if key not in self:
            raise not_found(self._parameter)
        return self[key]

    def remove(self, key: str) -> ItemT:
        """Remove an item and return it. Raises a refusal (404) if there is none.

        A second deletion is therefore answered with 404 (service.md#repeated-deletion).
        """
        item = self.find(key)
        del self[key]
        return item


by_creation: Callable[[Any], Any] = attrgetter("number")
"""Sort key: order of creation. Several items can have the same ``created``, but not ``number``."""


def by_change(item: Item) -> tuple[datetime, int]:
    """Return the sort key for the order of the last change."""
    return item.last_change, item.number


BY_DATES: dict[str, Callable[[Any], Any]] = {"createdAt": by_creation, "updatedAt": by_change}
