"""The queue says when to look at an item; what is to be done, and whether, says the ledger alone.

Both are in one database. An item and its job are entered in one transaction; later, whoever puts an item off defers a
job for that time. What is lost in between, with a worker, the sweep finds: an open item that is due and has no job.
A job too many does no harm, because the item is leased or finished when it is looked at.
"""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, Final

from attrs import frozen
from procrastinate import App
from procrastinate.schema import SchemaManager
from procrastinate.types import JSONDict
from psycopg import AsyncConnection

from ..errors import LedgerError
from ..ingest.entering import Refused, enter_storable
from ..ingest.items import FAILED, Item, State
from ..ingest.sql import ITEMS, META, SqlLedger
from .engine import QUEUE, TASK, make_app
from .postgres import LOCK, POSTGRES, OneConnection, PostgresDatabase

__all__ = ["BATCH", "Jobs", "Queue"]

BATCH: Final = 2_000
"""Jobs deferred in one statement."""
SWEEP_LOCK: Final = LOCK + 1
MOST: Final = 20_000
"""Jobs that a sweep defers in one statement."""
STALLED: Final = 30.0
"""Seconds without a heartbeat after which Procrastinate takes a worker for dead."""
INDEX: Final = f"""CREATE INDEX IF NOT EXISTS apivideo_ingest_jobs ON procrastinate_jobs ((args ->> 'key'))
    WHERE queue_name = '{QUEUE}' AND status = 'todo'"""
"""Finds the job of an item among as many as there are items."""


@frozen(kw_only=True)
class Jobs:
    """What is in the queue."""

    waiting: int
    scheduled: int
    """Waiting for a time that has not come."""
    running: int


class Queue:
    """The jobs of an ingestion."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._measured = self._unmeasured = 0
        self.app: App = make_app(database)

    async def init(self) -> None:
        """Make Procrastinate's tables, unless they are there."""

        async def make(connection: AsyncConnection[Any]) -> None:
            async with connection.transaction():
                database = OneConnection(connection)
                await database.run("SELECT pg_advisory_xact_lock(:lock)", {"lock": LOCK})
                [(table,)] = await database.run("SELECT to_regclass('procrastinate_jobs')", {})
                if table is None:
                    await connection.execute(SchemaManager.get_schema())
                await database.run(INDEX, {})

        await self._database.repeat(make)
        await self.open()

    async def open(self) -> None:
        """Check the tables. Raises ``LedgerError`` when they are not those of this version."""
        names = "to_regproc('procrastinate_defer_jobs_v1'), to_regproc('procrastinate_fetch_job_v2')"
        [found] = await self._database.run(f"SELECT to_regclass('apivideo_ingest_jobs'), {names}", {})
        if found[0] is None:
            raise LedgerError("the database holds no queue yet: run `apivideo distributed init` first")
        if None in found:
            raise LedgerError("Procrastinate's tables are of another version: apply its migrations")
        await self.app.open_async(self._database.pool)

    async def enter(self, items: Sequence[Item], refused: Refused) -> set[str]:
        """Enter items with a job each; the keys that were new. ``refused`` is as for ``Ledger.add``."""

        async def enter(items: Sequence[Item]) -> set[str]:
            return await self._database.repeat(partial(self._enter, items))

        new = await enter_storable(items, enter, refused)
        await self._grown(len(new))
        return new

    async def _enter(self, items: Sequence[Item], connection: AsyncConnection[Any]) -> set[str]:
        async with connection.transaction():
            new = await SqlLedger(OneConnection(connection)).add_all(items)
            await self._defer(connection, list(dict.fromkeys(item.key for item in items if item.key in new)))
            return new

    async def retry(self, states: Collection[State] = FAILED, keys: Collection[str] = ()) -> list[str]:
        """Make failed items due again, with a job each; their keys."""

        async def both(connection: AsyncConnection[Any]) -> list[str]:
            async with connection.transaction():
                again = await SqlLedger(OneConnection(connection)).retry(states, keys)
                await self._defer(connection, again)
                return again

        again = await self._database.repeat(both)
        await self._grown(len(again))
        return again

    async def _defer(self, connection: AsyncConnection[Any], keys: Sequence[str]) -> None:
        task = self.app.configure_task(TASK, queue=QUEUE, connection=connection)
        for start in range(0, len(keys), BATCH):
            jobs: list[JSONDict] = [{"key": key} for key in keys[start : start + BATCH]]
            await task.batch_defer_async(*jobs)

    async def defer(self, key: str) -> bool:
        """Defer a job for when this item is due; not when it is finished, or when one waits already."""
        which, waiting = "key = :key AND due IS NOT NULL", "AND args ->> 'key' = :key"
        return await self._missing(self._database, which, waiting, key=key) > 0

    async def sweep(self, every: float = 0.0, stalled: float = STALLED) -> int | None:
        """Defer what is due and has no job; how many, or None when another worker did within ``every`` seconds.

        Jobs of workers that died are deleted: their items are due when the leases end.
        """

        async def once(connection: AsyncConnection[Any]) -> int | None:
            async with connection.transaction():
                database = OneConnection(connection)
                # Statements of their own: one that waits for a lock sees what was there before it waited.
                await database.run("SELECT pg_advisory_xact_lock(:lock)", {"lock": SWEEP_LOCK})
                if not await database.run(_TURN, {"every": every}):
                    return None
                await database.run(_BURY, {"queue": QUEUE, "stalled": stalled})
                total = 0
                while deferred := await self._missing(database, f"due <= {POSTGRES.now}"):
                    total += deferred
                return total

        return await self._database.repeat(once)

    async def _missing(
        self, database: OneConnection | PostgresDatabase, which: str, waiting: str = "", **values: Any
    ) -> int:
        # EXCEPT is quick with any plan; NOT EXISTS takes hours with the one for tables that were empty just now.
        statement = f"""SELECT COALESCE(array_length(procrastinate_defer_jobs_v1(array_agg(CAST(ROW(
                CAST(:queue AS varchar), CAST(:task AS varchar), 0, NULL, NULL, jsonb_build_object('key', key),
                to_timestamp(due)) AS procrastinate_job_to_defer_v1))), 1), 0)
            FROM {ITEMS} WHERE key IN (SELECT key FROM {ITEMS} WHERE {which} EXCEPT
                SELECT args ->> 'key' FROM procrastinate_jobs
                WHERE queue_name = '{QUEUE}' AND status = 'todo' {waiting} LIMIT {MOST}) HAVING COUNT(*) > 0"""
        rows = await database.run(statement, {"queue": QUEUE, "task": TASK, **values})
        return int(rows[0][0]) if rows else 0

    async def _grown(self, count: int) -> None:
        """Let PostgreSQL count the rows when they have doubled: else it sorts all jobs for each that is fetched.

        Its autovacuum does so as well, but only after a minute.
        """
        self._unmeasured += count
        if self._unmeasured >= max(BATCH, self._measured):
            self._measured, self._unmeasured = self._measured + self._unmeasured, 0
            for table in ("procrastinate_jobs", ITEMS):
                await self._database.run(f"ANALYZE {table}", {})

    async def count(self) -> Jobs:
        """Count the jobs."""
        statement = """SELECT COUNT(*) FILTER (WHERE status = 'todo' AND COALESCE(scheduled_at <= now(), true)),
            COUNT(*) FILTER (WHERE status = 'todo' AND scheduled_at > now()), COUNT(*) FILTER (WHERE status = 'doing')
            FROM procrastinate_jobs WHERE queue_name = :queue"""
        [(waiting, scheduled, running)] = await self._database.run(statement, {"queue": QUEUE})
        return Jobs(waiting=waiting, scheduled=scheduled, running=running)


_TURN: Final = f"""INSERT INTO {META} AS had (name, value) VALUES ('swept', CAST({POSTGRES.now} AS TEXT))
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
    WHERE CAST(had.value AS DOUBLE PRECISION) <= {POSTGRES.now} - CAST(:every AS DOUBLE PRECISION) RETURNING value"""
_BURY: Final = """DELETE FROM procrastinate_jobs AS job WHERE queue_name = :queue AND status = 'doing' AND NOT EXISTS (
    SELECT 1 FROM procrastinate_workers AS worker WHERE worker.id = job.worker_id
    AND last_heartbeat > now() - make_interval(secs => :stalled)) RETURNING id"""
