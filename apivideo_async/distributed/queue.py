"""The queue says when to look at an item; what is to be done, and whether, says the ledger alone.

Both are in one database. An item and its job are entered in one transaction; later, whoever puts an item off defers a
job for that time. What is lost in between, with a worker, the sweep finds: an open item that is due and has no job.
A job too many does no harm, because the item is leased or finished when it is looked at.

Every change is one statement, or several in one message: a worker that stops at any moment holds no lock
(see ``postgres``).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from attrs import frozen
from procrastinate import App
from procrastinate.schema import SchemaManager
from psycopg.sql import Literal

from ..errors import LedgerError
from ..ingest.batching import Refused
from ..ingest.items import FAILED, Item, State
from ..ingest.ledger.sql import ITEMS, META, SqlLedger
from .engine import QUEUE, TASK, make_app
from .postgres import POSTGRES, PostgresDatabase

__all__ = ["BATCH", "Jobs", "Queue"]

BATCH: Final = 2_000
"""Items entered, or handed in again, in one statement; jobs in one call of Procrastinate's function."""
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
        self._ledger = SqlLedger(database)
        self._entering = SqlLedger(_WithJobs(database))
        self._measured = self._unmeasured = 0
        self.app: App = make_app(database)

    async def init(self) -> None:
        """Make Procrastinate's tables, unless they are there."""
        tables = Literal(SchemaManager.get_schema()).as_string(None)
        missing = f"""DO $apivideo$ BEGIN
            IF to_regclass('procrastinate_jobs') IS NULL THEN EXECUTE {tables}; END IF; END $apivideo$"""
        await self._database.make(missing, INDEX)
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
        new = await self._entering.add(items, refused)
        await self._grown(len(new))
        return new

    async def retry(self, states: Collection[State] = FAILED, keys: Collection[str] = ()) -> list[str]:
        """Make failed items due again, with a job each; their keys. All or nothing for each ``BATCH`` of them."""
        chosen = list(keys) or [record.item.key async for record in self._ledger.records(states)]
        again: list[str] = []
        for start in range(0, len(chosen), BATCH):
            again += await self._entering.retry(states, chosen[start : start + BATCH])
        await self._grown(len(again))
        return again

    async def defer(self, key: str) -> bool:
        """Defer a job for when this item is due; not when it is finished, or when one waits already."""
        statement = _missing("key = :key AND due IS NOT NULL", "AND args ->> 'key' = :key")
        [(deferred,)] = await self._database.run(statement, {"key": key, **_NAMES})
        return int(deferred) > 0

    async def sweep(self, every: float = 0.0, stalled: float = STALLED) -> int | None:
        """Defer what is due and has no job; how many, or None when another worker did within ``every`` seconds.

        Jobs of workers that died are deleted: their items are due when the leases end.
        """
        lost = _missing(f"{_DUE} AND {_OURS}")
        values = {"every": every, "stalled": stalled, **_NAMES}
        turn, _, [(deferred,)] = await self._database.script(_TURN, _BURY, lost, **values)
        total = deferred
        while deferred == MOST:
            [(deferred,)] = await self._database.run(_missing(_DUE), _NAMES)
            total += deferred
        return int(total) if turn else None

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


class _WithJobs:
    """A ``Database`` that defers a job for each row of a statement that returns keys, in the same statement."""

    dialect = POSTGRES

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run a statement. Raises ``LedgerError``."""
        # PostgreSQL executes a SELECT in WITH only if it is read: the condition reads it, and is always true.
        with_jobs = f"""WITH entered AS ({statement}),
            deferred AS MATERIALIZED ({_deferring("SELECT key, CAST(NULL AS DOUBLE PRECISION) AS due FROM entered")})
            SELECT key FROM entered WHERE (SELECT jobs FROM deferred) >= 0"""
        return await self._database.run(with_jobs, {**_NAMES, **parameters})

    async def aclose(self) -> None:
        """Leave the database to its owner."""


def _deferring(found: str) -> str:
    """Give a query that defers a job for each row of ``found`` (``key``, ``due``), and counts them."""
    return f"""SELECT CAST(COALESCE(SUM(array_length(ids, 1)), 0) AS BIGINT) AS jobs FROM (
        SELECT procrastinate_defer_jobs_v1(array_agg(CAST(ROW(CAST(:queue AS varchar), CAST(:task AS varchar), 0,
            NULL, NULL, jsonb_build_object('key', key), to_timestamp(due)) AS procrastinate_job_to_defer_v1)
            ORDER BY place)) AS ids
        FROM (SELECT key, due, row_number() OVER () AS place FROM ({found}) AS found) AS numbered
        GROUP BY place / {BATCH}) AS made"""


def _missing(which: str, waiting: str = "") -> str:
    """Give a query that defers a job for each of these items that has none; ``MOST`` at most."""
    # EXCEPT is quick with any plan; NOT EXISTS takes hours with the one for tables that were empty just now.
    return _deferring(f"""SELECT key, due FROM {ITEMS} WHERE key IN (SELECT key FROM {ITEMS} WHERE {which} EXCEPT
        SELECT args ->> 'key' FROM procrastinate_jobs
        WHERE queue_name = '{QUEUE}' AND status = 'todo' {waiting} LIMIT {MOST})""")


_NAMES: Final = {"queue": QUEUE, "task": TASK}
_BEGAN: Final = "CAST(EXTRACT(EPOCH FROM now()) AS DOUBLE PRECISION)"
"""When the transaction began: the same in all its statements, so it tells whether this one took the turn."""
# The first statement locks the row until the others are done. A time in the future was written before the database's
# clock was set back.
_TURN: Final = f"""INSERT INTO {META} AS had (name, value) VALUES ('swept', CAST({_BEGAN} AS TEXT))
    ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE CAST(had.value AS DOUBLE PRECISION)
    NOT BETWEEN {_BEGAN} - CAST(:every AS DOUBLE PRECISION) AND {_BEGAN} + 60 RETURNING value"""
_OURS: Final = f"(SELECT value FROM {META} WHERE name = 'swept') = CAST({_BEGAN} AS TEXT)"
_BURY: Final = f"""DELETE FROM procrastinate_jobs AS job WHERE queue_name = '{QUEUE}' AND status = 'doing' AND {_OURS}
    AND NOT EXISTS (SELECT 1 FROM procrastinate_workers AS worker WHERE worker.id = job.worker_id
    AND last_heartbeat > now() - make_interval(secs => :stalled))"""
_DUE: Final = f"due <= {POSTGRES.now}"
