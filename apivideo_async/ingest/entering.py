"""Enters what a source lists: some hundred items at a time, and none waits long for the next one."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeAlias

from ..errors import LedgerError
from .items import Item

__all__ = ["Items", "each_item", "enter_all"]

Items: TypeAlias = AsyncIterable[Item] | Iterable[Item]
Enter: TypeAlias = Callable[[list[Item]], Awaitable[int]]

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


async def each_item(items: Items) -> AsyncIterator[Item]:
    """Go through items, however they come."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
