"""The queue of jobs, on top of the ledger.

Theory of operation. A job only makes a worker look at an item; the ledger alone decides whether
there is work to do. Ledger and queue are in one database, and three rules connect them:

- An item and its job are inserted in one transaction.
- A worker that postpones an item defers a job for the time at which the item is due.
- A job can be lost together with its worker. The *sweep* finds open items that are due and have no
  job that can start, and defers jobs for them.

An additional job does no harm, because its item is leased or finished when the job runs.

Every change is one statement, or several in one message, so a worker that stops at any moment holds
no lock (see ``postgres``).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from attrs import frozen
from procrastinate import App
from procrastinate.schema import SchemaManager
from psycopg.sql import Literal

from ..errors import LedgerError
from ..ingest.batching import OnRefused
from ..ingest.items import FAILED, Item, State
from ..ingest.ledger.database import Queries
from ..ingest.ledger.ledger import Ledger
from .engine import QUEUE, TASK, make_app
from .postgres import QUERIES, PostgresDatabase

__all__ = ["BATCH", "Jobs", "Queue"]

BATCH: Final = 2_000
"""Items inserted or retried in one statement, and jobs in one call of Procrastinate's function."""
MAX_JOBS: Final = 20_000
"""Maximum number of jobs that a sweep defers in one statement."""
HEARTBEAT_TIMEOUT: Final = 30.0
"""Seconds without a heartbeat after which Procrastinate considers a worker dead."""


@frozen(kw_only=True)
class Jobs:
    """Number of jobs in the queue."""

    waiting: int
    """Jobs that can start now."""
    scheduled: int
    """Jobs whose start time is in the future."""
    running: int


class Queue:
    """The jobs of an ingestion."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._ledger = Ledger(database)
        self._ledger_with_jobs = Ledger(_WithJobs(database))
        """A ledger whose insertions and retries also defer jobs."""
        self._analyzed = 0
        """Rows that this process had added when it last updated the statistics."""
        self._added = 0
        """Rows added since then."""
        self.app: App = make_app(database)

    async def init(self) -> None:
        """Create Procrastinate's tables and the index, and check them. Existing tables are kept."""
        schema = Literal(SchemaManager.get_schema()).as_string(None)
        tables = QUERIES["create_procrastinate"].format(schema=schema)
        await self._database.create(tables, QUERIES["create_jobs_index"])
        await self.open()

    async def open(self) -> None:
        """Open Procrastinate's application. Raises ``LedgerError`` for missing or other tables."""
        [(has_index, has_functions)] = await self._database.run(QUERIES["find_queue"], {})
        if not has_index:
            raise LedgerError(
                "the database has no queue yet: run `apivideo distributed init` first"
            )
        if not has_functions:
            raise LedgerError("Procrastinate's tables are of another version: apply its migrations")
        await self.app.open_async(self._database.pool)

    async def insert(self, items: Sequence[Item], refused: OnRefused) -> set[str]:
        """Insert items and a job for each; see ``Ledger.prepare`` and ``Ledger.add``."""
        prepared = await self._ledger.prepare(items)
        new = await self._ledger_with_jobs.add(prepared, refused)
        await self._analyze(len(new))
        return new

    async def retry(
        self, states: Collection[State] = FAILED, keys: Collection[str] = ()
    ) -> list[str]:
        """Make finished items due again, and defer a job for each; return their keys."""
        chosen = list(keys) or [record.item.key async for record in self._ledger.records(states)]
        retried: list[str] = []
        # Each batch is one transaction, so that it holds its locks for a short time.
        for start in range(0, len(chosen), BATCH):
            retried += await self._ledger_with_jobs.retry(states, chosen[start : start + BATCH])
        await self._analyze(len(retried))
        return retried

    async def defer(self, key: str) -> bool:
        """Defer a job for when the item is due; False if it is finished or a job starts by then."""
        values = {"key": key, **_job_values()}
        [(deferred,)] = await self._database.run(QUERIES["defer_item"], values)
        return bool(deferred)

    async def sweep(self, every: float = 0.0, stalled: float = HEARTBEAT_TIMEOUT) -> int | None:
        """Defer jobs for items that are due and have none; return their number.

        Returns None when another worker did this within the last ``every`` seconds. The jobs of
        dead workers (no heartbeat for ``stalled`` seconds) are deleted; their items are due when
        their leases end.
        """
        values = {"most": MAX_JOBS, **_job_values()}
        began, _, [(deferred,)] = await self._database.script(
            QUERIES["begin_sweep"],
            QUERIES["delete_dead_jobs"],
            QUERIES["defer_lost_in_sweep"],
            every=every,
            stalled=stalled,
            **values,
        )
        total = deferred
        # A full batch means that more items may be without a job.
        while deferred == MAX_JOBS:
            [(deferred,)] = await self._database.run(QUERIES["defer_lost"], values)
            total += deferred
        return int(total) if began else None

    async def _analyze(self, added: int) -> None:
        """Update PostgreSQL's statistics when the number of rows has doubled.

        With old statistics, PostgreSQL sorts all jobs for each job that is fetched. Its autovacuum
        updates them as well, but only after a minute.
        """
        self._added += added
        if self._added >= max(BATCH, self._analyzed):
            self._analyzed += self._added
            self._added = 0
            await self._database.run(QUERIES["analyze_jobs"], {})
            await self._database.run(QUERIES["analyze_items"], {})

    async def live_workers(self) -> int:
        """Count the workers of Procrastinate in this database whose heartbeat is recent."""
        values = {"stalled": HEARTBEAT_TIMEOUT}
        [(count,)] = await self._database.run(QUERIES["count_workers"], values)
        return int(count)

    async def count(self) -> Jobs:
        """Count the jobs of the queue."""
        [counts] = await self._database.run(QUERIES["count_jobs"], {})
        return Jobs(waiting=counts[0], scheduled=counts[1], running=counts[2])


class _WithJobs:
    """A ``Database`` in which each statement also defers a job for each key that it returns."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self.queries: Queries = database.queries

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        with_jobs = QUERIES["with_jobs"].format(statement=statement)
        return await self._database.run(with_jobs, {**_job_values(), **parameters})

    async def aclose(self) -> None:
        """Do nothing: the owner of the database closes it."""


def _job_values() -> dict[str, Any]:
    return {"queue": QUEUE, "task": TASK, "batch": BATCH}
