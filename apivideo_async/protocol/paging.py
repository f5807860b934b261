"""Page numbers of lists (service.md#page-links).

The package does not follow the links of a page, because a link may lack the page size and the
filters, or name another host. It increments the page number and sends the original parameters.
"""

from typing import Any

from ..errors import ConfigurationError
from ..models import Page

__all__ = ["check_paging", "next_page"]

LARGEST_PAGE = 100


def check_paging(current_page: int, page_size: int) -> None:
    """Raise ``ConfigurationError`` for a page number or page size that the service refuses."""
    if type(current_page) is not int or current_page < 1:
        raise ConfigurationError(f"current_page counts from 1, not {current_page!r}")
    if type(page_size) is not int or not 1 <= page_size <= LARGEST_PAGE:
        raise ConfigurationError(f"page_size is 1 to {LARGEST_PAGE}, not {page_size!r}")


def next_page(asked: int, page: Page[Any]) -> int | None:
    """Return the number of the page after ``asked``, or None if ``asked`` was the last page.

    An empty page always ends the list, because deleted items shift the pages, and ``pagesTotal`` of
    an empty list may be 0 or 1. If ``pagesTotal`` is missing, a full page may have a successor.
    """
    if not page.data:
        return None
    total = page.pagination.pages_total
    if total is None:
        # ``page_size`` of the response, because the service may use another one than requested.
        size = page.pagination.page_size
        return asked + 1 if size is not None and len(page.data) >= size else None
    return asked + 1 if asked < total else None
