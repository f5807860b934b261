"""A process was suspended while it wrote to a SQLite ledger: reads work, writers log the wait."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from apivideo_async.errors import LedgerError
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.ledger import sqlite
from apivideo_async.ingest.ledger.ledger import Ledger
from apivideo_async.ingest.ledger.sqlite import open_sqlite_ledger

ITEM = Item(key="key", uri="/videos/1.mp4")


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    async with aclosing(await open_sqlite_ledger(tmp_path / "ledger.db")) as ledger:
        await ledger.add([ITEM])
    return tmp_path / "ledger.db"


@pytest.fixture
def frozen(path: Path) -> Iterator[sqlite3.Connection]:
    """What such a process holds."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


@pytest.fixture
async def ledger(path: Path, frozen: sqlite3.Connection) -> AsyncIterator[Ledger]:
    async with aclosing(await open_sqlite_ledger(path)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "SLOW", 0.05)


async def test_the_ledger_can_be_opened_and_read(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", 0.1)
    assert (await ledger.totals()).open == 1
    assert [record.item async for record in ledger.records()] == [ITEM]
    assert await ledger.record("key") is not None
    assert caplog.records == []


async def test_a_change_waits_for_it_and_the_log_says_so(
    ledger: Ledger, frozen: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        claiming = asyncio.create_task(ledger.claim("one", 1, 60.0))
        async with asyncio.timeout(20):
            while "another process holds its write lock" not in caplog.text:
                await asyncio.sleep(0.01)
        frozen.execute("ROLLBACK")
        assert len(await claiming) == 1
    assert "can be written again" in caplog.text


async def test_a_change_that_waits_for_too_long_is_an_error_that_says_what_to_do(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", 0.1)
    with pytest.raises(LedgerError, match="another process is writing to it: end that process"):
        await ledger.claim("one", 1, 60.0)
    assert (await ledger.totals()).open == 1


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (sqlite3.SQLITE_CORRUPT, "restore it from a copy"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "another process is writing to it"),
        (sqlite3.SQLITE_LOCKED, "another process is writing to it"),
        (sqlite3.SQLITE_FULL, "free space on its disk"),
        (sqlite3.SQLITE_NOTADB, "name a ledger that apivideo made"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "check the path and its permissions"),
        (sqlite3.SQLITE_IOERR_READ, "run the same command again"),
        (None, "run the same command again"),
    ],
)
async def test_an_error_of_sqlite_is_classified_by_its_code(
    path: Path, code: int | None, advice: str
) -> None:
    """Not by its text, which depends on the version of SQLite."""

    def fail(_: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("a text that is full, locked, and not a database")
        if code is not None:
            error.sqlite_errorcode = code
        raise error

    database = sqlite.SqliteDatabase(path)
    await database.open()
    with pytest.raises(LedgerError, match=advice):
        await database._submit(fail, read_only=False)
    await database.aclose()


async def test_reads_and_changes_that_come_together_are_all_done(path: Path) -> None:
    async with aclosing(await open_sqlite_ledger(path)) as ledger:
        more = [Item(key=str(number), uri=f"/{number}.mp4") for number in range(50)]
        changes = [asyncio.create_task(ledger.add([item])) for item in more]
        reads = [asyncio.create_task(ledger.record(item.key)) for item in more]
        assert [await change for change in changes] == [{item.key} for item in more]
        assert [record.item for record in [await read for read in reads] if record] == more


def test_turning_wal_on_waits_for_another_connection_that_does_so() -> None:
    """SQLite answers at once that the file is locked, without its usual wait."""
    from apivideo_async.ingest.ledger import sqlite as module

    class Connection:
        calls = 0

        def execute(self, statement: str) -> None:
            self.calls += 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = (0, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, 0)[
                self.calls
            ]
            if self.calls < 3:
                raise error

    busy = Connection()
    with pytest.raises(sqlite3.OperationalError):
        module._use_wal(busy)  # type: ignore[arg-type]
    assert busy.calls == 2, "the lock is waited for, another error is not"
    module._use_wal(busy)  # type: ignore[arg-type]
