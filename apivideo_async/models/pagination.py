"""One page of a list, and its position in the list (service.md#page-numbers)."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from .analytics import MetricsContext

__all__ = ["Page", "Pagination", "PaginationLink"]

T = TypeVar("T")


@frozen(kw_only=True)
class PaginationLink:
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
class Pagination:
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
class Page(Generic[T]):
    """One response of a list operation. Iterating over it yields its items."""

    data: list[T]
    pagination: Pagination
    context: MetricsContext | None = None
    """The query of the metric; only in responses of ``analytics``."""
    extra: Mapping[str, Any] = field(factory=dict)
    """Other members, which this version does not know."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)
