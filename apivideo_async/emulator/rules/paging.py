"""Pages of a list: their parameters, range errors and links (service.md#pagination)."""

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from .problems import refuse_all

__all__ = ["paginate"]

ItemT = TypeVar("ItemT")
Query = Sequence[tuple[str, str]]
_MAX_PAGE_SIZE = 100


def paginate(path: str, query: Query, items: Sequence[ItemT]) -> tuple[list[ItemT], Any]:
    """Return the page and ``pagination``. Raises a refusal if a parameter is out of range."""
    page, size = _page_parameters(query)
    # Integer division that rounds up. An empty list has one page.
    pages = max(1, -(-len(items) // size))
    page_items = list(items[(page - 1) * size : page * size])
    return page_items, {
        "currentPage": page,
        "currentPageItems": len(page_items),
        "pageSize": size,
        "pagesTotal": pages,
        "itemsTotal": len(items),
        "links": _links(path, query, page, size, pages),
    }


def _page_parameters(query: Query) -> tuple[int, int]:
    """Return ``currentPage`` and ``pageSize``. The refusal is as in service.md#page-limits."""
    values = dict(query)
    page = _integer(values.get("currentPage", "1"))
    size = _integer(values.get("pageSize", "25"))
    problems = []
    if page < 1:
        problems.append(_out_of_range("page", {"min": 1}))
    if not 1 <= size <= _MAX_PAGE_SIZE:
        problems.append(_out_of_range("pageSize", {"min": 1, "max": _MAX_PAGE_SIZE}))
    if problems:
        raise refuse_all(problems)
    return page, size


def _out_of_range(name: str, limits: dict[str, int]) -> dict[str, Any]:
    title = "This parameter is out of the allowed range of values."
    return {"title": title, "name": name, "range": limits}


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        # Zero is out of range for both parameters.
        return 0


def _links(path: str, query: Query, page: int, size: int, pages: int) -> list[dict[str, str]]:
    other = [pair for pair in query if pair[0] not in {"currentPage", "pageSize"}]

    def link(rel: str, number: int) -> dict[str, str]:
        pairs = [("currentPage", str(number)), ("pageSize", str(size)), *other]
        return {"rel": rel, "uri": f"{path}?{urlencode(pairs)}"}

    links = [link("self", page), link("first", 1)]
    if page > 1:
        # A page after the last one links back to the last page.
        links.append(link("previous", min(page - 1, pages)))
    if page < pages:
        links.append(link("next", page + 1))
    return [*links, link("last", pages)]
