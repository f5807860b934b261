"""One page of a list, and its position in the list (service.md#page-numbers)."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, Self, TypeVar

from attrs import field, frozen

from ._convert import drain_json, from_json
from ._model import Model
from .analytics import MetricsContext

__all__ = ["Page", "Pagination", "PaginationLink"]

T = TypeVar("T")


@frozen(kw_only=True)
class PaginationLink(Model):
    """A link that the server provides in a list.

    The package does not follow links, because they may lack filters or name another host. See
    service.md#page-links.
    """

    rel: str | None = None
    """``self``, ``first``, ``last``, ``next`` or ``previous``."""
    uri: str | None = None
    """Absolute or relative URL."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Pagination(Model):
    """The position of a page. ``items_total`` may be wrong while the list changes."""

    items_total: int | None = None
    pages_total: int | None = None
    """Number of pages; 0 or 1 if there are no items."""
    page_size: int | None = None
    current_page: int | None = None
    """Number of this page, from 1."""
    current_page_items: int | None = None
    links: list[PaginationLink] = field(factory=list)
    extra: Mapping[str, Any] = field(factory=dict)


@frozen
class Page(Model, Generic[T]):
    """One response of a list operation. Iterating over it yields its items."""

    data: list[T]
    pagination: Pagination
    context: MetricsContext | None = None
    """The query of the metric; only in responses of ``analytics``."""
    extra: Mapping[str, Any] = field(factory=dict)
    """Other members, which this version does not know."""

    @classmethod
    def _read(cls, value: Mapping[str, Any], kind: Any = None, *_: Any) -> Self:
        data = value.get("data")
        # The list is copied, because ``page_from`` empties it.
        copied = {**value, "data": [*data] if isinstance(data, list) else None}
        page = page_from(
            copied, kind if isinstance(kind, type) and issubclass(kind, Model) else None
        )
        if not isinstance(page, cls):
            raise ValueError("a Page has a list of objects as its data")  # noqa: TRY004
        return page

    def __iter__(self) -> Iterator[T]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


_PARTS: Mapping[str, type[Any]] = {"pagination": Pagination, "context": MetricsContext}


def page_from(value: Any, kind: type[T] | None) -> Page[T] | None:
    """Convert parsed JSON to a page of ``kind``. Returns None if it is not a page.

    The list of ``value`` is emptied. ``kind`` None keeps the items as they are.
    """
    data = value.get("data") if isinstance(value, Mapping) else None
    # The page of a proxy, or JSON of another operation, must not look like an empty list.
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        return None
    extra = {name: item for name, item in value.items() if name != "data" and item is not None}
    parts: dict[str, Any] = {}
    for name, part in _PARTS.items():
        if isinstance(extra.get(name), Mapping):
            parts[name] = from_json(extra.pop(name), part)
    parts.setdefault("pagination", Pagination())
    # ``data`` is emptied while it is converted, so that the page is not in memory twice.
    items: Any = drain_json(data, kind) if kind else data
    return Page(items, **parts, extra=extra)
