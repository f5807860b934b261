"""Wakes the workers of an ingestion with jobs of Procrastinate.

Theory of operation. The ledger is the queue of the items: workers claim the items that are due from
it, and it alone decides whether there is work to do. A job says only that there may be open items.
It makes one worker process items until none is open (see ``worker``). At most one job waits, by its
queueing lock, so the number of jobs does not depend on the number of items.

- A program that inserts or retries items defers a job afterwards.
- A worker whose job finds an item defers the job that wakes the next worker.
- A periodic task defers a job every minute. It replaces a job that was lost, and wakes new workers.

An additional job does no harm: it finds no open item, or helps to process them.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Final

from attrs import frozen
from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager
from psycopg.sql import Literal

from ..errors import LedgerError
from ..ingest.batching import OnRefused
from ..ingest.items import FAILED, Item, State
from ..ingest.ledger.ledger import Ledger
from .engine import QUEUE, QUEUES, WAKE, make_app
from .postgres import QUERIES, PostgresDatabase

__all__ = ["BATCH", "Jobs", "Queue"]

BATCH: Final = 2_000
"""Items inserted or retried in one statement."""
HEARTBEAT_TIMEOUT: Final = 30.0
"""Seconds without a heartbeat after which Procrastinate considers a worker dead."""


@frozen(kw_only=True)
class Jobs:
    """Number of jobs in the queue. A job makes one worker process items until none is open."""

    waiting: int
    running: int


class Queue:
    """The jobs of an ingestion."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._ledger = Ledger(database)
        self._analyzed = 0
        """Rows that this process had added when it last updated the statistics."""
        self._added = 0
        """Rows added since then."""
        self.app: App = make_app(database)

    async def init(self) -> None:
        """Create Procrastinate's tables, and check them. Existing tables are kept."""
        schema = Literal(SchemaManager.get_schema()).as_string(None)
        await self._database.create(QUERIES["create_procrastinate"].format(schema=schema))
        await self.open()

    async def open(self) -> None:
        """Open Procrastinate's application. Raises ``LedgerError`` for missing tables."""
        await self.app.open_async(self._database.pool)
        if not await self.app.check_connection_async():
            raise LedgerError(
                "the database has no queue yet: run `apivideo distributed init` first"
            )

    async def insert(self, items: Sequence[Item], refused: OnRefused) -> set[str]:
        """Insert items and wake a worker; see ``Ledger.prepare`` and ``Ledger.add``."""
        new = await self._ledger.add(await self._ledger.prepare(items), refused)
        if new:
            await self._analyze(len(new))
            await self.wake()
        return new

    async def retry(
        self, states: Collection[State] = FAILED, keys: Collection[str] = ()
    ) -> list[str]:
        """Make finished items due again, and wake a worker; return their keys."""
        chosen = list(keys) or [record.item.key async for record in self._ledger.records(states)]
        retried: list[str] = []
        # Each batch is one transaction, so that it holds its locks for a short time.
        for start in range(0, len(chosen), BATCH):
            retried += await self._ledger.retry(states, chosen[start : start + BATCH])
        if retried:
            await self.wake()
        return retried

    async def wake(self) -> None:
        """Defer a job unless one waits."""
        job = self.app.configure_task(WAKE, queue=QUEUE, queueing_lock=WAKE, priority=1)
        with suppress(AlreadyEnqueued):
            await job.defer_async(timestamp=0)

    async def end_stalled(self, seconds: float = HEARTBEAT_TIMEOUT) -> None:
        """Delete the jobs of workers without a heartbeat for ``seconds``."""
        manager = self.app.job_manager
        for queue in QUEUES:
            for job in await manager.get_stalled_jobs(queue=queue, seconds_since_heartbeat=seconds):
                await manager.finish_job(job, Status.ABORTED, delete_job=True)

    async def _analyze(self, added: int) -> None:
        """Update PostgreSQL's statistics when the number of rows has doubled.

        With old statistics, PostgreSQL sorts all items for each claim. Its autovacuum updates them
        as well, but only after a minute.
        """
        self._added += added
        if self._added >= max(BATCH, self._analyzed):
            self._analyzed += self._added
            self._added = 0
            await self._database.run(QUERIES["analyze_items"], {})

    async def live_workers(self) -> int:
        """Count the workers of Procrastinate in this database whose heartbeat is recent."""
        values = {"stalled": HEARTBEAT_TIMEOUT}
        [(count,)] = await self._database.run(QUERIES["count_workers"], values)
        return int(count)

    async def count(self) -> Jobs:
        """Count the jobs of the queue."""
        counts = list(await self.app.job_manager.list_queues_async(queue=QUEUE))
        return Jobs(
            waiting=sum(one["todo"] for one in counts), running=sum(one["doing"] for one in counts)
        )
