"""The smallest things that keep a budget: a file of SQLite, a table of PostgreSQL."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")
Step = Callable[[dict[str, Any] | None, float], tuple[dict[str, Any], T]]

TABLE = "CREATE TABLE IF NOT EXISTS apivideo_ingest_budget (name text PRIMARY KEY, state text)"


class SqliteBudget:
    def __init__(self, path: str) -> None:
        self._path = path
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(TABLE)
        connection.close()

    async def change(self, name: str, step: Step[T]) -> T:
        return await asyncio.to_thread(self._change, name, step)

    def _change(self, name: str, step: Step[T]) -> T:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=10)
        try:
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("BEGIN IMMEDIATE")
            found = connection.execute("SELECT state FROM apivideo_ingest_budget WHERE name = ?", (name,)).fetchone()
            state, result = step(json.loads(found[0]) if found else None, time.time())
            told = json.dumps(state, allow_nan=False)
            connection.execute("INSERT OR REPLACE INTO apivideo_ingest_budget VALUES (?, ?)", (name, told))
            connection.execute("COMMIT")
        finally:
            connection.close()
        return result

    async def aclose(self) -> None:
        pass


class PostgresBudget:
    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._lock = asyncio.Lock()
        self._connection: psycopg.AsyncConnection | None = None

    async def change(self, name: str, step: Step[T]) -> T:
        async with self._lock:
            if self._connection is None or self._connection.closed:
                self._connection = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
            async with self._connection.transaction():
                return await self._change(self._connection, name, step)

    async def _change(self, connection: psycopg.AsyncConnection, name: str, step: Step[T]) -> T:
        mine = "INSERT INTO apivideo_ingest_budget VALUES (%s, NULL) ON CONFLICT DO NOTHING"
        await connection.execute(mine, (name,))
        cursor = await connection.execute(
            "SELECT state FROM apivideo_ingest_budget WHERE name = %s FOR UPDATE", (name,)
        )
        found = await cursor.fetchone()
        cursor = await connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        now = await cursor.fetchone()
        assert found is not None
        assert now is not None
        state, result = step(json.loads(found[0]) if found[0] else None, now[0])
        told = json.dumps(state, allow_nan=False)
        await connection.execute("UPDATE apivideo_ingest_budget SET state = %s WHERE name = %s", (told, name))
        return result

    async def aclose(self) -> None:
        if self._connection is not None:
            await self._connection.close()


async def open_budget(where: str) -> SqliteBudget | PostgresBudget:
    """``where``: a DSN, or the path of a file."""
    if not where.startswith("postgresql:"):
        return SqliteBudget(where)
    await create_table(where)
    return PostgresBudget(where)


async def create_table(dsn: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("SELECT pg_advisory_lock(1)")  # Two that create at once would collide.
        await connection.execute(TABLE)
