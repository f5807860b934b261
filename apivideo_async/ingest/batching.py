"""Inserts listed items into a ledger in batches, without delaying an item for long."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeAlias

from ..errors import SourceError, first_failure
from .items import Item

__all__ = ["Items", "Refused", "each_item", "enter_all", "enter_storable"]

Items: TypeAlias = AsyncIterable[Item] | Iterable[Item]
"""Items from a synchronous or an asynchronous source."""
Enter: TypeAlias = Callable[[list[Item]], Awaitable[int]]
"""Inserts items and returns how many were new."""
Refused: TypeAlias = Callable[[Item, SourceError], object]
"""Called with each item that the ledger cannot store, and the reason."""

LISTED = 500
"""Maximum number of items in one batch."""
LISTED_AFTER = 0.2
"""Seconds after which an incomplete batch is inserted. The next item of a watched folder may
arrive hours later."""


async def enter_all(items: Items, enter: Enter) -> int:
    """Pass all items to ``enter`` in batches; return the sum of its results.

    Raises the errors of the source and of ``enter``. Items that were listed before an error of the
    source are inserted.
    """
    batch, count = list[Item](), 0
    ended = asyncio.Event()

    async def flush() -> None:
        nonlocal count
        # Empty the batch before awaiting: the other task may add items or flush meanwhile.
        together = batch.copy()
        batch.clear()
        if together:
            count += await enter(together)

    async def tick() -> None:
        # The timer ends by the event and not by a cancellation, which could interrupt an insertion
        # and lose its items.
        while not ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LISTED_AFTER):
                    await ended.wait()
            await flush()

    async def finish() -> None:
        ended.set()
        await ticking
        await flush()

    try:
        # A failed insertion cancels a listing that may never end (a watched folder).
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(tick(), name="apivideo-ingest-entering")
            try:
                async for item in each_item(items):
                    batch.append(item)
                    if len(batch) >= LISTED:
                        await flush()
            except Exception:
                await finish()
                raise
            await finish()
    except BaseExceptionGroup as failures:
        failure = first_failure(failures)
        raise failure from failure.__cause__
    return count


async def enter_storable(
    items: Sequence[Item], enter: Callable[[Sequence[Item]], Awaitable[set[str]]], refused: Refused
) -> set[str]:
    """Insert items with ``enter`` and return the keys that it returned.

    ``enter`` inserts all items or raises ``SourceError``. If a value of one item cannot be stored,
    the items are inserted in halves, recursively, so that all others are inserted. ``refused`` is
    called with each item that cannot be stored.
    """
    try:
        return await enter(items)
    except SourceError as error:
        if len(items) == 1:
            refused(items[0], error)
            return set()
    middle = len(items) // 2
    first = await enter_storable(items[:middle], enter, refused)
    return first | await enter_storable(items[middle:], enter, refused)


async def each_item(items: Items) -> AsyncIterator[Item]:
    """Iterate over items from a synchronous or an asynchronous source."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
