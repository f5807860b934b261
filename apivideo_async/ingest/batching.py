"""Inserts listed items into a ledger in batches, without delaying an item for long."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

from ..errors import SourceError, first_failure
from ..iteration import iterate
from ..tasks import wait_event
from .items import Item

__all__ = ["Items", "OnRefused", "insert_all", "insert_storable"]

Items: TypeAlias = AsyncIterable[Item] | Iterable[Item]
OnRefused: TypeAlias = Callable[[Item, SourceError], object]
"""Called with each item that the ledger cannot store, and the reason."""

BATCH = 500
"""Maximum number of items in one batch."""
BATCH_TIME = 0.2
"""Seconds after which an incomplete batch is inserted. The next item of a watched folder may
arrive hours later."""


async def insert_all(items: Items, insert: Callable[[list[Item]], Awaitable[int]]) -> int:
    """Pass all items to ``insert`` in batches; return the sum of its results.

    Raises the errors of the source and of ``insert``. Items that were listed before an error of the
    source are inserted.
    """
    batch = list[Item]()
    count = 0
    ended = asyncio.Event()

    async def flush() -> None:
        nonlocal batch, count
        # Replace the batch before awaiting: the other task may add items or flush meanwhile.
        items, batch = batch, []
        if items:
            new = await insert(items)
            count += new

    async def flush_regularly() -> None:
        # An event ends the timer, because a cancellation could interrupt an insertion and lose its
        # items.
        while not ended.is_set():
            await wait_event(ended, BATCH_TIME)
            await flush()

    async def finish() -> None:
        ended.set()
        await timer
        await flush()

    try:
        # A failed insertion cancels a listing that may never end (a watched folder).
        async with asyncio.TaskGroup() as group:
            timer = group.create_task(flush_regularly(), name="apivideo-ingest-inserting")
            try:
                async for item in iterate(items):
                    batch.append(item)
                    if len(batch) >= BATCH:
                        await flush()
            except Exception:
                await finish()
                raise
            await finish()
    except BaseExceptionGroup as failures:
        failure = first_failure(failures)
        raise failure from failure.__cause__
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
