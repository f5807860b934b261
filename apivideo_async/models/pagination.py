"""One page of a list, and where it stands (CONTRACT §9)."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from attrs import field, frozen

__all__ = ["Page", "Pagination", "PaginationLink"]

T = TypeVar("T")


@frozen(kw_only=True)
class PaginationLink:
    """An address that the server offers. Never followed: it may lose filters or leave the host (CONTRACT §9)."""

    rel: str | None = None
    uri: str | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Pagination:
    """The position of a page. ``items_total`` may be wrong while the list changes."""

    items_total: int | None = None
    pages_total: int | None = None
    page_size: int | None = None
    current_page: int | None = None
    current_page_items: int | None = None
    links: list[PaginationLink] = field(factory=list)
    extra: Mapping[str, Any] = field(factory=dict)


@frozen
class Page(Generic[T]):
    """One answer of a list operation; iterating it gives its items."""

    data: list[T]
    pagination: Pagination

    def __iter__(self) -> Iterator[T]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)
