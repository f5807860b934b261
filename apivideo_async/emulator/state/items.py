"""What every resource of the API has: an id, its dates and its place in the order of creation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, TypeVar

from ..rules.problems import not_found

ItemT = TypeVar("ItemT", bound="Item")


def timestamp(moment: datetime) -> str:
    """Write a moment the way the API does, `2024-05-28T11:15:07+00:00` (service.md#timestamps)."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


@dataclass(slots=True, eq=False, kw_only=True)
class Item:
    """One resource; `number` counts all resources of an emulator."""

    key: str
    created: datetime
    number: int
    updated: datetime | None = None

    @property
    def last_change(self) -> datetime:
        """When it was updated, or created."""
        return self.updated or self.created

    def touch(self, now: datetime) -> None:
        """Note that it was updated."""
        self.updated = now

    def dates(self) -> dict[str, str]:
        """Return `createdAt` and `updatedAt`."""
        return {"createdAt": timestamp(self.created), "updatedAt": timestamp(self.last_change)}


class Shelf(dict[str, ItemT]):
    """Items by their id, oldest first; an unknown id is the 404 that names the path parameter."""

    def __init__(self, parameter: str) -> None:
        super().__init__()
        self._parameter = parameter

    def add(self, item: ItemT) -> ItemT:
        """Keep a new item."""
        self[item.key] = item
        return item

    def find(self, key: str) -> ItemT:
        """Return an item, or refuse."""
        if key not in self:
            raise not_found(self._parameter)
        return self[key]

    def remove(self, key: str) -> ItemT:
        """Take an item off, or refuse; the second time it is a 404 (service.md#repeated-deletion)."""
        item = self.find(key)
        del self[key]
        return item


by_creation: Callable[[Any], Any] = attrgetter("number")
"""Order by creation."""


def by_change(item: Item) -> tuple[datetime, int]:
    """Order by the last change."""
    return item.last_change, item.number


BY_DATES: dict[str, Callable[[Any], Any]] = {"createdAt": by_creation, "updatedAt": by_change}
