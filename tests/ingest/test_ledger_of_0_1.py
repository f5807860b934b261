"""Ledgers with the tables and the content that version 0.1 wrote remain usable."""

import json
import sqlite3
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import psycopg
import pytest

from apivideo_async.distributed.postgres import PostgresDatabase
from apivideo_async.errors import LedgerError
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.ledger.database import SCHEMA_VERSION
from apivideo_async.ingest.ledger.ledger import Ledger, Usage
from apivideo_async.ingest.ledger.sqlite import open_sqlite_ledger

from .ingesting import records_of

TABLES = """CREATE TABLE apivideo_ingest_items (
    number {serial}, key TEXT NOT NULL UNIQUE, uri TEXT NOT NULL, size BIGINT, version TEXT,
    fields TEXT NOT NULL, strategy TEXT NOT NULL, state TEXT NOT NULL, way TEXT, video_id TEXT,
    contested INTEGER NOT NULL DEFAULT 0, owner TEXT, fence BIGINT NOT NULL DEFAULT 0,
    due DOUBLE PRECISION, attempts INTEGER NOT NULL DEFAULT 0, cause TEXT, message TEXT,
    sent BIGINT NOT NULL DEFAULT 0, added_at DOUBLE PRECISION NOT NULL,
    started_at DOUBLE PRECISION, created_at DOUBLE PRECISION, finished_at DOUBLE PRECISION);
CREATE INDEX apivideo_ingest_items_due ON apivideo_ingest_items (due, number)
    WHERE due IS NOT NULL;
CREATE INDEX apivideo_ingest_items_owner ON apivideo_ingest_items (owner)
    WHERE owner IS NOT NULL;
CREATE TABLE apivideo_ingest_usage (
    owner TEXT NOT NULL, minute BIGINT NOT NULL, limit_class TEXT NOT NULL,
    requests BIGINT NOT NULL, refused BIGINT NOT NULL, allowed BIGINT,
    PRIMARY KEY (minute, limit_class, owner));
CREATE TABLE apivideo_ingest_budget (name TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE apivideo_ingest_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO apivideo_ingest_meta VALUES
    ('schema', '1'), ('server', 'https://ws.api.video'), ('mark', 'abc');
INSERT INTO apivideo_ingest_usage VALUES ('one', 5, 'uploads', 3, 1, 100);
INSERT INTO apivideo_ingest_items
    (key, uri, size, fields, strategy, state, way, video_id, fence, due, added_at) VALUES
    ('pulled', 's3://bucket/a.mp4', 7, '{{"title": "A"}}', 'auto', 'uploading', 'pull', 'vi1', 3,
        1.0, 1.0),
    ('odd', '{odd}', NULL, '{{}}', 'stream', 'new', NULL, NULL, 0, 2.0, 1.0);"""
ODD = "/videos/nul\x00.mp4"


def tables(serial: str) -> str:
    return TABLES.format(serial=serial, odd="json:" + json.dumps(ODD))


@pytest.fixture(params=["sqlite", "postgresql"])
def reopen(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[], Coroutine[Any, Any, Ledger]]:
    if request.param == "sqlite":
        with sqlite3.connect(tmp_path / "l.db") as connection:
            connection.executescript(tables("INTEGER PRIMARY KEY AUTOINCREMENT"))
        connection.close()
        return lambda: open_sqlite_ledger(tmp_path / "l.db")
    dsn = request.getfixturevalue("postgres_dsn")
    with psycopg.connect(dsn) as connection:
        connection.execute(tables("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"))

    async def connect() -> Ledger:
        database = PostgresDatabase(dsn, outage_timeout=5.0)
        await database.connect()
        with pytest.raises(LedgerError, match="run `apivideo distributed migrate`"):
            await database.init()
        assert await database.migrate() == "1"
        assert await database.migrate() == SCHEMA_VERSION
        return Ledger(database)

    return connect


async def test_a_ledger_of_version_0_1_can_be_read_and_continued(
    reopen: Callable[[], Coroutine[Any, Any, Ledger]],
) -> None:
    ledger = await reopen()
    await ledger.bind("https://ws.api.video")
    assert await ledger.mark() == "abc"
    assert await ledger.usage() == [
        Usage(minute=5, limit_class="uploads", requests=3, refused=1, allowed=100)
    ]
    pulled, odd = await records_of(ledger)
    assert (pulled.transfer, pulled.video_id, pulled.fence) == ("pull", "vi1", 3)
    assert odd.item == Item(key="odd", uri=ODD)
    assert await ledger.add([pulled.item, Item(key="new", uri="/new")]) == {"new"}
    claims = await ledger.claim("two", 2, 60.0)
    assert [(claim.key, claim.fence) for claim in claims] == [("pulled", 4), ("odd", 1)]
    await ledger.verifying(claims[0], 7)
    await ledger.done(claims[0])
    await ledger.creating(claims[1], 9, None, "stream")
    assert await ledger.created(claims[1], "vi2") == "vi2"
    states = {record.item.key: record.state for record in await records_of(ledger)}
    assert states == {"pulled": "done", "odd": "created", "new": "new"}
    await ledger.aclose()


async def test_a_copy_of_the_former_ledger_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "l.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(tables("INTEGER PRIMARY KEY AUTOINCREMENT"))
    connection.close()
    ledger = await open_sqlite_ledger(path)
    assert "a copy of the former one" in caplog.text
    await ledger.aclose()
    backup = tmp_path / "l.db.layout-1"
    assert backup.stat().st_mode & 0o077 == 0
    with sqlite3.connect(backup) as connection:
        [(version,)] = connection.execute(
            "SELECT value FROM apivideo_ingest_meta WHERE name = 'schema'"
        ).fetchall()
        [(count,)] = connection.execute("SELECT COUNT(*) FROM apivideo_ingest_items").fetchall()
    connection.close()
    assert (version, count) == ("1", 2)
    caplog.clear()
    await (await open_sqlite_ledger(path)).aclose()
    assert not caplog.text, "it is migrated once"
