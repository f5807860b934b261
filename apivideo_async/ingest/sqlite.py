"""The ledger in one SQLite file: written by one thread, which commits what has come together at once."""

import asyncio
import contextlib
import json
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ..errors import LedgerError
from ..private_files import create_private, make_private_folder, restrict
from .sql import BUDGET, META, SCHEMA_VERSION, Dialect, SqlLedger, schema

__all__ = ["SqliteDatabase", "open_sqlite_ledger"]

T = TypeVar("T")

SQLITE = Dialect(
    now="((julianday('now') - 2440587.5) * 86400.0)",
    serial="INTEGER PRIMARY KEY AUTOINCREMENT",
    skip_locked="",
    elements="json_each(:items)",
    member="json_extract(value, '$.{}')",
)
GROUP = 500
"""Statements in one transaction at most."""
BUSY = 30.0
"""Seconds to wait for another process that writes."""

_Work = Callable[[sqlite3.Connection], Any]


class SqliteDatabase:
    """One file. WAL with ``synchronous=NORMAL``: a killed process loses nothing; a machine that loses power may lose
    the last moments, after which the search for the key finds what was made in them.
    """

    dialect = SQLITE

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: queue.SimpleQueue[tuple[_Work, asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file, or make it. Raises ``LedgerError`` when it is none, or of another version."""
        self._loop = asyncio.get_running_loop()
        connection = await asyncio.to_thread(self._connect)
        self._thread = threading.Thread(target=self._write, args=(connection,), name="apivideo-ledger", daemon=True)
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        try:
            # SQLite follows a symbolic link, and gives its other files the mode of this one.
            real = Path(os.path.realpath(self.path))
            make_private_folder(real.parent)
            create_private(real)
            connection = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("BEGIN IMMEDIATE")
            for statement in schema(SQLITE):
                connection.execute(statement)
            version = (
                f"INSERT INTO {META} AS had VALUES ('schema', ?) ON CONFLICT (name) DO UPDATE SET value = had.value"
            )
            [(found,)] = connection.execute(version + " RETURNING value", (str(SCHEMA_VERSION),)).fetchall()
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            if connection is not None:
                connection.close()
            raise self._error(error) from error
        if found != str(SCHEMA_VERSION):
            connection.close()
            raise LedgerError(
                f"the ledger {self.path} has the layout {found}, this version of apivideo-async reads "
                f"{SCHEMA_VERSION}: use the version that made it, or another ledger"
            )
        for suffix in ("", "-wal", "-shm", "-run"):  # It is a ledger, so its files are for their owner only.
            restrict(real.with_name(real.name + suffix))
        return connection

    async def lock(self) -> None:
        """Keep others from working with this ledger, until ``unlock``, or until this process closes it or dies.

        Raises ``LedgerError`` when another one does. A transaction that nobody ends is the lock: the system ends it
        with the process.
        """

        def take() -> sqlite3.Connection:
            run = f"{self.path}-run"
            try:
                create_private(Path(run))
            except OSError as error:
                raise self._error(error) from error
            connection = sqlite3.connect(run, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.Error:
                connection.close()
                raise
            return connection

        try:
            self._lock = await asyncio.to_thread(take)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise self._error(error) from error
            raise LedgerError(
                f"another run is ingesting with the ledger {self.path}: wait for it, or choose another ledger"
            ) from error

    async def unlock(self) -> None:
        """Let others work with it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run a statement; it is on disk when this returns."""
        rows: list[Any] = await self._do(lambda connection: connection.execute(statement, parameters).fetchall())
        return rows

    async def change(self, name: str, step: Callable[[dict[str, Any] | None, float], tuple[dict[str, Any], T]]) -> T:
        """Replace a state of the budget by what ``step`` makes of it and the database's clock."""

        def work(connection: sqlite3.Connection) -> T:
            query = f"SELECT state, {SQLITE.now} FROM (SELECT 1) LEFT JOIN {BUDGET} ON name = ?"
            state, now = connection.execute(query, (name,)).fetchone()
            changed, result = step(None if state is None else json.loads(state), now)
            connection.execute(f"INSERT OR REPLACE INTO {BUDGET} VALUES (?, ?)", (name, json.dumps(changed)))
            return result

        result: T = await self._do(work)
        return result

    async def _do(self, work: _Work) -> Any:
        if self._thread is None or self._loop is None:
            raise LedgerError(f"the ledger {self.path} is closed")
        done: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.put((work, done))
        return await done

    async def aclose(self) -> None:
        """Write what waits, and close the file."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            await asyncio.to_thread(thread.join)
        await self.unlock()

    # -- in the thread

    def _write(self, connection: sqlite3.Connection) -> None:
        with contextlib.closing(connection):
            ended = False
            while not ended:
                group = [self._waiting.get()]
                while len(group) < GROUP and not self._waiting.empty():  # Nobody else takes from it.
                    group.append(self._waiting.get())
                ended = None in group
                self._hand_over(self._commit(connection, [work for work in group if work is not None]))

    def _commit(self, connection: sqlite3.Connection, group: list[Any]) -> list[tuple[Any, Any, BaseException | None]]:
        """Do all of it in one transaction; when that fails, all of it failed."""
        results: list[tuple[Any, Any, BaseException | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for work, done in group:
                try:
                    results.append((done, work(connection), None))
                except sqlite3.Error:
                    raise
                except Exception as error:  # Of a step that was handed in; nothing was written for it.
                    results.append((done, None, error))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            return [(done, None, self._error(error)) for _, done in group]
        return results

    def _hand_over(self, results: list[tuple[Any, Any, BaseException | None]]) -> None:
        def tell() -> None:
            for done, result, error in results:
                if done.cancelled():
                    continue
                if error is None:
                    done.set_result(result)
                else:
                    done.set_exception(error)

        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits.
                self._loop.call_soon_threadsafe(tell)

    def _error(self, error: Exception) -> LedgerError:
        text = str(error)
        if "full" in text or "No space" in text:
            advice = "make room on its disk, then run the same command again: nothing is lost"
        elif "not a database" in text:
            advice = "name a ledger that apivideo made, or a file that does not exist yet"
        elif "open" in text or "read" in text or isinstance(error, OSError):
            advice = "check the path and its permissions"
        else:
            advice = "run the same command again: what was committed is safe"
        return LedgerError(f"the ledger {self.path} cannot be used ({text}): {advice}")


async def open_sqlite_ledger(path: Path) -> SqlLedger:
    """Open a ledger, or make it. Raises ``LedgerError``."""
    database = SqliteDatabase(path)
    await database.open()
    return SqlLedger(database)
