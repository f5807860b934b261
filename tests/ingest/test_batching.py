"""Batches of listed items: every item is inserted once, whenever the listing ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from apivideo_async.errors import LedgerError, SourceError
from apivideo_async.ingest import batching
from apivideo_async.ingest.batching import BATCH, insert_all
from apivideo_async.ingest.items import Item


def item(number: int) -> Item:
    return Item(uri=f"file:///{number}.mp4", key=f"{number}", size=1)


class Inserts:
    """Inserts items like a ledger whose statement can be cancelled before it is committed."""

    def __init__(self) -> None:
        self.inserted: list[str] = []
        self.began = asyncio.Event()
        self.allowed = asyncio.Event()

    async def __call__(self, items: list[Item]) -> int:
        self.began.set()
        await self.allowed.wait()
        self.inserted += [item.key for item in items]
        return len(items)


@pytest.mark.parametrize("more", [0, 2])
async def test_a_listing_that_ends_during_an_insertion_loses_nothing(more: int) -> None:
    """The insertion was started by the timer, because the listing paused."""
    inserts = Inserts()

    async def listing() -> AsyncIterator[Item]:
        yield item(1)
        await inserts.began.wait()
        for number in range(more):
            yield item(number + 2)
        asyncio.get_running_loop().call_later(0.05, inserts.allowed.set)

    assert await insert_all(listing(), inserts) == 1 + more
    assert inserts.inserted == [str(number + 1) for number in range(1 + more)]


async def test_a_listing_that_fails_during_an_insertion_keeps_what_was_listed() -> None:
    inserts = Inserts()

    async def listing() -> AsyncIterator[Item]:
        yield item(1)
        await inserts.began.wait()
        asyncio.get_running_loop().call_later(0.05, inserts.allowed.set)
        raise SourceError("the bucket is gone")

    with pytest.raises(SourceError, match="the bucket is gone"):
        await insert_all(listing(), inserts)
    assert inserts.inserted == ["1"]


async def test_an_insertion_that_fails_ends_a_listing_that_never_ends() -> None:
    """A watched folder may wait for hours; the user must learn at once that the ledger failed."""

    async def listing() -> AsyncIterator[Item]:
        yield item(1)
        await asyncio.Event().wait()

    async def failing(_: list[Item]) -> int:
        raise LedgerError("the disk is full")

    with pytest.raises(LedgerError, match="the disk is full"):
        await insert_all(listing(), failing)


async def test_a_cancelled_listing_ends_and_keeps_what_was_listed() -> None:
    inserts = Inserts()
    inserts.allowed.set()
    listed = asyncio.Event()

    async def listing() -> AsyncIterator[Item]:
        yield item(1)
        listed.set()
        await asyncio.Event().wait()

    inserting = asyncio.create_task(insert_all(listing(), inserts))
    await listed.wait()
    inserting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await inserting
    assert inserts.inserted in ([], ["1"])


async def test_full_batches_are_inserted_at_once() -> None:
    sizes: list[int] = []

    async def insert(items: list[Item]) -> int:
        sizes.append(len(items))
        return 0

    assert await insert_all((item(number) for number in range(2 * BATCH + 1)), insert) == 0
    assert sizes == [BATCH, BATCH, 1]


async def test_an_error_keeps_its_cause() -> None:
    async def listing() -> AsyncIterator[Item]:
        yield item(1)
        raise SourceError("unreadable") from OSError("disk")

    async def insert(items: list[Item]) -> int:
        return len(items)

    with pytest.raises(SourceError) as caught:
        await insert_all(listing(), insert)
    assert isinstance(caught.value.__cause__, OSError)


async def test_the_count_of_new_items_includes_those_that_the_timer_inserted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two insertions of one listing may be in progress at the same time."""
    monkeypatch.setattr(batching, "BATCH", 2)
    monkeypatch.setattr(batching, "BATCH_TIME", 0.01)

    async def listed() -> AsyncIterator[Item]:
        for number in range(7):
            yield Item(key=str(number), uri=f"/{number}")
            await asyncio.sleep(0.008)

    async def insert(items: list[Item]) -> int:
        await asyncio.sleep(0.02)
        return len(items)

    assert await batching.insert_all(listed(), insert) == 7
