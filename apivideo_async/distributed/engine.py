"""Procrastinate, on the ledger's own connections, and patient: a database that is away ends nothing.

Its worker would end with a lost connection, and so would the uploads under way. Here every statement of it is repeated
until the database is back, as those of the ledger are.
"""

import datetime
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, LiteralString

import psycopg
from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from ..errors import LedgerError
from .postgres import PostgresDatabase

__all__ = ["QUEUE", "TASK", "make_app", "register"]

QUEUE: Final = "apivideo-ingest"
TASK: Final = "apivideo_async:ingest_item"


class _Connector(PsycopgConnector):
    """Runs Procrastinate's statements; raises ``LedgerError``."""

    def __init__(self, database: PostgresDatabase) -> None:
        super().__init__()
        self._database = database

    async def _rows(
        self, connection: AsyncConnection[Any], query: LiteralString, arguments: dict[str, Any]
    ) -> list[dict[str, Any]]:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, self._wrap_json(arguments))
            return await cursor.fetchall() if cursor.description else []

    async def execute_query_all_async(self, query: LiteralString, **arguments: Any) -> list[dict[str, Any]]:
        """Run a statement."""
        return await self._database.repeat(lambda connection: self._rows(connection, query, arguments), "the queue")

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Run a statement that has no rows."""
        await self.execute_query_all_async(query, **arguments)

    async def execute_query_one_async(self, query: LiteralString, **arguments: Any) -> dict[str, Any]:
        """Run a statement that has one row."""
        return (await self.execute_query_all_async(query, **arguments))[0]


class _Jobs(JobManager):
    """Lets a worker come back that was taken for dead: its jobs, and its own row, may be gone."""

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """End a job, unless it is gone."""
        try:
            await super().finish_job(job, status, delete_job)
        except LedgerError as error:
            _only_if_gone(error)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime.datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Put a job back, unless it is gone."""
        try:
            await super().retry_job(job, retry_at, priority, queue, lock)
        except LedgerError as error:
            _only_if_gone(error)

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Take a job; a worker that is no longer registered is registered again first."""
        try:
            return await super().fetch_job(queues, worker_id)
        except LedgerError as error:
            if not isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):
                raise
            await self.update_heartbeat(worker_id)
            return await super().fetch_job(queues, worker_id)

    async def update_heartbeat(self, worker_id: int) -> None:
        """Show that this worker lives, also when its row was deleted."""
        await self.connector.execute_query_async(
            """INSERT INTO procrastinate_workers (id) OVERRIDING SYSTEM VALUE VALUES (%(worker_id)s)
            ON CONFLICT (id) DO UPDATE SET last_heartbeat = now()""",
            worker_id=worker_id,
        )


def _only_if_gone(error: LedgerError) -> None:
    if not isinstance(error.__cause__, psycopg.errors.RaiseException):
        raise error


class _Again(BaseRetryStrategy):
    """A job that ends in an error was interrupted: another worker may have it at once."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        """Retry now."""
        return RetryDecision(retry_in={"seconds": 0})


def make_app(database: PostgresDatabase) -> App:
    """Make Procrastinate's application."""
    connector = _Connector(database)
    app = App(connector=connector)
    app.job_manager = _Jobs(connector)
    return app


def register(app: App, work: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    """Say what a worker of this application does with a key."""
    app.task(name=TASK, queue=QUEUE, retry=_Again())(work)
