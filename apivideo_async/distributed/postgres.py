"""The ledger's database in PostgreSQL, for workers on many machines.

Theory of operation. A worker can stop at any moment for any time (SIGSTOP, a suspended machine, a
lost network), and PostgreSQL keeps the locks of an open transaction until its client answers. No
lock is therefore held while the server waits for this process:

- A change is one statement (``run``), or several statements in one message (``script``). The server
  executes all of it and ends the transaction without another message from this process.
- The request budget, whose rules are in Python, is replaced by compare-and-swap (``change``). The
  new state is written only if the stored state is still the one that was read. Otherwise the change
  is computed again.

There is one exception. A change of the budget that was lost ``OPTIMISTIC`` times in a row locks the
row. This happens to a worker far from the database when many others are near it. The server ends
that transaction when the worker is silent for ``SILENCE`` seconds.

Availability. A statement that fails because the database is unavailable is repeated for
``patience`` seconds (``repeat``), so every statement must be safe to repeat after a lost response.
"""

import asyncio
import json
import logging
import os
import random
import re
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

import psycopg
from psycopg import AsyncClientCursor, AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ..errors import LedgerError
from ..ingest.ledger.rows import unstorable
from ..ingest.ledger.sql import BUDGET, META, SCHEMA_VERSION, Dialect, schema
from ..masking import masked
from .delays import Delays
from .dsn import check_dsn

__all__ = ["POSTGRES", "PostgresDatabase"]

T = TypeVar("T")

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

POSTGRES: Final = Dialect(
    now="CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)",
    serial="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    skip_locked="FOR UPDATE SKIP LOCKED",
    elements="jsonb_array_elements(CAST(:items AS jsonb)) AS value",
    member="value ->> '{}'",
)
CONNECT = 10.0
"""Seconds for establishing a connection."""
WAIT = 3.0
"""Seconds to wait for a connection of the pool before the wait counts as a failed attempt."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Seconds between attempts while the database is unavailable: at first, and at most."""
_REFUSALS: Final = (
    psycopg.DataError,
    psycopg.errors.ProgramLimitExceeded,
    UnicodeError,
    OverflowError,
)
"""Errors about a value. ``ProgramLimitExceeded`` (a text that is too long) is a subclass of
``OperationalError``, but repeating the statement does not help. psycopg encodes parameters
itself, so it can raise Python's own errors."""
VANISHED = 15
"""Seconds without a response after which the operating system ends a connection, because the
host of the database may have failed."""
LONGEST_ATTEMPT = VANISHED + LONGEST_PAUSE
"""Maximum seconds that one failed attempt counts towards ``patience``. An attempt that took
longer means that this process was frozen."""
OPTIMISTIC = 8
"""Consecutive compare-and-swap failures of a budget change after which the row is locked."""
BACKOFF = 0.002, 0.064
"""Maximum seconds of the random pause after a lost change: at first, and at most."""
SILENCE = 1.0
"""Seconds without a message from this process after which the server ends its transaction."""
INIT_WAIT = 3.0
"""Seconds that ``init`` waits for a lock. Statements of workers queue behind it meanwhile."""
LOCK = 4_107_222
"""Key of the advisory lock under which the tables are created."""
REPEATABLE: Final = ("25006", "25P03", "25P04")
"""SQLSTATE codes after which a statement is repeated, in addition to lost connections. The
server is a standby after a failover, or it ended a transaction because this process did not
respond in time."""


@lru_cache(maxsize=256)
def _translated(statement: str) -> str:
    """Convert ``:name`` parameters to the syntax of psycopg."""
    return re.sub(r":([a-z_]+)", r"%(\1)s", statement.replace("%", "%%"))


def _settings(dsn: str) -> dict[str, Any]:
    """Return connection parameters for keepalives and timeouts that the DSN does not set."""
    try:
        given = conninfo_to_dict(dsn)
    except (psycopg.Error, ValueError):
        # An invalid DSN is reported by ``connect``.
        given = {}
    settings: dict[str, Any] = {
        "connect_timeout": int(CONNECT),
        "keepalives": 1,
        "keepalives_idle": 5,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": VANISHED * 1000,
        "fallback_application_name": f"apivideo {socket.gethostname()}:{os.getpid()}",
    }
    return {name: value for name, value in settings.items() if name not in given}


async def _autocommit(connection: AsyncConnection[Any]) -> None:
    """Configure a new connection of the pool: each statement is a transaction."""
    await connection.set_autocommit(True)


async def _run(
    connection: AsyncConnection[Any], statement: str, parameters: Mapping[str, Any]
) -> list[Any]:
    """Execute a statement and return its rows."""
    cursor = await connection.execute(cast("Any", _translated(statement)), parameters)
    return await cursor.fetchall() if cursor.description else []


class PostgresDatabase:
    """A pool of connections to the database of the ledger.

    ``init`` creates the tables; ``open`` expects them. A statement that fails because the database
    is unavailable is repeated for ``patience`` seconds. A statement that waits longer than
    ``delays.SLOW`` is logged. Connections have TCP keepalives and a TCP user timeout, unless the
    DSN sets these parameters itself.
    """

    dialect = POSTGRES

    def __init__(self, dsn: str, *, connections: int = 8, patience: float = 300.0) -> None:
        self._dsn = dsn
        self._settings = _settings(dsn)
        self._delays = Delays(self._blockers)
        self.patience = patience
        # ``check`` tests each connection before use, so that connections which broke while idle are
        # replaced.
        self.pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=connections,
            # The pool doubles its pause after each failure, so a longer timeout would reconnect
            # late.
            reconnect_timeout=CONNECT,
            open=False,
            kwargs={**self._settings, "row_factory": tuple_row},
            configure=_autocommit,
            check=AsyncConnectionPool.check_connection,
        )

    async def connect(self) -> None:
        """Open the pool. Raises ``LedgerError`` when the database cannot be reached."""
        if sys.platform == "win32" and isinstance(
            asyncio.get_running_loop(), asyncio.ProactorEventLoop
        ):
            raise LedgerError(
                "psycopg needs another event loop on Windows: asyncio.run(..., loop_factory=asyncio.SelectorEventLoop)"
            )
        check_dsn(self._dsn)
        try:
            # Open one connection first: the pool would retry for long and hide the reason.
            async with await AsyncConnection.connect(self._dsn, **self._settings):
                pass
            await self.pool.open(wait=True, timeout=CONNECT)
        except (psycopg.Error, PoolTimeout, OSError) as error:
            raise LedgerError(f"the database cannot be reached: {_first_line(error)}") from error

    async def open(self) -> None:
        """Connect and check the tables. Raises ``LedgerError``."""
        await self.connect()
        try:
            await self._check()
        except BaseException:
            await self.aclose()
            raise

    async def _check(self) -> None:
        """Raise ``LedgerError`` unless the tables of this version exist."""
        [(table,)] = await self.run("SELECT to_regclass(:name)", {"name": META})
        found = None
        if table is not None:
            rows = await self.run(f"SELECT value FROM {META} WHERE name = 'schema'", {})
            found = rows[0][0] if rows else None
        if found is None:
            raise LedgerError(
                "the database holds no ledger yet: run `apivideo distributed init` first"
            )
        if found != str(SCHEMA_VERSION):
            raise LedgerError(
                f"the ledger in the database has the layout {found}, this version of apivideo-async reads "
                f"{SCHEMA_VERSION}: use the same version everywhere"
            )

    async def init(self) -> None:
        """Create the tables. Existing tables are kept."""
        version = f"INSERT INTO {META} VALUES ('schema', '{SCHEMA_VERSION}') ON CONFLICT (name) DO NOTHING"
        await self.make(*schema(POSTGRES), version)
        await self._check()

    async def make(self, *statements: str) -> None:
        """Execute statements that create tables, in one transaction.

        An advisory lock prevents two processes from doing this at the same time.
        """
        # Fail after ``INIT_WAIT`` instead of blocking the workers that queue behind this
        # transaction.
        limit, lock = (
            f"SET LOCAL lock_timeout = '{INIT_WAIT:g}s'",
            f"SELECT pg_advisory_xact_lock({LOCK})",
        )
        await self.script(limit, lock, *statements)

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute a statement and return its rows. Waits while the database is unavailable.

        Raises ``LedgerError``, or ``SourceError`` when the database refuses a value.
        """

        return await self.repeat(
            lambda connection: _run(connection, statement, parameters), _shortened(statement)
        )

    async def script(self, *statements: str, **parameters: Any) -> list[list[Any]]:
        """Execute statements in one transaction and one message; return the rows of each.

        No lock is held while the server waits for this process. Each statement sees what other
        transactions committed before it began. Without ``parameters``, the statements are sent
        unchanged. Otherwise, the values are written into the text.
        """

        async def send(connection: AsyncConnection[Any]) -> list[list[Any]]:
            # PostgreSQL does not accept several statements with separate parameters. The client
            # cursor writes the parameters into the text instead.
            async with AsyncClientCursor(connection) as cursor:
                text = ";\n".join(statements)
                await cursor.execute(
                    cast("Any", _translated(text) if parameters else text), parameters or None
                )
                rows = [await cursor.fetchall() if cursor.description else []]
                while cursor.nextset():
                    rows.append(await cursor.fetchall() if cursor.description else [])
                return rows

        return await self.repeat(send, _shortened(statements[-1]))

    async def change(
        self, name: str, step: Callable[[dict[str, Any] | None, float], tuple[dict[str, Any], T]]
    ) -> T:
        """Replace a state of the request budget and return the result of ``step``.

        ``step`` gets the current state (None at first) and the database's clock, and returns the
        new state and the result. It may be called several times.

        The clock is read together with the state. If the state is still the same when the new one
        is written, no other worker changed it between the time that ``step`` was given and the
        write.
        """

        async def exchange(connection: AsyncConnection[Any]) -> T:
            lost, pause = 0, BACKOFF[0]
            while True:
                async with _turn(connection, locked=lost >= OPTIMISTIC) as lock:
                    read = f"SELECT (SELECT state FROM {BUDGET} WHERE name = :name {lock}), {POSTGRES.now}"
                    # Compare-and-swap: read, compute, and write only if the state is still ``old``.
                    [(old, now)] = await _run(connection, read, {"name": name})
                    changed, result = step(None if old is None else json.loads(old), now)
                    if await _run(
                        connection, _SWAP, {"name": name, "old": old, "new": json.dumps(changed)}
                    ):
                        return result
                # Another worker changed the state first. Random pauses keep workers from colliding
                # again.
                lost += 1
                await asyncio.sleep(random.uniform(0, pause))  # noqa: S311
                pause = min(BACKOFF[1], pause * 2)

        return await self.repeat(exchange, f"the request budget of {name}")

    async def repeat(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]], what: str) -> T:
        """Execute ``work`` with a connection, and repeat it while the database is unavailable.

        ``what`` is the name of the work in the log. Raises ``LedgerError`` after ``patience``
        seconds or for any other database error, and ``SourceError`` when the database refuses a
        value.
        """
        clock = asyncio.get_running_loop().time
        waited, pause = 0.0, FIRST_PAUSE
        with self._delays.watched(what) as delay:
            while True:
                began = clock()
                try:
                    async with self.pool.connection(WAIT) as connection:
                        delay.pid = connection.info.backend_pid
                        return await work(connection)
                except _REFUSALS as error:
                    # The original error is not chained, because its further lines contain the
                    # value.
                    raise unstorable(error) from None
                except psycopg.Error as error:
                    if not _passes(error):
                        text = f"the ledger in the database cannot be used: {_first_line(error)}"
                        raise LedgerError(text) from error
                    if waited >= self.patience:
                        raise LedgerError(f"the database is away: {_first_line(error)}") from error
                    log.warning(
                        "the database is away, trying again in %.1f s: %s",
                        pause,
                        _first_line(error),
                    )
                delay.pid = None
                await asyncio.sleep(pause)
                # Only the time of attempts and pauses counts, so that a suspended process does not
                # give up at once when it resumes.
                waited += min(clock() - began, LONGEST_ATTEMPT)
                pause = min(LONGEST_PAUSE, pause * 2)

    async def _blockers(self, pid: int) -> str:
        """Describe the sessions that block a server process; "" if there are none."""
        async with self.pool.connection(WAIT) as connection:
            sessions = await _run(connection, _BLOCKERS, {"pid": pid})
        return ", ".join(
            f"process {session} of the server ({name or 'unnamed'}, {state} for {seconds:.0f} s) holds its lock"
            for session, name, state, seconds in sessions
        )

    async def __aenter__(self) -> Self:
        """Open the database."""
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the database."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the pool and cancel the logging of delays."""
        await self._delays.aclose()
        await self.pool.close()


# The UPDATE happens only if the stored state equals ``old``. The INSERT is for a state that does
# not exist yet.
_SWAP: Final = f"""INSERT INTO {BUDGET} AS had (name, state) VALUES (:name, :new) ON CONFLICT (name)
    DO UPDATE SET state = excluded.state WHERE had.state = CAST(:old AS TEXT) RETURNING name"""
# The seconds are those since the blocking session last changed its state.
_BLOCKERS: Final = """SELECT session.pid, application_name, state,
        CAST(EXTRACT(EPOCH FROM clock_timestamp() - state_change) AS DOUBLE PRECISION)
    FROM unnest(pg_blocking_pids(:pid)) AS blocking (pid) JOIN pg_stat_activity AS session USING (pid)"""


@asynccontextmanager
async def _turn(connection: AsyncConnection[Any], *, locked: bool) -> AsyncIterator[str]:
    """Yield the suffix of the SELECT that reads a state: ``FOR UPDATE`` with ``locked``.

    With ``locked``, the block is a transaction that the server ends after ``SILENCE`` seconds
    without a message.
    """
    if not locked:
        yield ""
        return
    async with connection.transaction():
        await connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{SILENCE:g}s'")
        # The row lock makes the following compare-and-swap succeed.
        yield "FOR UPDATE"


def _passes(error: psycopg.Error) -> bool:
    """Return True if a statement may succeed when it is repeated."""
    return isinstance(error, psycopg.OperationalError) or error.sqlstate in REPEATABLE


def _shortened(statement: str) -> str:
    """Return the beginning of a statement on one line, for the log. It has no parameter values."""
    text = " ".join(statement.split())
    return f"{text[:60]}…" if len(text) > 60 else text


def _first_line(error: BaseException) -> str:
    """Return the first line of psycopg's message, with secrets masked."""
    return masked(str(error).strip().split("\n", 1)[0]) or type(error).__name__
