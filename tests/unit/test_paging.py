"""Which page comes next (service.md#page-links)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.errors import ConfigurationError
from apivideo_async.models import Page, Pagination, PaginationLink
from apivideo_async.protocol.query import check_paging, next_page


@pytest.mark.parametrize(("current_page", "page_size"), [(1, 1), (1, 25), (1, 100), (10**9, 10)])
def test_pages_from_1_and_sizes_from_1_to_100_are_accepted(
    current_page: int, page_size: int
) -> None:
    """service.md#page-limits."""
    check_paging(current_page, page_size)


@pytest.mark.parametrize(
    ("current_page", "page_size", "message"),
    [
        pytest.param(0, 25, "current_page must be at least 1, not 0", id="page 0"),
        pytest.param(-1, 25, "current_page must be at least 1, not -1", id="negative page"),
        pytest.param(1, 0, "page_size must be from 1 to 100, not 0", id="no items"),
        pytest.param(1, 101, "page_size must be from 1 to 100, not 101", id="too many items"),
    ],
)
def test_other_numbers_are_refused_before_anything_is_sent(
    current_page: int, page_size: int, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{message}$"):
        check_paging(current_page, page_size)


@pytest.mark.parametrize(
    ("number", "items", "pages_total", "page_size", "expected"),
    [
        pytest.param(1, 25, 3, 25, 2, id="first of three"),
        pytest.param(3, 25, 3, 25, None, id="last of three, full"),
        pytest.param(2, 1, 3, 25, 3, id="a short page is not the last while pagesTotal says more"),
        pytest.param(1, 0, 3, 25, None, id="an empty page ends the list"),
        pytest.param(1, 0, 0, 25, None, id="empty list, pagesTotal 0"),
        pytest.param(1, 0, 1, 25, None, id="empty list, pagesTotal 1"),
        pytest.param(5, 2, 3, 25, None, id="beyond the last"),
        pytest.param(1, 2, 0, 25, None, id="pagesTotal 0 although items came"),
        pytest.param(1, 25, None, 25, 2, id="no pagesTotal, full page"),
        pytest.param(1, 24, None, 25, None, id="no pagesTotal, short page"),
        pytest.param(1, 25, None, None, None, id="no pagesTotal, no pageSize"),
    ],
)
def test_pages_are_counted_up(
    number: int, items: int, pages_total: int | None, page_size: int | None, expected: int | None
) -> None:
    """service.md#page-numbers: ``pagesTotal`` of an empty list may be 0 or 1."""
    page = Page(list(range(items)), Pagination(pages_total=pages_total, page_size=page_size))
    assert next_page(number, page) == expected


def test_links_are_never_followed() -> None:
    """service.md#page-links: they lose filters and leave the host."""
    link = PaginationLink(rel="next", uri="https://elsewhere.example/videos?currentPage=2")
    assert next_page(1, Page([1], Pagination(pages_total=1, links=[link]))) is None


def test_the_servers_own_page_number_is_not_believed() -> None:
    """The requested number counts, so a response that always says page 1 cannot loop."""
    assert next_page(7, Page([1], Pagination(pages_total=9, current_page=1))) == 8


@given(st.integers(0, 60), st.integers(1, 25))
def test_counting_up_gives_every_item_once(count: int, size: int) -> None:
    items = list(range(count))
    seen: list[int] = []
    number: int | None = 1
    while number is not None:
        page = Page(
            items[(number - 1) * size : number * size], Pagination(pages_total=-(-count // size))
        )
        seen += page.data
        number = next_page(number, page)
    assert seen == items
