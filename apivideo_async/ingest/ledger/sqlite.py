"""The ledger in one SQLite file: written by one thread, which commits what has come together at once."""

import asyncio
import contextlib
import json
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ...errors import LedgerError
from ...private_files import create_private, make_private_folder, restrict
from .rows import unstorable
from .sql import BUDGET, META, SCHEMA_VERSION, Dialect, SqlLedger, schema

__all__ = ["SqliteDatabase", "open_sqlite_ledger"]

T = TypeVar("T")

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

SQLITE = Dialect(
    now="((julianday('now') - 2440587.5) * 86400.0)",
    serial="INTEGER PRIMARY KEY AUTOINCREMENT",
    skip_locked="",
    elements="json_each(:items)",
    member="json_extract(value, '$.{}')",
)
GROUP = 500
"""Statements in one transaction at most."""
SLOW, BUSY = 2.0, 30.0
"""Seconds to wait for another process that writes: until that is logged, and until it is an error.

A process holds the lock for milliseconds, unless it is suspended in just that time; SQLite cannot take it away then.
"""

_Work = Callable[[sqlite3.Connection], Any]


class SqliteDatabase:
    """One file. WAL with ``synchronous=NORMAL``: a killed process loses nothing; a machine that loses power may lose
    the last moments, after which the search for the key finds what was made in them.
    """

    dialect = SQLITE

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: queue.SimpleQueue[tuple[_Work, asyncio.Future[Any], bool] | None] = queue.SimpleQueue()
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
            connection.execute(f"PRAGMA busy_timeout = {SLOW * 1000:.0f}")
            # Reading needs no lock: another process may hold it for long. Before the tables: those of another layout
            # need not have the columns that an index names.
            found = self._layout(connection)
            if found is None:
                self._begin(connection)
                for statement in schema(SQLITE):
                    connection.execute(statement)
                version = f"INSERT INTO {META} VALUES ('schema', ?) ON CONFLICT (name) DO NOTHING"
                connection.execute(version, (str(SCHEMA_VERSION),))
                found = self._layout(connection)
                connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            if connection is not None:
                connection.close()
            raise self._error(error) from error
        if found not in (None, str(SCHEMA_VERSION)):
            connection.close()
            raise LedgerError(
                f"the ledger {self.path} has the layout {found}, this version of apivideo-async reads "
                f"{SCHEMA_VERSION}: use the version that made it, or another ledger"
            )
        for suffix in ("", "-wal", "-shm", "-run"):  # It is a ledger, so its files are for their owner only.
            restrict(real.with_name(real.name + suffix))
        return connection

    def _layout(self, connection: sqlite3.Connection) -> Any:
        """Read the number of the layout; None for a file without tables of a ledger."""
        table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        if not connection.execute(table, (META,)).fetchall():
            return None
        rows = connection.execute(f"SELECT value FROM {META} WHERE name = 'schema'").fetchall()
        return rows[0][0] if rows else None

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Begin a transaction that writes; log when another process holds the lock for long."""
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
        else:
            return
        log.warning("the ledger %s: another process holds its write lock; is it suspended?", self.path)
        connection.execute(f"PRAGMA busy_timeout = {(BUSY - SLOW) * 1000:.0f}")
        try:
            connection.execute("BEGIN IMMEDIATE")
        finally:
            connection.execute(f"PRAGMA busy_timeout = {SLOW * 1000:.0f}")
        log.warning("the ledger %s can be written again", self.path)

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
        except sqlite3.Error as error:
            if _code(error) == sqlite3.SQLITE_BUSY:
                raise LedgerError(
                    f"another run is ingesting with the ledger {self.path}: wait for it, or choose another ledger"
                ) from error
            if _code(error) in _DAMAGED:
                raise LedgerError(
                    f"{self.path}-run, with which runs keep out each other, holds something else ({error}): move that "
                    "file away, or choose another ledger"
                ) from error
            raise self._error(error) from error

    async def unlock(self) -> None:
        """Let others work with it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run a statement; it is on disk when this returns. Raises as ``Database.run`` does."""
        reads = statement.startswith("SELECT")
        rows: list[Any] = await self._do(lambda connection: connection.execute(statement, parameters).fetchall(), reads)
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

    async def _do(self, work: _Work, reads: bool = False) -> Any:
        if self._thread is None or self._loop is None:
            raise LedgerError(f"the ledger {self.path} is closed")
        done: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.put((work, done, reads))
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
        """Do all of it in one transaction; when that fails, all of it failed.

        A refused value is the failure of its own statement, which SQLite undoes by itself.
        """
        results: list[tuple[Any, Any, BaseException | None]] = []
        try:
            if all(reads for _, _, reads in group):
                connection.execute("BEGIN")  # Waits for no other process.
            else:
                self._begin(connection)
            for work, done, _ in group:
                try:
                    results.append((done, work(connection), None))
                except (sqlite3.Error, OverflowError, UnicodeError) as error:
                    if not _refused(error):
                        raise
                    results.append((done, None, unstorable(error)))
                except Exception as error:  # Of a step that was handed in; nothing was written for it.
                    results.append((done, None, error))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            return [(done, None, self._error(error)) for _, done, _ in group]
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
        if _code(error) == sqlite3.SQLITE_CORRUPT:
            advice = (
                "it is damaged: restore it from a copy, or choose another ledger, which finds the videos that exist by "
                "their keys"
            )
        elif "locked" in text:
            advice = "another process is writing to it: end that process, or let it go on, then run this command again"
        elif "full" in text or "No space" in text:
            advice = "make room on its disk, then run the same command again: nothing is lost"
        elif "not a database" in text:
            advice = "name a ledger that apivideo made, or a file that does not exist yet"
        elif "open" in text or "read" in text or isinstance(error, OSError):
            advice = "check the path and its permissions"
        else:
            advice = "run the same command again: what was committed is safe"
        return LedgerError(f"the ledger {self.path} cannot be used ({text}): {advice}")


_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_VALUES = (sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE)
"""Codes of errors about a value."""


def _code(error: Exception) -> int | None:
    """Return SQLite's primary error code; None for an error that Python's module made."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _refused(error: Exception) -> bool:
    """Tell whether the database is fine and refused a value."""
    if isinstance(error, OverflowError | UnicodeError | sqlite3.DataError):
        return True
    # Python's module reports a parameter of an unknown type without a code.
    return _code(error) in _VALUES or (_code(error) is None and "binding" in str(error))


async def open_sqlite_ledger(path: Path) -> SqlLedger:
    """Open a ledger, or make it. Raises ``LedgerError``."""
    database = SqliteDatabase(path)
    await database.open()
    return SqlLedger(database)
