"""The ledger's database in PostgreSQL, for workers on many machines.

Theory of operation. A worker can stop at any moment for any time (SIGSTOP, a suspended machine, a
lost network), and PostgreSQL keeps the locks of an open transaction until its client answers. No
lock is therefore held while the server waits for this process:

- A change is one statement (``run``), or several in one message (``script``). The server executes
  all of it and ends the transaction without another message from this process.
- The request budget, whose rules are in Python, is replaced by compare-and-swap (``change``). The
  new state is written only if the stored state is still the one that was read. Otherwise the change
  is computed again.

There is one exception. A change of the budget that was lost ``MAX_LOST_CHANGES`` times in a row
locks the row. This happens to a worker far from the database when many others are near it. The
server ends that transaction when the worker is silent for ``MAX_SILENCE`` seconds.

Availability. A statement that fails because the database is unavailable is repeated for
``outage_timeout`` seconds (``repeat``), so every statement must be safe to repeat after a lost
response.
"""

import asyncio
import json
import logging
import random
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Final, TypeVar, cast

import psycopg
from psycopg import AsyncClientCursor, AsyncConnection, AsyncCursor
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ..errors import LedgerError
from ..ingest.ledger.database import (
    MIGRATIONS,
    SCHEMA_VERSION,
    TABLES,
    Dialect,
    Queries,
    ledger_queries,
    load_queries,
)
from ..ingest.ledger.rows import unstorable
from ..masking import masked
from ..tasks import keeping_cancellation
from .delays import Delays
from .dsn import CONNECT_TIMEOUT, RESPONSE_TIMEOUT, check_dsn, connection_settings

__all__ = ["QUERIES", "PostgresDatabase"]

T = TypeVar("T")

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

_DIALECT: Final = Dialect(
    now="CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)",
    serial="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    add_column="ADD COLUMN IF NOT EXISTS",
    skip_locked="FOR UPDATE SKIP LOCKED",
    elements="jsonb_array_elements(CAST(:items AS jsonb)) AS value",
    member="value ->> '{}'",
)
QUERIES: Final = load_queries("apivideo_async.distributed", now=_DIALECT.now)
"""The statements that are not those of the ledger."""
POOL_TIMEOUT = 3.0
"""Seconds to wait for a connection of the pool before the wait counts as a failed attempt."""
FIRST_PAUSE = 0.2
"""Seconds after the first failed attempt while the database is unavailable."""
LONGEST_PAUSE = 5.0
"""Maximum seconds between attempts while the database is unavailable."""
LONGEST_ATTEMPT = RESPONSE_TIMEOUT + LONGEST_PAUSE
"""Maximum seconds that one failed attempt counts towards ``outage_timeout``. An attempt that took
longer means that this process was frozen."""
MAX_LOST_CHANGES = 8
"""Consecutive compare-and-swap failures of a budget change after which the row is locked."""
FIRST_BACKOFF = 0.002
"""Maximum seconds of the random pause after the first lost change."""
LONGEST_BACKOFF = 0.064
"""Maximum seconds of the random pause after a lost change."""
MAX_SILENCE = 1.0
"""Seconds without a message from this process after which the server ends its transaction."""
INIT_LOCK_TIMEOUT = 3.0
"""Seconds that ``init`` waits for a lock. Statements of workers queue behind it meanwhile."""
_REFUSED: Final = (
    psycopg.DataError,
    psycopg.errors.ProgramLimitExceeded,
    UnicodeError,
    OverflowError,
)
"""Errors about a value. ``ProgramLimitExceeded`` (a text that is too long) is a subclass of
``OperationalError``, but repeating the statement does not help. psycopg encodes parameters
itself, so it can raise Python's own errors."""
_REPEATABLE: Final = ("25006", "25P03", "25P04")
"""SQLSTATE codes after which a statement is repeated, in addition to lost connections. The
server is a standby after a failover, or it ended a transaction because this process did not
respond in time."""


@lru_cache(maxsize=256)
def _translated(statement: str) -> Any:
    """Convert ``:name`` parameters to the syntax of psycopg."""
    return re.sub(r":([a-z_]+)", r"%(\1)s", statement.replace("%", "%%"))


async def _autocommit(connection: AsyncConnection[Any]) -> None:
    await connection.set_autocommit(True)


async def _rows(cursor: AsyncCursor[Any]) -> list[Any]:
    return await cursor.fetchall() if cursor.description else []


async def _run(
    connection: AsyncConnection[Any], statement: str, parameters: Mapping[str, Any]
) -> list[Any]:
    return await _rows(await connection.execute(_translated(statement), parameters))


class PostgresDatabase:
    """A pool of connections to the database of the ledger.

    ``init`` creates the tables; ``open`` expects them. A statement that fails because the database
    is unavailable is repeated for ``outage_timeout`` seconds. A statement that waits longer than
    ``delays.SLOW`` is logged. Connections have TCP keepalives and a TCP user timeout, unless the
    DSN sets these parameters itself.
    """

    queries: Queries = ledger_queries(_DIALECT)

    def __init__(self, dsn: str, *, connections: int = 8, outage_timeout: float = 300.0) -> None:
        self._dsn = dsn
        self._settings = connection_settings(dsn)
        self._delays = Delays(self._blockers)
        self.outage_timeout = outage_timeout
        self.pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=connections,
            # The pool doubles its pause after each failure: a longer timeout reconnects late.
            reconnect_timeout=CONNECT_TIMEOUT,
            open=False,
            # A proxy in transaction mode (pgbouncer) sends the statements of one client to several
            # server connections, so no statement may be prepared.
            kwargs={**self._settings, "row_factory": tuple_row, "prepare_threshold": None},
            configure=_autocommit,
            # Replaces connections that broke while they were idle.
            check=AsyncConnectionPool.check_connection,
        )

    async def connect(self) -> None:
        """Open the pool. Raises ``LedgerError`` when the database cannot be reached."""
        if sys.platform == "win32" and isinstance(
            asyncio.get_running_loop(), asyncio.ProactorEventLoop
        ):
            raise LedgerError(
                "psycopg needs another event loop on Windows: "
                "asyncio.run(..., loop_factory=asyncio.SelectorEventLoop)"
            )
        check_dsn(self._dsn)
        try:
            # Open one connection first: the pool would retry for long and hide the reason.
            async with await AsyncConnection.connect(self._dsn, **self._settings):
                pass
            await self.pool.open(wait=True, timeout=CONNECT_TIMEOUT)
        except (psycopg.Error, PoolTimeout, OSError) as error:
            raise LedgerError(f"the database cannot be reached: {_first_line(error)}") from error
        except BaseException:
            # The tasks of an open pool ignore cancellation: the event loop could not end.
            await self.pool.close()
            raise

    async def open(self) -> None:
        """Connect and check the tables. Raises ``LedgerError``."""
        await self.connect()
        try:
            await self._check()
        except BaseException:
            await self.aclose()
            raise

    async def _check(self) -> None:
        [(exists,)] = await self.run(QUERIES["find_ledger"], {})
        rows = await self.run(self.queries["schema_version"], {}) if exists else []
        if not rows:
            raise LedgerError(
                "the database has no ledger yet: run `apivideo distributed init` first"
            )
        [(version,)] = rows
        if version != SCHEMA_VERSION:
            advice = "use a newer version"
            if version in MIGRATIONS:
                advice = "run `apivideo distributed migrate`"
            raise LedgerError(
                f"the ledger in the database has the layout {version}, and this version of "
                f"apivideo-async reads {SCHEMA_VERSION}: {advice}"
            )

    async def init(self) -> None:
        """Create the tables. Existing ones are kept; old ones raise ``LedgerError``."""
        [(exists,)] = await self.run(QUERIES["find_ledger"], {})
        if exists:
            await self._check()
        tables = [self.queries[name] for name in (*TABLES, "set_meta")]
        await self.create(*tables, name="schema", value=SCHEMA_VERSION)
        await self._check()

    async def migrate(self) -> str:
        """Change the tables to the present layout; return the former one.

        Workers of the former version may go on meanwhile. Raises ``LedgerError`` if there are no
        tables, or tables of a newer version.
        """
        [(exists,)] = await self.run(QUERIES["find_ledger"], {})
        rows = await self.run(self.queries["schema_version"], {}) if exists else []
        version = str(rows[0][0]) if rows else ""
        if version in MIGRATIONS:
            names = (*MIGRATIONS[version], "set_schema")
            await self.create(*(self.queries[name] for name in names), schema=SCHEMA_VERSION)
        await self._check()
        return version

    async def create(self, *statements: str, **parameters: Any) -> None:
        """Execute statements that create tables, in one transaction, one process at a time."""
        # Fail after ``INIT_LOCK_TIMEOUT`` instead of blocking the workers that queue behind this
        # transaction.
        limit = QUERIES["limit_lock_wait"].format(seconds=INIT_LOCK_TIMEOUT)
        await self.script(limit, QUERIES["lock_initialisation"], *statements, **parameters)

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Return the rows of a statement. Waits during an outage. Raises like ``Database.run``."""
        return await self.repeat(
            lambda connection: _run(connection, statement, parameters), _shortened(statement)
        )

    async def script(self, *statements: str, **parameters: Any) -> list[list[Any]]:
        """Execute statements in one transaction and one message; return the rows of each.

        Each statement sees what other transactions committed before it began. Without
        ``parameters``, the statements are sent unchanged.
        """
        text: Any = ";\n".join(statements)
        if parameters:
            text = _translated(text)

        async def send(connection: AsyncConnection[Any]) -> list[list[Any]]:
            # PostgreSQL accepts no parameters with several statements. The client cursor writes the
            # values into the text.
            async with AsyncClientCursor(connection) as cursor:
                await cursor.execute(text, parameters or None)
                rows = [await _rows(cursor)]
                while cursor.nextset():
                    rows.append(await _rows(cursor))
                return rows

        return await self.repeat(send, _shortened(statements[-1]))

    async def change(
        self, name: str, step: Callable[[dict[str, Any] | None, float], tuple[dict[str, Any], T]]
    ) -> T:
        """Replace a state of the request budget; see ``Budget.change``.

        The clock is read together with the state, so an unchanged state proves that no other worker
        changed it between that time and the write.
        """

        async def compare_and_swap(connection: AsyncConnection[Any]) -> T:
            failures, pause = 0, FIRST_BACKOFF
            while True:
                async with _lock_clause(connection, locked=failures >= MAX_LOST_CHANGES) as lock:
                    read = QUERIES["read_budget"].format(lock=lock)
                    [(old, now)] = await _run(connection, read, {"name": name})
                    changed, result = step(None if old is None else json.loads(old), now)
                    values = {"name": name, "old": old, "new": json.dumps(changed)}
                    if await _run(connection, QUERIES["swap_budget"], values):
                        return result
                # Another worker was faster. Random pauses prevent that they collide again.
                failures += 1
                await asyncio.sleep(random.uniform(0, pause))  # noqa: S311
                pause = min(LONGEST_BACKOFF, pause * 2)

        return await self.repeat(compare_and_swap, f"the request budget of {name}")

    async def repeat(
        self, work: Callable[[AsyncConnection[Any]], Awaitable[T]], operation: str
    ) -> T:
        """Execute ``work`` with a connection, and repeat it while the database is unavailable.

        ``operation`` names it in the log. Raises ``LedgerError`` after ``outage_timeout`` seconds
        or for any other database error, and ``SourceError`` when the database refuses a value.
        """
        clock = asyncio.get_running_loop().time
        outage, pause = 0.0, FIRST_PAUSE
        with self._delays.watched(operation) as delay:
            while True:
                began = clock()
                try:
                    with keeping_cancellation():
                        async with self.pool.connection(POOL_TIMEOUT) as connection:
                            delay.pid = connection.info.backend_pid
                            return await work(connection)
                except _REFUSED as error:
                    # Not chained, because further lines of the original error contain the value.
                    raise unstorable(error) from None
                except psycopg.Error as error:
                    reason = _first_line(error)
                    if not _is_outage(error):
                        text = f"the ledger in the database cannot be used: {reason}"
                        raise LedgerError(text) from error
                    if outage >= self.outage_timeout:
                        raise LedgerError(f"the database is unavailable: {reason}") from error
                    log.warning(
                        "the database is unavailable, next attempt in %.1f s: %s",
                        pause,
                        reason,
                        extra={"event": "database_unavailable", "delay": pause, "error": error},
                    )
                delay.pid = None
                await asyncio.sleep(pause)
                # Limited, so that a suspended process does not give up when it resumes.
                outage += min(clock() - began, LONGEST_ATTEMPT)
                pause = min(LONGEST_PAUSE, pause * 2)

    async def _blockers(self, pid: int) -> str:
        """Describe the sessions that block a server process; "" if there are none."""
        async with self.pool.connection(POOL_TIMEOUT) as connection:
            sessions = await _run(connection, QUERIES["blockers"], {"pid": pid})
        return ", ".join(
            f"process {session} of the server ({name or 'unnamed'}, {state} for {seconds:.0f} s) "
            "holds its lock"
            for session, name, state, seconds in sessions
        )

    async def aclose(self) -> None:
        """Close the pool and cancel the logging of delays."""
        try:
            await self._delays.aclose()
        finally:
            await self.pool.close()


@asynccontextmanager
async def _lock_clause(connection: AsyncConnection[Any], *, locked: bool) -> AsyncIterator[str]:
    """Yield ``FOR UPDATE``, in a transaction that ``MAX_SILENCE`` limits, or an empty text."""
    if not locked:
        yield ""
        return
    async with connection.transaction():
        limit = QUERIES["end_silent_transaction"].format(seconds=MAX_SILENCE)
        await connection.execute(cast("Any", limit))
        # The row lock makes the following compare-and-swap succeed.
        yield "FOR UPDATE"


def _is_outage(error: psycopg.Error) -> bool:
    """Return True if a statement may succeed when it is repeated."""
    return isinstance(error, psycopg.OperationalError) or error.sqlstate in _REPEATABLE


def _shortened(statement: str) -> str:
    """Return the beginning of a statement on one line, for the log, without values."""
    text = " ".join(statement.split())
    return f"{text[:60]}…" if len(text) > 60 else text


def _first_line(error: BaseException) -> str:
    return masked(str(error).strip().split("\n", 1)[0]) or type(error).__name__
