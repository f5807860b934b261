"""Lists as async iterators. The next page is fetched while the current one is used."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing
from typing import Generic, TypeVar

from .config import check_type
from .errors import ConfigurationError
from .models import Page
from .protocol.query import check_paging, next_page

__all__ = ["Paginator"]

T = TypeVar("T")


class Paginator(Generic[T]):
    """The result of a list operation. It sends its first request when it is awaited or iterated.

    - ``async for item in p`` yields every item, from the first requested page to the last.
    - ``async for page in p.pages()`` yields the pages.
    - ``await p`` returns one page.

    Each of these sends new requests. The service numbers its pages, so items that are created or
    deleted during the iteration shift the pages. An item may then appear twice or not at all, and
    no error is raised (service.md#changing-lists).

    ``prefetch`` is 1 to request the next page while the current one is used, or 0 to request it
    when it is needed. Raises ``ConfigurationError`` for another value or a page that cannot exist.
    """

    def __init__(
        self,
        fetch: Callable[[int], Awaitable[Page[T]]],
        *,
        current_page: int = 1,
        page_size: int = 25,
        prefetch: int = 1,
    ) -> None:
        check_paging(current_page, page_size)
        if prefetch not in (0, 1):
            text = f"prefetch must be 1 (request the next page in advance) or 0, not {prefetch!r}"
            raise ConfigurationError(text, option="prefetch")
        self._fetch = fetch
        self._start = current_page
        self._prefetch = bool(prefetch)

    def __await__(self) -> Generator[object, None, Page[T]]:
        return self._fetch(self._start).__await__()

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        # Without ``aclosing``, a prefetch would continue after the caller has left the loop, until
        # the garbage collector closes the generator.
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page:
                    yield item

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Iterate over the pages, from the first requested one."""
        number = self._start
        page = await self._fetch(number)
        while (next_number := next_page(number, page)) is not None:
            number = next_number
            if not self._prefetch:
                yield page
                page = await self._fetch(number)
                continue
            # The request runs while the caller uses ``page``.
            prefetch = asyncio.ensure_future(self._fetch(number))
            try:
                yield page
                page = await prefetch
            finally:
                # If the caller has left the iteration, end the request and wait for its end.
                prefetch.cancel()
                await asyncio.gather(prefetch, return_exceptions=True)
        yield page

    async def first(self) -> T | None:
        """Return the first item of the first requested page, or None if the page is empty."""
        page = await self._fetch(self._start)
        return page.data[0] if page.data else None

    async def to_list(self, limit: int | None = None) -> list[T]:
        """Return the items as a list, at most ``limit`` of them.

        Raises ``ConfigurationError`` if ``limit`` is neither None nor a whole number.
        """
        check_type("limit", limit, int)
        items: list[T] = []
        if limit is not None and limit <= 0:
            return items
        async with aclosing(aiter(self)) as source:
            async for item in source:
                items.append(item)
                if limit is not None and len(items) >= limit:
                    break
        return items
