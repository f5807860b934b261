"""The ledger in one SQLite file.

Theory of operation. One thread executes all statements. It takes everything that has queued up
while the previous transaction was committed and commits it as one transaction. Many concurrent
items thus share the cost of a commit.

Two locks protect the file. SQLite's own write lock is held for the milliseconds of a transaction. A
second file, with the suffix ``-run``, is locked for the whole run of an ingestion (``lock``), so
that two runs do not use one ledger at the same time.
"""

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
"""Maximum number of statements in one transaction."""
SLOW, BUSY = 2.0, 30.0
"""Seconds to wait for another process's write lock: until a log message, and until an error.

A process holds the lock for milliseconds, unless it is suspended in just that time. SQLite
cannot take the lock away from it then."""

_Work = Callable[[sqlite3.Connection], Any]


class SqliteDatabase:
    """One SQLite file, in WAL mode with ``synchronous=NORMAL``.

    A killed process loses nothing. A machine that loses power may lose the last transactions; the
    search for the item's key then finds the containers that were created in that time.
    """

    dialect = SQLITE

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: queue.SimpleQueue[tuple[_Work, asyncio.Future[Any], bool] | None] = (
            queue.SimpleQueue()
        )
        """Work for the thread, its future, and whether it only reads; None ends the thread."""
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock: sqlite3.Connection | None = None
        """The connection whose open transaction is the lock of this run."""

    async def open(self) -> None:
        """Open the file, or create it, and start the thread.

        Raises ``LedgerError`` when the file is not a ledger or has another layout.
        """
        self._loop = asyncio.get_running_loop()
        connection = await asyncio.to_thread(self._connect)
        # A daemon thread does not keep the process alive if the ledger was not closed.
        self._thread = threading.Thread(
            target=self._write, args=(connection,), name="apivideo-ledger", daemon=True
        )
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        try:
            # SQLite follows a symbolic link, and gives the ``-wal`` and ``-shm`` files the mode of
            # the file.
            real = Path(os.path.realpath(self.path))
            make_private_folder(real.parent)
            create_private(real)
            connection = sqlite3.connect(
                self.path, timeout=BUSY, isolation_level=None, check_same_thread=False
            )
            # isolation_level=None turns off the implicit transactions of Python's module.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(f"PRAGMA busy_timeout = {SLOW * 1000:.0f}")
            # Read the layout before creating tables. Reading needs no lock, which another process
            # may hold for long, and a table of another layout may lack the columns that an index
            # names.
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
        # The file has proved to be a ledger. Its files hold private data, so restrict them to their
        # owner; other files are left unchanged.
        for suffix in ("", "-wal", "-shm", "-run"):
            restrict(real.with_name(real.name + suffix))
        return connection

    def _layout(self, connection: sqlite3.Connection) -> Any:
        """Return the version of the layout; None for a file without tables of a ledger."""
        table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        if not connection.execute(table, (META,)).fetchall():
            return None
        rows = connection.execute(f"SELECT value FROM {META} WHERE name = 'schema'").fetchall()
        return rows[0][0] if rows else None

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Begin a write transaction; log when another process holds the lock for long."""
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
        else:
            return
        # SQLite has waited for ``SLOW`` seconds. Wait for the rest of ``BUSY``.
        log.warning(
            "the ledger %s: another process holds its write lock; is it suspended?", self.path
        )
        connection.execute(f"PRAGMA busy_timeout = {(BUSY - SLOW) * 1000:.0f}")
        try:
            connection.execute("BEGIN IMMEDIATE")
        finally:
            connection.execute(f"PRAGMA busy_timeout = {SLOW * 1000:.0f}")
        log.warning("the ledger %s can be written again", self.path)

    async def lock(self) -> None:
        """Lock the ledger for this run, until ``unlock``, closing, or the end of the process.

        Raises ``LedgerError`` when another run holds the lock. The lock is an open transaction on a
        file of its own; the operating system releases it when the process ends, whatever the
        reason.
        """

        def take() -> sqlite3.Connection:
            run = f"{self.path}-run"
            try:
                create_private(Path(run))
            except OSError as error:
                raise self._error(error) from error
            connection = sqlite3.connect(
                run, timeout=0, isolation_level=None, check_same_thread=False
            )
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
        """Release the lock of this run."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute a statement and return its rows. Raises as ``Database.run`` does.

        The change is committed when this method returns.
        """
        # A transaction that only reads does not wait for the write lock of another process.
        reads = statement.startswith("SELECT")
        rows: list[Any] = await self._do(
            lambda connection: connection.execute(statement, parameters).fetchall(), reads
        )
        return rows

    async def change(
        self, name: str, step: Callable[[dict[str, Any] | None, float], tuple[dict[str, Any], T]]
    ) -> T:
        """Replace a state of the request budget and return the result of ``step``.

        ``step`` gets the current state (None at first) and the database's clock, and returns the
        new state and the result.
        """

        def work(connection: sqlite3.Connection) -> T:
            # The join returns one row with the clock, also when there is no state yet.
            query = f"SELECT state, {SQLITE.now} FROM (SELECT 1) LEFT JOIN {BUDGET} ON name = ?"
            state, now = connection.execute(query, (name,)).fetchone()
            changed, result = step(None if state is None else json.loads(state), now)
            connection.execute(
                f"INSERT OR REPLACE INTO {BUDGET} VALUES (?, ?)", (name, json.dumps(changed))
            )
            return result

        result: T = await self._do(work)
        return result

    async def _do(self, work: _Work, reads: bool = False) -> Any:
        """Queue work for the thread and wait until it is committed."""
        if self._thread is None or self._loop is None:
            raise LedgerError(f"the ledger {self.path} is closed")
        done: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.put((work, done, reads))
        return await done

    async def aclose(self) -> None:
        """Finish the queued work, close the file and release the lock of this run."""
        thread, self._thread = self._thread, None
        if thread is not None:
            # The thread commits all work queued before None.
            self._waiting.put(None)
            await asyncio.to_thread(thread.join)
        await self.unlock()

    # -- executed in the thread

    def _write(self, connection: sqlite3.Connection) -> None:
        """Execute the queued work in groups, until None is taken from the queue."""
        with contextlib.closing(connection):
            ended = False
            while not ended:
                group = [self._waiting.get()]
                # Only this thread takes from the queue, so ``get`` does not block after ``empty``.
                while len(group) < GROUP and not self._waiting.empty():
                    group.append(self._waiting.get())
                ended = None in group
                self._hand_over(
                    self._commit(connection, [work for work in group if work is not None])
                )

    def _commit(
        self, connection: sqlite3.Connection, group: list[Any]
    ) -> list[tuple[Any, Any, BaseException | None]]:
        """Execute a group in one transaction; return each future with its result or error.

        If the transaction fails, all work of the group fails. A value that the database refuses
        fails only its own statement, which SQLite rolls back without ending the transaction.
        """
        results: list[tuple[Any, Any, BaseException | None]] = []
        try:
            if all(reads for _, _, reads in group):
                # A deferred transaction that only reads takes no write lock.
                connection.execute("BEGIN")
            else:
                self._begin(connection)
            for work, done, _ in group:
                try:
                    results.append((done, work(connection), None))
                except (sqlite3.Error, OverflowError, UnicodeError) as error:
                    if not _refused(error):
                        raise
                    results.append((done, None, unstorable(error)))
                # The caller's ``step`` failed before anything was written for it.
                except Exception as error:
                    results.append((done, None, error))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            return [(done, None, self._error(error)) for _, done, _ in group]
        return results

    def _hand_over(self, results: list[tuple[Any, Any, BaseException | None]]) -> None:
        """Set the futures in the event loop, because futures are not thread-safe."""

        def tell() -> None:
            for done, result, error in results:
                if done.cancelled():
                    continue
                if error is None:
                    done.set_result(result)
                else:
                    done.set_exception(error)

        if self._loop is not None:
            # The loop is closed, so no task waits for the result.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(tell)

    def _error(self, error: Exception) -> LedgerError:
        """Return a ``LedgerError`` that says what to do about an error of SQLite."""
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
_VALUES = (
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_RANGE,
)
"""SQLite error codes about a value."""


def _code(error: Exception) -> int | None:
    """Return SQLite's primary error code; None for errors raised by Python's module itself."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _refused(error: Exception) -> bool:
    """Return True when the database works but refused a value."""
    if isinstance(error, OverflowError | UnicodeError | sqlite3.DataError):
        return True
    # Python's module reports a parameter of an unsupported type without a code.
    return _code(error) in _VALUES or (_code(error) is None and "binding" in str(error))


async def open_sqlite_ledger(path: Path) -> SqlLedger:
    """Open a ledger file, or create it. Raises ``LedgerError``."""
    database = SqliteDatabase(path)
    await database.open()
    return SqlLedger(database)
