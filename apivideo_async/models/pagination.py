"""One page of a list, and where it stands (service.md#page-numbers)."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from .analytics import MetricsContext

__all__ = ["Page", "Pagination", "PaginationLink"]

T = TypeVar("T")


@frozen(kw_only=True)
class PaginationLink:
    """An address that the server offers. Never followed: it may lose filters or leave the host.

    See service.md#page-links.
    """

    rel: str | None = None
    """``self``, ``first``, ``last``, ``next`` or ``previous``."""
    uri: str | None = None
    """Absolute or not, as the service likes."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Pagination:
    """The position of a page. ``items_total`` may be wrong while the list changes."""

    items_total: int | None = None
    """Items of all pages."""
    pages_total: int | None = None
    """Pages; 0 or 1 when there are no items."""
    page_size: int | None = None
    """Items that a full page has."""
    current_page: int | None = None
    """Number of this page, from 1."""
    current_page_items: int | None = None
    """Items of this page."""
    links: list[PaginationLink] = field(factory=list)
    """Addresses of other pages; not needed."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen
class Page(Generic[T]):
    """One answer of a list operation; iterating it gives its items."""

    data: list[T]
    """The items."""
    pagination: Pagination
    """Where the page stands."""
    context: MetricsContext | None = None
    """What was counted; only in answers of ``analytics``."""
    extra: Mapping[str, Any] = field(factory=dict)
    """Members beside these that this version does not know."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)
