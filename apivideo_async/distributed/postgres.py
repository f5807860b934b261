"""The ledger in PostgreSQL, for workers on many machines."""

import asyncio
import json
import logging
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ..errors import LedgerError
from ..ingest.sql import BUDGET, META, SCHEMA_VERSION, Dialect, schema
from ..masking import masked
from .dsn import check_dsn

__all__ = ["POSTGRES", "OneConnection", "PostgresDatabase"]

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
"""Seconds for a connection to be made."""
WAIT = 3.0
"""Seconds to wait for one of the pool before saying so."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Seconds between attempts to reach a database that went away."""
LOCK = 4_107_222
"""Of the advisory lock under which the tables are made."""


@lru_cache(maxsize=256)
def _translated(statement: str) -> str:
    """Write parameters as psycopg does."""
    return re.sub(r":([a-z_]+)", r"%(\1)s", statement.replace("%", "%%"))


async def _autocommit(connection: AsyncConnection[Any]) -> None:
    await connection.set_autocommit(True)


class OneConnection:
    """A ``Database`` within somebody's transaction."""

    dialect = POSTGRES

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run a statement. Raises ``psycopg.Error``."""
        cursor = await self._connection.execute(cast("Any", _translated(statement)), parameters)
        return await cursor.fetchall() if cursor.description else []

    async def aclose(self) -> None:
        """Leave the connection to its owner."""


class PostgresDatabase:
    """A pool of connections; ``init`` makes the tables, ``open`` expects them.

    A statement that meets a lost connection is repeated for ``patience`` seconds: every one of them may be.
    """

    dialect = POSTGRES

    def __init__(self, dsn: str, *, connections: int = 8, patience: float = 300.0) -> None:
        self._dsn = dsn
        self.patience = patience
        self.pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=connections,
            reconnect_timeout=CONNECT,  # It waits twice as long after each failure: a longer one finds it back late.
            open=False,
            kwargs={"connect_timeout": int(CONNECT), "row_factory": tuple_row},
            configure=_autocommit,
            check=AsyncConnectionPool.check_connection,
        )

    async def connect(self) -> None:
        """Open the pool. Raises ``LedgerError`` when the database cannot be reached."""
        if sys.platform == "win32" and isinstance(asyncio.get_running_loop(), asyncio.ProactorEventLoop):
            raise LedgerError(
                "psycopg needs another event loop on Windows: asyncio.run(..., loop_factory=asyncio.SelectorEventLoop)"
            )
        check_dsn(self._dsn)
        try:
            # One connection first: the pool would try for long and hide the reason.
            async with await AsyncConnection.connect(self._dsn, connect_timeout=int(CONNECT)):
                pass
            await self.pool.open(wait=True, timeout=CONNECT)
        except (psycopg.Error, PoolTimeout, OSError) as error:
            raise LedgerError(f"the database cannot be reached: {_first_line(error)}") from error

    async def open(self) -> None:
        """Connect, and check the tables."""
        await self.connect()
        try:
            await self._check()
        except BaseException:
            await self.aclose()
            raise

    async def _check(self) -> None:
        [(table,)] = await self.run("SELECT to_regclass(:name)", {"name": META})
        found = None
        if table is not None:
            rows = await self.run(f"SELECT value FROM {META} WHERE name = 'schema'", {})
            found = rows[0][0] if rows else None
        if found is None:
            raise LedgerError("the database holds no ledger yet: run `apivideo distributed init` first")
        if found != str(SCHEMA_VERSION):
            raise LedgerError(
                f"the ledger in the database has the layout {found}, this version of apivideo-async reads "
                f"{SCHEMA_VERSION}: use the same version everywhere"
            )

    async def init(self) -> None:
        """Make the tables, unless they are there."""

        async def make(connection: AsyncConnection[Any]) -> None:
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                for statement in schema(POSTGRES):
                    await connection.execute(cast("Any", statement))
                version = f"INSERT INTO {META} VALUES ('schema', %s) ON CONFLICT (name) DO NOTHING"
                await connection.execute(cast("Any", version), (str(SCHEMA_VERSION),))

        await self.repeat(make)
        await self._check()

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run a statement, when the database is back if it is away."""

        return await self.repeat(lambda connection: OneConnection(connection).run(statement, parameters))

    async def change(self, name: str, step: Callable[[dict[str, Any] | None, float], tuple[dict[str, Any], T]]) -> T:
        """Replace a state of the budget by what ``step`` makes of it and the database's clock."""

        async def exchange(connection: AsyncConnection[Any]) -> T:
            async with connection.transaction():
                new = f"INSERT INTO {BUDGET} VALUES (%s, 'null') ON CONFLICT DO NOTHING"
                lock = f"SELECT state FROM {BUDGET} WHERE name = %s FOR UPDATE"
                await connection.execute(cast("Any", new), (name,))
                [state] = await (await connection.execute(cast("Any", lock), (name,))).fetchone() or ("null",)
                [now] = await (await connection.execute(cast("Any", f"SELECT {POSTGRES.now}"))).fetchone() or (0.0,)
                changed, result = step(json.loads(state), now)
                update = f"UPDATE {BUDGET} SET state = %s WHERE name = %s"
                await connection.execute(cast("Any", update), (json.dumps(changed), name))
            return result

        return await self.repeat(exchange)

    async def repeat(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
        """Do something with a connection, and do it again while the database is away. Raises ``LedgerError``."""
        clock = asyncio.get_running_loop().time
        began, pause = clock(), FIRST_PAUSE
        while True:
            try:
                async with self.pool.connection(WAIT) as connection:
                    return await work(connection)
            except (psycopg.OperationalError, PoolTimeout) as error:
                if clock() - began >= self.patience:
                    raise LedgerError(f"the database is away: {_first_line(error)}") from error
                log.warning("the database is away, trying again in %.1f s: %s", pause, _first_line(error))
            except psycopg.Error as error:
                raise LedgerError(f"the ledger in the database cannot be used: {_first_line(error)}") from error
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    async def __aenter__(self) -> Self:
        """Open."""
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the pool."""
        await self.pool.close()


def _first_line(error: BaseException) -> str:
    """Return the first line of psycopg's message, without secrets."""
    return masked(str(error).strip().split("\n", 1)[0]) or type(error).__name__
