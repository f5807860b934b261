"""The ledger in one SQLite file.

Theory of operation. One thread executes all statements. It commits everything that was queued
during the previous commit as one transaction, so that concurrent items share the cost of a commit.

Two locks protect the file. SQLite's own write lock is held for the milliseconds of a transaction. A
second file, with the suffix ``-run``, is locked for the whole run of an ingestion (``lock``), so
that two runs do not use one ledger at the same time.
"""

import asyncio
import contextlib
import errno
import json
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from attrs import define

from ...errors import LedgerError
from ...private_files import create_private, make_private_folder, restrict
from .database import MIGRATIONS, SCHEMA_VERSION, TABLES, Dialect, Queries, ledger_queries
from .ledger import Ledger
from .rows import unstorable
from .run_lock import LOCKED, open_locked, sqlite_code

__all__ = ["SqliteDatabase", "open_sqlite_ledger"]

T = TypeVar("T")

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

QUERIES: Final = ledger_queries(
    Dialect(
        now="((julianday('now') - 2440587.5) * 86400.0)",
        serial="INTEGER PRIMARY KEY AUTOINCREMENT",
        add_column="ADD COLUMN",
        skip_locked="",
        elements="json_each(:items)",
        member="json_extract(value, '$.{}')",
    )
)
GROUP = 500
"""Maximum number of statements in one transaction."""
SLOW = 2.0
"""Seconds to wait for another process's write lock until this is logged."""
BUSY = 30.0
"""Seconds to wait for another process's write lock until this is an error. A process holds the
lock for milliseconds, unless it is suspended in that time."""


@define(eq=False)
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    read_only: bool
    done: "asyncio.Future[Any]"
    result: Any = None
    error: Exception | None = None


class SqliteDatabase:
    """One SQLite file, in WAL mode with ``synchronous=NORMAL``.

    A killed process loses nothing. A machine that loses power may lose the last transactions; the
    search for the item's key then finds the containers that were created in that time.
    """

    queries: Queries = QUERIES

    def __init__(self, path: Path) -> None:
        self.path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        """Work for the thread; None ends the thread."""
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock: sqlite3.Connection | None = None
        """The connection whose open transaction is the lock of this run."""

    async def open(self) -> None:
        """Open or create the file. Raises ``LedgerError`` if it is no ledger of this version."""
        self._loop = asyncio.get_running_loop()
        connection = await asyncio.to_thread(self._connect)
        # A daemon thread does not keep the process alive if the ledger was not closed.
        self._thread = threading.Thread(
            target=self._execute, args=(connection,), name="apivideo-ledger", daemon=True
        )
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        try:
            # SQLite follows symbolic links. Its ``-wal`` and ``-shm`` files get the file's mode.
            real = Path(os.path.realpath(self.path))
            make_private_folder(real.parent)
            create_private(real)
            # isolation_level=None turns off the implicit transactions of Python's module.
            connection = sqlite3.connect(
                self.path, timeout=BUSY, isolation_level=None, check_same_thread=False
            )
            _use_wal(connection)
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(f"PRAGMA busy_timeout = {SLOW * 1000:.0f}")
            version = self._version(connection)
        except (sqlite3.Error, OSError) as error:
            if connection is not None:
                connection.close()
            raise self._error(error) from error
        if version != SCHEMA_VERSION:
            connection.close()
            raise LedgerError(
                f"the ledger {self.path} has the layout {version}, and this version of "
                f"apivideo-async reads {SCHEMA_VERSION}: use a newer version, or another ledger"
            )
        # Only now is it known that the file is a ledger, which holds private data.
        for suffix in ("", "-wal", "-shm", "-run"):
            restrict(real.with_name(real.name + suffix))
        return connection

    def _version(self, connection: sqlite3.Connection) -> str:
        """Return the version of the tables; create them in a file that has none."""
        # Reading does not wait for the write lock of another process. Creating indexes on tables of
        # another version could fail.
        if connection.execute(QUERIES["sqlite_has_tables"]).fetchone():
            found = connection.execute(QUERIES["schema_version"]).fetchone()
            if found is not None:
                version = str(found[0])
                return self._migrate(connection, version) if version in MIGRATIONS else version
        self._begin(connection)
        for name in TABLES:
            connection.execute(QUERIES[name])
        parameters = {"name": "schema", "value": SCHEMA_VERSION}
        [(version,)] = connection.execute(QUERIES["set_meta"], parameters).fetchall()
        connection.execute("COMMIT")
        return str(version)

    def _migrate(self, connection: sqlite3.Connection, version: str) -> str:
        """Change the tables to the present layout, after a copy was made; return its version."""
        backup = Path(f"{self.path}.layout-{version}")
        create_private(backup)
        with contextlib.closing(sqlite3.connect(backup)) as copy:
            connection.backup(copy)
        log.warning(
            "the ledger %s was changed to the layout %s; a copy of the former one is %s",
            self.path,
            SCHEMA_VERSION,
            backup,
            extra={"event": "ledger_migrated"},
        )
        self._begin(connection)
        # Another process may have been faster.
        [(now,)] = connection.execute(QUERIES["schema_version"]).fetchall()
        for name in MIGRATIONS.get(str(now), ()):
            connection.execute(QUERIES[name])
        connection.execute(QUERIES["set_schema"], {"schema": SCHEMA_VERSION}).fetchall()
        connection.execute("COMMIT")
        return SCHEMA_VERSION

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Begin a write transaction; log when another process holds the lock for long."""
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if sqlite_code(error) not in LOCKED:
                raise
        else:
            return
        # SQLite has waited for ``SLOW`` seconds. Wait for the rest of ``BUSY``.
        log.warning(
            "the ledger %s: another process holds its write lock and may be suspended",
            self.path,
            extra={"event": "ledger_locked"},
        )
        connection.execute(f"PRAGMA busy_timeout = {(BUSY - SLOW) * 1000:.0f}")
        try:
            connection.execute("BEGIN IMMEDIATE")
        finally:
            connection.execute(f"PRAGMA busy_timeout = {SLOW * 1000:.0f}")
        log.warning(
            "the ledger %s can be written again", self.path, extra={"event": "ledger_unlocked"}
        )

    async def lock(self) -> None:
        """Lock the ledger for this run, until ``unlock``, closing, or the end of the process.

        Raises ``LedgerError`` when another run holds the lock. The lock is an open transaction on a
        file of its own, which the operating system ends with the process.
        """
        try:
            self._lock = await asyncio.to_thread(open_locked, f"{self.path}-run")
        except (sqlite3.Error, OSError) as error:
            if sqlite_code(error) in LOCKED:
                raise LedgerError(
                    f"another run is ingesting with the ledger {self.path}: wait for it, or choose "
                    "another ledger"
                ) from error
            if sqlite_code(error) in _DAMAGED:
                raise LedgerError(
                    f"{self.path}-run, the lock file of the ledger, has other content ({error}): "
                    "move that file away, or choose another ledger"
                ) from error
            raise self._error(error) from error

    async def unlock(self) -> None:
        """Release the lock of this run."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute and commit a statement; return its rows. Raises as ``Database.run`` does."""
        rows: list[Any] = await self._submit(
            lambda connection: connection.execute(statement, parameters).fetchall(),
            read_only=statement.startswith("SELECT"),
        )
        return rows

    async def change(
        self, name: str, step: Callable[[dict[str, Any] | None, float], tuple[dict[str, Any], T]]
    ) -> T:
        """Replace a state of the request budget; see ``Budget.change``."""

        def work(connection: sqlite3.Connection) -> T:
            found = connection.execute(QUERIES["sqlite_read_budget"], {"name": name})
            state, now = found.fetchone()
            changed, result = step(None if state is None else json.loads(state), now)
            parameters = {"name": name, "state": json.dumps(changed)}
            connection.execute(QUERIES["sqlite_write_budget"], parameters)
            return result

        result: T = await self._submit(work, read_only=False)
        return result

    async def _submit(self, work: Callable[[sqlite3.Connection], Any], *, read_only: bool) -> Any:
        if self._thread is None or self._loop is None:
            raise LedgerError(f"the ledger {self.path} is closed")
        job = _Job(work, read_only, self._loop.create_future())
        self._jobs.put(job)
        return await job.done

    async def aclose(self) -> None:
        """Finish the queued work, close the file and release the lock of this run."""
        thread, self._thread = self._thread, None
        if thread is not None:
            # The thread commits all work queued before None.
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)
        await self.unlock()

    # -- executed in the thread

    def _execute(self, connection: sqlite3.Connection) -> None:
        with contextlib.closing(connection):
            ended = False
            while not ended:
                group = [self._jobs.get()]
                # Only this thread takes from the queue, so ``get`` does not block after ``empty``.
                while len(group) < GROUP and not self._jobs.empty():
                    group.append(self._jobs.get())
                ended = None in group
                jobs = [job for job in group if job is not None]
                self._commit(connection, jobs)
                self._deliver(jobs)

    def _commit(self, connection: sqlite3.Connection, jobs: list[_Job]) -> None:
        """Execute a group in one transaction.

        If the transaction fails, all work of the group fails. A value that the database refuses
        fails only its own statement, which SQLite rolls back without ending the transaction.
        """
        try:
            # Reading does not wait for the write lock of another process.
            if all(job.read_only for job in jobs):
                connection.execute("BEGIN")
            else:
                self._begin(connection)
            for job in jobs:
                try:
                    job.result = job.work(connection)
                except (sqlite3.Error, OverflowError, UnicodeError) as error:
                    if not _is_refusal(error):
                        raise
                    job.error = unstorable(error)
                # The caller's ``step`` failed before anything was written for it.
                except Exception as error:
                    job.error = error
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            for job in jobs:
                job.error = self._error(error)

    def _deliver(self, jobs: list[_Job]) -> None:
        """Set the futures in the event loop, because futures are not thread-safe."""

        def deliver() -> None:
            for job in jobs:
                if job.done.cancelled():
                    continue
                if job.error is None:
                    job.done.set_result(job.result)
                else:
                    job.done.set_exception(job.error)

        # If the loop is closed, no task waits for the results.
        with contextlib.suppress(RuntimeError):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(deliver)

    def _error(self, error: Exception) -> LedgerError:
        code = sqlite_code(error)
        if isinstance(error, OSError):
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            code = sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_CANTOPEN
        advice = _ADVICE.get(code, "run the same command again: no commit is lost")
        return LedgerError(f"the ledger {self.path} cannot be used ({error}): {advice}")


_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REFUSED: Final = (
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_RANGE,
)
"""SQLite error codes for a value that is refused."""
_ADVICE: Final[Mapping[int | None, str]] = {
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore it from a copy, or choose another ledger, "
    "which finds the videos that exist by their keys",
    **dict.fromkeys(
        LOCKED,
        "another process is writing to it: end that process or let it continue, then run this "
        "command again",
    ),
    sqlite3.SQLITE_FULL: "free space on its disk, then run the same command again: nothing is lost",
    sqlite3.SQLITE_NOTADB: "name a ledger that apivideo made, or a file that does not exist yet",
    **dict.fromkeys(
        (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM),
        "check the path and its permissions",
    ),
}


def _is_refusal(error: Exception) -> bool:
    """Return True when the database works but refused a value."""
    if isinstance(error, OverflowError | UnicodeError | sqlite3.DataError):
        return True
    # Python's module reports a parameter of an unsupported type by an error without a code.
    unsupported = isinstance(error, sqlite3.ProgrammingError) and sqlite_code(error) is None
    return unsupported or sqlite_code(error) in _REFUSED


async def open_sqlite_ledger(path: Path) -> Ledger:
    """Open a ledger file, or create it. Raises ``LedgerError``."""
    database = SqliteDatabase(path)
    await database.open()
    return Ledger(database)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn WAL on. SQLite does not wait if another connection does so at the same time."""
    deadline = time.monotonic() + BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if sqlite_code(error) not in LOCKED or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
