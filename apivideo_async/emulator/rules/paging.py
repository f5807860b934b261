"""Pages of a list: their parameters, range errors and links (service.md#pagination)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from .problems import refuse_all

ItemT = TypeVar("ItemT")
_OUT_OF_RANGE = "This parameter is out of the allowed range of values."
MAX_PAGE_SIZE = 100


def paginate(
    path: str, query: Sequence[tuple[str, str]], items: Sequence[ItemT]
) -> tuple[list[ItemT], Any]:
    """Return the items of the page that the query asks for, and the ``pagination`` object.

    Raises a refusal if a page parameter is out of range.
    """
    page, size = page_parameters(query)
    # Integer division that rounds up. An empty list has one page.
    pages = max(1, -(-len(items) // size))
    chosen = list(items[(page - 1) * size : page * size])
    return chosen, {
        "currentPage": page,
        "currentPageItems": len(chosen),
        "pageSize": size,
        "pagesTotal": pages,
        "itemsTotal": len(items),
        "links": _links(path, query, page, size, pages),
    }


def page_parameters(query: Iterable[tuple[str, str]]) -> tuple[int, int]:
    """Return ``currentPage`` (from 1) and ``pageSize`` (1 to 100).

    The refusal calls ``currentPage`` ``page`` and has no type (service.md#page-limits).
    """
    values = dict(query)
    page = _integer(values.get("currentPage", "1"))
    size = _integer(values.get("pageSize", "25"))
    problems: list[dict[str, Any]] = []
    if page is None or page < 1:
        problems.append({"title": _OUT_OF_RANGE, "name": "page", "range": {"min": 1}})
    if size is None or not 1 <= size <= MAX_PAGE_SIZE:
        problems.append(
            {"title": _OUT_OF_RANGE, "name": "pageSize", "range": {"min": 1, "max": MAX_PAGE_SIZE}}
        )
    if page is None or size is None or problems:
        raise refuse_all(problems)
    return page, size


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _links(
    path: str, query: Sequence[tuple[str, str]], page: int, size: int, pages: int
) -> list[dict[str, str]]:
    kept = [pair for pair in query if pair[0] not in {"currentPage", "pageSize"}]

    def link(rel: str, number: int) -> dict[str, str]:
        pairs = [("currentPage", str(number)), ("pageSize", str(size)), *kept]
        return {"rel": rel, "uri": f"{path}?{urlencode(pairs)}"}

    links = [link("self", page), link("first", 1)]
    if page > 1:
        # A page after the last one links back to the last page.
        links.append(link("previous", min(page - 1, pages)))
    if page < pages:
        links.append(link("next", page + 1))
    return [*links, link("last", pages)]
