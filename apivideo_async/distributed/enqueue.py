"""The interface for programs that submit items: a web backend, the command line."""

from collections.abc import AsyncGenerator, AsyncIterable, Collection, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Self, TypeAlias

from attrs import field, frozen

from ..errors import SourceError
from ..ingest.items import FAILED, Item, Record, State, Totals
from ..ingest.ledger.ledger import Ledger
from ..ingest.listing.sources import list_sources
from ..ingest.stores.stores import Stores
from ..iteration import iterate
from ..observing import observed, observing, trace_id_of
from .postgres import PostgresDatabase
from .queue import BATCH, Jobs, Queue

__all__ = ["Added", "Distributed", "ItemsLike", "defer_ingest", "init_database", "migrate_database"]

ItemsLike: TypeAlias = "Item | str | Path | Iterable[Item | str | Path] | AsyncIterable[Item]"
"""An item, several items, or addresses as for ``list_sources``."""


@frozen(kw_only=True)
class Added:
    """The result of submitting items."""

    keys: list[str] = field(factory=list)
    """The keys of all items, in order, for ``Distributed.record``."""
    new: set[str] = field(factory=set)
    """The keys of items that were new. The other items are unchanged."""
    refused: list[tuple[Item, SourceError]] = field(factory=list)
    """Items that the ledger cannot store, and the reasons. Their keys are not in ``keys``."""


class Distributed:
    """The ledger and the queue that all workers share.

    ::

        async with Distributed("postgresql://…") as shared:
            added = await shared.defer_ingest("s3://bucket/movie.mp4")
            record = await shared.record(added.keys[0])

    - ``connections``: maximum number of database connections.
    - ``outage_timeout``: seconds for which a call retries while the database is unavailable.

    Every method raises ``LedgerError`` when the database cannot be used. Entering the context
    raises it if ``apivideo distributed init`` was not run.
    """

    def __init__(self, dsn: str, *, connections: int = 8, outage_timeout: float = 30.0) -> None:
        self.database: PostgresDatabase = PostgresDatabase(
            dsn, connections=connections, outage_timeout=outage_timeout
        )
        self.ledger: Ledger = Ledger(self.database)
        self.queue: Queue = Queue(self.database)

    async def __aenter__(self) -> Self:
        await self.database.open()
        try:
            await self.queue.open()
        except BaseException:
            await self.database.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.database.aclose()

    async def defer_ingest(self, items: ItemsLike) -> Added:
        """Submit items to the workers. Items that the ledger has already are left unchanged.

        Raises ``SourceError`` when an address cannot be listed, after submitting the items that
        were listed before.
        """
        added = Added()
        async for batch in self.deferring(items):
            added.keys.extend(batch.keys)
            added.new.update(batch.new)
            added.refused.extend(batch.refused)
        return added

    async def deferring(self, items: ItemsLike) -> AsyncGenerator[Added, None]:
        """Submit items like ``defer_ingest``, in constant memory; yield a result for each batch."""
        batch: list[Item] = []
        error: SourceError | None = None
        try:
            async with Stores() as stores, aclosing(_items_of(items, stores)) as found:
                async for item in found:
                    batch.append(item)
                    if len(batch) == BATCH:
                        yield await self._insert(batch)
                        batch = []
        except SourceError as failure:
            error = failure
        if batch:
            yield await self._insert(batch)
        if error is not None:
            raise error

    async def _insert(self, batch: list[Item]) -> Added:
        refused: list[tuple[Item, SourceError]] = []
        new = await self.queue.insert(batch, lambda item, error: refused.append((item, error)))
        if observing() and new:
            mark = await self.ledger.mark()
            for item in batch:
                if item.key in new:
                    trace_id = trace_id_of(mark, item.key)
                    with observed("enqueue", trace_id=trace_id, key=item.key, source=item.shown):
                        pass  # The items of a batch are enqueued together, before this.
        # Compare by identity: a batch may contain several items with the same key.
        left_out = {id(item) for item, _ in refused}
        return Added(
            keys=[item.key for item in batch if id(item) not in left_out], new=new, refused=refused
        )

    async def record(self, key: str) -> Record | None:
        """Return an item, or None when the key is not known."""
        return await self.ledger.record(key)

    async def totals(self) -> Totals:
        """Count the items and bytes, by state."""
        return await self.ledger.totals()

    async def jobs(self) -> Jobs:
        """Count the jobs of the queue."""
        return await self.queue.count()

    async def retry(
        self, states: Collection[State] = FAILED, keys: Collection[str] = ()
    ) -> list[str]:
        """Submit finished items again; return their keys. See ``Ledger.retry``."""
        return await self.queue.retry(states, keys)


async def defer_ingest(items: ItemsLike, *, dsn: str) -> Added:
    """Submit items over a new connection; see ``Distributed.defer_ingest``."""
    async with Distributed(dsn, connections=1) as shared:
        return await shared.defer_ingest(items)


async def init_database(dsn: str) -> None:
    """Create the missing tables of the ledger and the queue. Raises ``LedgerError``."""
    database = PostgresDatabase(dsn, connections=2)
    await database.connect()
    try:
        await database.init()
        await Queue(database).init()
    finally:
        await database.aclose()


async def migrate_database(dsn: str) -> str:
    """Change the ledger's tables to the present layout; return the former one.

    Raises ``LedgerError``, also if the database has no ledger or one of a newer version.
    """
    database = PostgresDatabase(dsn, connections=2)
    await database.connect()
    try:
        return await database.migrate()
    finally:
        await database.aclose()


async def _items_of(items: ItemsLike, stores: Stores) -> AsyncGenerator[Item, None]:
    if isinstance(items, Item):
        yield items
    elif isinstance(items, str | Path):
        async with aclosing(list_sources(items, stores=stores)) as listed:
            async for item in listed:
                yield item
    else:
        async for one in iterate(items):
            async with aclosing(_items_of(one, stores)) as found:
                async for item in found:
                    yield item
