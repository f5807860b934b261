"""The queue of jobs, on top of the ledger.

Theory of operation. A job only triggers a check of an item; the ledger alone decides whether there
is work to do. Ledger and queue are in one database, and three rules connect them:

- An item and its job are inserted in one transaction.
- A worker that postpones an item defers a job for the time at which the item is due.
- A job can be lost together with its worker. The *sweep* finds open items that are due and have no
  job, and defers jobs for them.

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
from ..ingest.batching import Refused
from ..ingest.items import FAILED, Item, State
from ..ingest.ledger.sql import ITEMS, META, SqlLedger
from .engine import QUEUE, TASK, make_app
from .postgres import POSTGRES, PostgresDatabase

__all__ = ["BATCH", "Jobs", "Queue"]

BATCH: Final = 2_000
"""Items inserted or retried in one statement, and jobs in one call of Procrastinate's function."""
MOST: Final = 20_000
"""Maximum number of jobs that a sweep defers in one statement."""
STALLED: Final = 30.0
"""Seconds without a heartbeat after which Procrastinate considers a worker dead."""
INDEX: Final = f"""CREATE INDEX IF NOT EXISTS apivideo_ingest_jobs ON procrastinate_jobs ((args ->> 'key'))
    WHERE queue_name = '{QUEUE}' AND status = 'todo'"""
"""The index that finds the job of an item among millions of jobs."""


@frozen(kw_only=True)
class Jobs:
    """Number of jobs in the queue."""

    waiting: int
    """Jobs that can start now."""
    scheduled: int
    """Jobs whose start time is in the future."""
    running: int
    """Jobs that a worker is executing."""


class Queue:
    """The jobs of an ingestion."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._ledger = SqlLedger(database)
        self._entering = SqlLedger(_WithJobs(database))
        """A ledger whose insertions and retries also defer jobs."""
        self._measured = self._unmeasured = 0
        """Rows included in the statistics that ``_grown`` last requested, and rows added since."""
        self.app: App = make_app(database)

    async def init(self) -> None:
        """Create Procrastinate's tables and the index, and check them. Existing tables are kept."""
        tables = Literal(SchemaManager.get_schema()).as_string(None)
        missing = f"""DO $apivideo$ BEGIN
            IF to_regclass('procrastinate_jobs') IS NULL THEN EXECUTE {tables}; END IF; END $apivideo$"""
        await self._database.make(missing, INDEX)
        await self.open()

    async def open(self) -> None:
        """Open Procrastinate's application.

        Raises ``LedgerError`` if its tables are missing or of another version.
        """
        names = (
            "to_regproc('procrastinate_defer_jobs_v1'), to_regproc('procrastinate_fetch_job_v2')"
        )
        [found] = await self._database.run(
            f"SELECT to_regclass('apivideo_ingest_jobs'), {names}", {}
        )
        if found[0] is None:
            raise LedgerError(
                "the database holds no queue yet: run `apivideo distributed init` first"
            )
        if None in found:
            raise LedgerError("Procrastinate's tables are of another version: apply its migrations")
        await self.app.open_async(self._database.pool)

    async def enter(self, items: Sequence[Item], refused: Refused) -> set[str]:
        """Insert items and a job for each; return the keys that were new.

        ``refused`` is called with each item that cannot be stored; see ``Ledger.add``.
        """
        new = await self._entering.add(items, refused)
        await self._grown(len(new))
        return new

    async def retry(
        self, states: Collection[State] = FAILED, keys: Collection[str] = ()
    ) -> list[str]:
        """Make finished items due again and defer a job for each; return their keys.

        Each ``BATCH`` of items is one transaction.
        """
        chosen = list(keys) or [record.item.key async for record in self._ledger.records(states)]
        again: list[str] = []
        # Batches keep each statement, and its locks, short.
        for start in range(0, len(chosen), BATCH):
            again += await self._entering.retry(states, chosen[start : start + BATCH])
        await self._grown(len(again))
        return again

    async def defer(self, key: str) -> bool:
        """Defer a job for the time at which this item is due; return whether one was deferred.

        No job is deferred if the item is finished or has a waiting job already.
        """
        statement = _missing("key = :key AND due IS NOT NULL", "AND args ->> 'key' = :key")
        [(deferred,)] = await self._database.run(statement, {"key": key, **_NAMES})
        return int(deferred) > 0

    async def sweep(self, every: float = 0.0, stalled: float = STALLED) -> int | None:
        """Defer jobs for items that are due and have none; return their number.

        Return None when another worker did this within the last ``every`` seconds. The jobs of dead
        workers (no heartbeat for ``stalled`` seconds) are deleted. Their items are due when their
        leases end.
        """
        lost = _missing(f"{_DUE} AND {_OURS}")
        values = {"every": every, "stalled": stalled, **_NAMES}
        # The three statements run in one transaction: take the turn, delete dead jobs, defer jobs.
        # The latter two do nothing if this transaction did not take the turn.
        turn, _, [(deferred,)] = await self._database.script(_TURN, _BURY, lost, **values)
        total = deferred
        # A full batch means that more items may be without a job.
        while deferred == MOST:
            [(deferred,)] = await self._database.run(_missing(_DUE), _NAMES)
            total += deferred
        return int(total) if turn else None

    async def _grown(self, count: int) -> None:
        """Update PostgreSQL's statistics when the number of rows has doubled.

        With old statistics, PostgreSQL sorts all jobs for each job that is fetched. Its autovacuum
        updates them as well, but only after a minute.
        """
        self._unmeasured += count
        if self._unmeasured >= max(BATCH, self._measured):
            self._measured, self._unmeasured = self._measured + self._unmeasured, 0
            for table in ("procrastinate_jobs", ITEMS):
                await self._database.run(f"ANALYZE {table}", {})

    async def count(self) -> Jobs:
        """Count the jobs of the queue."""
        statement = """SELECT COUNT(*) FILTER (WHERE status = 'todo' AND COALESCE(scheduled_at <= now(), true)),
            COUNT(*) FILTER (WHERE status = 'todo' AND scheduled_at > now()), COUNT(*) FILTER (WHERE status = 'doing')
            FROM procrastinate_jobs WHERE queue_name = :queue"""
        [(waiting, scheduled, running)] = await self._database.run(statement, {"queue": QUEUE})
        return Jobs(waiting=waiting, scheduled=scheduled, running=running)


class _WithJobs:
    """A ``Database`` that defers a job for each key that a statement returns.

    Both happen in the same statement, so no item is inserted without a job.
    """

    dialect = POSTGRES

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute a statement and return the keys. Raises ``LedgerError``."""
        # PostgreSQL executes a SELECT in WITH only if its result is used. The condition uses it and
        # is always true.
        with_jobs = f"""WITH entered AS ({statement}),
            deferred AS MATERIALIZED ({_deferring("SELECT key, CAST(NULL AS DOUBLE PRECISION) AS due FROM entered")})
            SELECT key FROM entered WHERE (SELECT jobs FROM deferred) >= 0"""
        return await self._database.run(with_jobs, {**_NAMES, **parameters})

    async def aclose(self) -> None:
        """Do nothing: the owner of the database closes it."""


def _deferring(found: str) -> str:
    """Return a query that defers a job for each row of ``found``, and counts the jobs.

    ``found`` is a query with the columns ``key`` and ``due`` (seconds since 1970 or NULL).
    """
    return f"""SELECT CAST(COALESCE(SUM(array_length(ids, 1)), 0) AS BIGINT) AS jobs FROM (
        SELECT procrastinate_defer_jobs_v1(array_agg(CAST(ROW(CAST(:queue AS varchar), CAST(:task AS varchar), 0,
            NULL, NULL, jsonb_build_object('key', key), to_timestamp(due)) AS procrastinate_job_to_defer_v1)
            ORDER BY place)) AS ids
        FROM (SELECT key, due, row_number() OVER () AS place FROM ({found}) AS found) AS numbered
        GROUP BY place / {BATCH}) AS made"""


def _missing(which: str, waiting: str = "") -> str:
    """Return a query that defers jobs for items without one, at most ``MOST``.

    ``which`` selects the items. ``waiting`` limits the jobs that count as existing.
    """
    # EXCEPT is fast with any query plan. NOT EXISTS takes hours with the plan for tables that were
    # empty a moment ago.
    return _deferring(f"""SELECT key, due FROM {ITEMS} WHERE key IN (SELECT key FROM {ITEMS} WHERE {which} EXCEPT
        SELECT args ->> 'key' FROM procrastinate_jobs
        WHERE queue_name = '{QUEUE}' AND status = 'todo' {waiting} LIMIT {MOST})""")


_NAMES: Final = {"queue": QUEUE, "task": TASK}
"""Parameters of the queries of ``_deferring``."""
_BEGAN: Final = "CAST(EXTRACT(EPOCH FROM now()) AS DOUBLE PRECISION)"
"""The start time of the transaction. It is the same in all its statements, so it shows whether
this transaction took the turn."""
# Takes the turn of the sweep and locks the row until the transaction ends. A time in the future
# (more than 60 s) was written before the database's clock was set back, so it does not count.
_TURN: Final = f"""INSERT INTO {META} AS had (name, value) VALUES ('swept', CAST({_BEGAN} AS TEXT))
    ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE CAST(had.value AS DOUBLE PRECISION)
    NOT BETWEEN {_BEGAN} - CAST(:every AS DOUBLE PRECISION) AND {_BEGAN} + 60 RETURNING value"""
_OURS: Final = f"(SELECT value FROM {META} WHERE name = 'swept') = CAST({_BEGAN} AS TEXT)"
"""True if this transaction took the turn."""
_BURY: Final = f"""DELETE FROM procrastinate_jobs AS job WHERE queue_name = '{QUEUE}' AND status = 'doing' AND {_OURS}
    AND NOT EXISTS (SELECT 1 FROM procrastinate_workers AS worker WHERE worker.id = job.worker_id
    AND last_heartbeat > now() - make_interval(secs => :stalled))"""
"""Deletes running jobs whose worker is gone or has sent no heartbeat."""
_DUE: Final = f"due <= {POSTGRES.now}"
"""True for open items that are due. ``due`` is NULL for finished items."""
