"""Inserts listed items into a ledger in batches, without delaying an item for long."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

from ..errors import LedgerError, SourceError
from ..iteration import iterate
from .items import Item

__all__ = ["Items", "OnRefused", "insert_all", "insert_storable"]

Items: TypeAlias = AsyncIterable[Item] | Iterable[Item]
"""Items from a synchronous or an asynchronous source."""
OnRefused: TypeAlias = Callable[[Item, SourceError], object]
"""Called with each item that the ledger cannot store, and the reason."""

BATCH = 500
"""Maximum number of items in one batch."""
BATCH_TIME = 0.2
"""Seconds after which an incomplete batch is inserted. The next item of a watched folder may
arrive hours later."""


async def insert_all(items: Items, insert: Callable[[list[Item]], Awaitable[int]]) -> int:
    """Pass all items to ``insert`` in batches; return the sum of its results.

    Raises the errors of the source and of ``insert``.
    """
    batch = list[Item]()
    count = 0

    async def flush() -> None:
        nonlocal count
        # Empty the batch before awaiting: the other task may add items or flush meanwhile.
        together = batch.copy()
        batch.clear()
        if together:
            new = await insert(together)
            count += new

    async def flush_regularly() -> None:
        while True:
            await asyncio.sleep(BATCH_TIME)
            await flush()

    timer = asyncio.create_task(flush_regularly(), name="apivideo-ingest-inserting")
    try:
        async for item in iterate(items):
            batch.append(item)
            if len(batch) >= BATCH:
                await flush()
    finally:
        # ``gather`` waits until the timer has ended, so no item is inserted twice or lost.
        timer.cancel()
        [ended] = await asyncio.gather(timer, return_exceptions=True)
    await flush()
    # An error of the timer's own insertion; cancellation is the normal end.
    if isinstance(ended, LedgerError):
        raise ended
    return count


async def insert_storable(
    items: Sequence[Item],
    insert: Callable[[Sequence[Item]], Awaitable[set[str]]],
    refused: OnRefused,
) -> set[str]:
    """Insert items with ``insert`` and return the keys that it returned.

    ``insert`` inserts all items or raises ``SourceError``. If a value of one item cannot be stored,
    the items are inserted in halves, recursively, so that all others are inserted. ``refused`` is
    called with each item that cannot be stored.
    """
    try:
        return await insert(items)
    except SourceError as error:
        if len(items) == 1:
            refused(items[0], error)
            return set()
    middle = len(items) // 2
    first = await insert_storable(items[:middle], insert, refused)
    return first | await insert_storable(items[middle:], insert, refused)
