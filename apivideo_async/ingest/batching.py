"""Enters what a source lists: some hundred items at a time, and none waits long for the next one."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

from ..errors import LedgerError, SourceError
from .items import Item

__all__ = ["Items", "Refused", "each_item", "enter_all", "enter_storable"]

Items: TypeAlias = AsyncIterable[Item] | Iterable[Item]
Enter: TypeAlias = Callable[[list[Item]], Awaitable[int]]
Refused: TypeAlias = Callable[[Item, SourceError], object]
"""Called with each item that the ledger cannot store, and the reason."""

LISTED = 500
"""Items entered at once."""
LISTED_AFTER = 0.2
"""Seconds after which fewer are entered: a watched folder may bring nothing more for hours."""


async def enter_all(items: Items, enter: Enter) -> int:
    """Hand all items to ``enter``, and add up what it returns. Raises what the source and ``enter`` raise."""
    batch, count = list[Item](), 0

    async def flush() -> None:
        nonlocal count
        together = batch.copy()
        batch.clear()
        if together:
            count += await enter(together)

    async def tick() -> None:
        while True:
            await asyncio.sleep(LISTED_AFTER)
            await flush()

    ticking = asyncio.create_task(tick(), name="apivideo-ingest-entering")
    try:
        async for item in each_item(items):
            batch.append(item)
            if len(batch) >= LISTED:
                await flush()
    finally:
        ticking.cancel()
        [ended] = await asyncio.gather(ticking, return_exceptions=True)
    await flush()
    if isinstance(ended, LedgerError):
        raise ended
    return count


async def enter_storable(
    items: Sequence[Item], enter: Callable[[Sequence[Item]], Awaitable[set[str]]], refused: Refused
) -> set[str]:
    """Enter items with ``enter``, which stores all of them or raises ``SourceError``; the keys that it returned.

    If a value of one item cannot be stored, the items are entered in halves, so that the others are entered.
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
    """Go through items, however they come."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
