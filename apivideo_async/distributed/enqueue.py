"""The face for whoever hands items to the workers: a web backend, the command line."""

from collections.abc import AsyncGenerator, AsyncIterable, Collection, Iterable
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from attrs import field, frozen

from ..errors import SourceError
from ..ingest.items import FAILED, Item, Record, State, Totals
from ..ingest.ledger.sql import SqlLedger
from ..ingest.listing.sources import list_sources
from ..ingest.stores.stores import Stores
from .postgres import PostgresDatabase
from .queue import BATCH, Jobs, Queue

__all__ = ["Added", "Distributed", "ItemsLike", "defer_ingest", "init_database"]

ItemsLike: TypeAlias = "Item | str | Path | Iterable[Item | str | Path] | AsyncIterable[Item]"
"""An item, several of them, or where they are: what ``list_sources`` takes."""


@frozen(kw_only=True)
class Added:
    """What became of items that were handed in."""

    keys: list[str] = field(factory=list)
    """Of every item, in order: what ``Distributed.record`` is asked with."""
    new: set[str] = field(factory=set)
    """Of those that were not known; the others stay as they are."""
    refused: list[tuple[Item, SourceError]] = field(factory=list)
    """Items that the ledger cannot store, with the reasons; they are not among the keys."""


class Distributed:
    """The ledger and the queue that all workers share.

    ::

        async with Distributed("postgresql://…") as shared:
            added = await shared.defer_ingest("s3://bucket/movie.mp4")
            record = await shared.record(added.keys[0])

    - ``connections``: held at most. ``patience``: seconds for which a call waits for a database that is away.

    Every method raises ``LedgerError`` when the database cannot be used; entering the context does when ``apivideo
    distributed init`` has not been run.
    """

    def __init__(self, dsn: str, *, connections: int = 8, patience: float = 30.0) -> None:
        self.database: PostgresDatabase = PostgresDatabase(dsn, connections=connections, patience=patience)
        self.ledger: SqlLedger = SqlLedger(self.database)
        self.queue: Queue = Queue(self.database)

    async def __aenter__(self) -> Self:
        """Connect, and check the tables."""
        await self.database.open()
        try:
            await self.queue.open()
        except BaseException:
            await self.database.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self.database.aclose()

    async def defer_ingest(self, items: ItemsLike) -> Added:
        """Hand items to the workers; those that are known already are not handed in again.

        Raises ``SourceError`` when an address cannot be listed; what was listed before is handed in.
        """
        added = Added()
        async for batch in self.deferring(items):
            added.keys.extend(batch.keys)
            added.new.update(batch.new)
            added.refused.extend(batch.refused)
        return added

    async def deferring(self, items: ItemsLike) -> AsyncGenerator[Added, None]:
        """Hand in any number of items; what became of each batch, in constant memory."""
        batch: list[Item] = []
        try:
            async with Stores() as stores, aclosing(_each(items, stores)) as found:
                async for item in found:
                    batch.append(item)
                    if len(batch) == BATCH:
                        yield await self._enter(batch)
                        batch = []
        except SourceError:
            if batch:
                yield await self._enter(batch)
            raise
        if batch:
            yield await self._enter(batch)

    async def _enter(self, batch: list[Item]) -> Added:
        refused: list[tuple[Item, SourceError]] = []
        new = await self.queue.enter(batch, lambda item, error: refused.append((item, error)))
        left_out = {id(item) for item, _ in refused}
        return Added(keys=[item.key for item in batch if id(item) not in left_out], new=new, refused=refused)

    async def record(self, key: str) -> Record | None:
        """Show an item, or None when it is not known."""
        return await self.ledger.record(key)

    async def totals(self) -> Totals:
        """Count the items, by state."""
        return await self.ledger.totals()

    async def jobs(self) -> Jobs:
        """Count the jobs."""
        return await self.queue.count()

    async def retry(self, states: Collection[State] = FAILED, keys: Collection[str] = ()) -> list[str]:
        """Hand in failed items again, all or those with these keys; their keys."""
        return await self.queue.retry(states, keys)


async def defer_ingest(items: ItemsLike, *, dsn: str) -> Added:
    """Hand items to the workers through a connection of its own; see ``Distributed.defer_ingest``."""
    async with Distributed(dsn, connections=1) as shared:
        return await shared.defer_ingest(items)


async def init_database(dsn: str) -> None:
    """Make the tables of the ledger and of the queue, unless they are there. Raises ``LedgerError``."""
    database = PostgresDatabase(dsn, connections=2)
    await database.connect()
    try:
        await database.init()
        await Queue(database).init()
    finally:
        await database.aclose()


async def _each(items: ItemsLike, stores: Stores) -> AsyncGenerator[Item, None]:
    if isinstance(items, Item):
        yield items
    elif isinstance(items, str | Path):
        async with aclosing(list_sources(items, stores=stores)) as listed:
            async for item in listed:
                yield item
    elif isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for one in items:
            async with aclosing(_each(one, stores)) as found:
                async for item in found:
                    yield item
