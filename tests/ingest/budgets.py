"""Storage of budgets: the two real databases, and a file that can be removed while in use."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from apivideo_async.distributed.postgres import PostgresDatabase
from apivideo_async.ingest.ledger.sqlite import SqliteDatabase

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
            found = connection.execute(
                "SELECT state FROM apivideo_ingest_budget WHERE name = ?", (name,)
            ).fetchone()
            state, result = step(json.loads(found[0]) if found else None, time.time())
            stored = json.dumps(state, allow_nan=False)
            connection.execute(
                "INSERT OR REPLACE INTO apivideo_ingest_budget VALUES (?, ?)", (name, stored)
            )
            connection.execute("COMMIT")
        finally:
            connection.close()
        return result

    async def aclose(self) -> None:
        pass


async def open_budget(where: str) -> SqliteDatabase | PostgresDatabase:
    """``where``: a DSN, or the path of a file."""
    if not where.startswith("postgresql:"):
        file = SqliteDatabase(Path(where))
        await file.open()
        return file
    await create_table(where)
    database = PostgresDatabase(
        where, outage_timeout=0.1
    )  # What waits for the database is what is tested.
    await database.open()
    return database


async def create_table(dsn: str) -> None:
    database = PostgresDatabase(dsn)
    await database.connect()
    await database.init()
    await database.aclose()
