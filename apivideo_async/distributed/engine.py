"""Procrastinate on the ledger's database connections, with statements that are retried.

Procrastinate's worker ends when it loses a connection, and would end the uploads in progress. Its
statements are therefore retried while the database is unavailable, like those of the ledger.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final, LiteralString

import psycopg
from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from ..errors import LedgerError
from .postgres import PostgresDatabase

__all__ = ["QUEUE", "QUEUES", "WAKE", "make_app", "register"]

QUEUE: Final = "apivideo-ingest-wake"
"""The queue of the jobs. Workers of version 0.1 do not read it."""
QUEUES: Final = [QUEUE, "apivideo-ingest"]
"""The queues that a worker reads. Programs of version 0.1 put one job per item into the second."""
WAKE: Final = "apivideo_async:wake"
"""The task, and the queueing lock by which at most one job waits."""
ITEM_TASK: Final = "apivideo_async:ingest_item"
"""The task of the jobs of version 0.1."""
EVERY_MINUTE: Final = "* * * * *"


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
        try:
            return await self._database.repeat(
                lambda connection: self._rows(connection, query, arguments), "a job queue statement"
            )
        except LedgerError as error:
            # Procrastinate recognises a queueing lock that is taken by its own exception.
            if isinstance(error.__cause__, psycopg.errors.UniqueViolation):
                name = error.__cause__.diag.constraint_name
                raise UniqueViolation(constraint_name=name, queueing_lock=None) from None
            raise

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        try:
            await self.execute_query_all_async(query, **arguments)
        except LedgerError as error:
            # Procrastinate's functions report by RAISE that a job is gone. Another worker finished
            # it, because this process seemed to be dead, or the response was lost.
            if not isinstance(error.__cause__, psycopg.errors.RaiseException):
                raise

    async def execute_query_one_async(
        self, query: LiteralString, **arguments: Any
    ) -> dict[str, Any]:
        return (await self.execute_query_all_async(query, **arguments))[0]


class _RetryAtOnce(BaseRetryStrategy):
    """Retries at once. A failed item is no error of its job, so an error means an interruption."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        return RetryDecision(retry_in={"seconds": 0})


def make_app(database: PostgresDatabase) -> App:
    """Return Procrastinate's application on this database."""
    return App(connector=_Connector(database))


def register(app: App, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Register ``work`` as the task of all jobs. A job is also deferred once a minute."""

    async def wake(timestamp: int) -> None:
        await work()

    async def ingest_item(key: str) -> None:
        await work()

    # A higher priority than the jobs of version 0.1, of which there may be a million.
    task = app.task(name=WAKE, queue=QUEUE, queueing_lock=WAKE, priority=1, retry=_RetryAtOnce())
    app.periodic(cron=EVERY_MINUTE)(task(wake))
    app.task(name=ITEM_TASK, queue=QUEUES[1])(ingest_item)
