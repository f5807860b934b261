"""Procrastinate on the ledger's database connections, with statements that are retried.

Procrastinate's worker ends when it loses a connection, and would end the uploads in progress. Its
statements are therefore retried while the database is unavailable, like those of the ledger.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, LiteralString

import psycopg
from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from ..errors import LedgerError
from .postgres import QUERIES, PostgresDatabase

__all__ = ["QUEUE", "TASK", "make_app", "register"]

QUEUE: Final = "apivideo-ingest"
TASK: Final = "apivideo_async:ingest_item"


class _Connector(PsycopgConnector):
    """Executes Procrastinate's statements on the ledger's pool. Raises ``LedgerError``."""

    def __init__(self, database: PostgresDatabase) -> None:
        super().__init__()
        self._database = database

    async def _rows(
        self, connection: AsyncConnection[Any], query: LiteralString, arguments: dict[str, Any]
    ) -> list[dict[str, Any]]:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, self._wrap_json(arguments))
            return await cursor.fetchall() if cursor.description else []

    async def execute_query_all_async(
        self, query: LiteralString, **arguments: Any
    ) -> list[dict[str, Any]]:
        return await self._database.repeat(
            lambda connection: self._rows(connection, query, arguments), "a job queue statement"
        )

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        await self.execute_query_all_async(query, **arguments)

    async def execute_query_one_async(
        self, query: LiteralString, **arguments: Any
    ) -> dict[str, Any]:
        return (await self.execute_query_all_async(query, **arguments))[0]


class _Jobs(JobManager):
    """Job manager of a worker that may resume after its jobs and its row were deleted."""

    def __init__(self, connector: PsycopgConnector, database: PostgresDatabase) -> None:
        super().__init__(connector)
        self._database = database

    async def finish_job(self, *arguments: Any, **options: Any) -> None:
        with _ignoring_deleted_jobs():
            await super().finish_job(*arguments, **options)

    async def retry_job(self, *arguments: Any, **options: Any) -> None:
        with _ignoring_deleted_jobs():
            await super().retry_job(*arguments, **options)

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        try:
            return await super().fetch_job(queues, worker_id)
        except LedgerError as error:
            # The row of this worker was deleted.
            if not isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):
                raise
            await self.update_heartbeat(worker_id)
            return await super().fetch_job(queues, worker_id)

    async def update_heartbeat(self, worker_id: int) -> None:
        """Record that this worker is alive, and insert its row again if it was deleted."""
        await self._database.run(QUERIES["register_worker"], {"worker_id": worker_id})


@contextmanager
def _ignoring_deleted_jobs() -> Iterator[None]:
    try:
        yield
    except LedgerError as error:
        # Procrastinate's functions report a missing job by RAISE EXCEPTION.
        if not isinstance(error.__cause__, psycopg.errors.RaiseException):
            raise


class _RetryAtOnce(BaseRetryStrategy):
    """Retries at once. A failed item is no error of its job, so an error means an interruption."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        return RetryDecision(retry_in={"seconds": 0})


def make_app(database: PostgresDatabase) -> App:
    """Return Procrastinate's application on this database."""
    connector = _Connector(database)
    app = App(connector=connector)
    app.job_manager = _Jobs(connector, database)
    return app


def register(app: App, work: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    """Register ``work`` as the task that the application's workers run for the key of an item."""
    app.task(name=TASK, queue=QUEUE, retry=_RetryAtOnce())(work)
