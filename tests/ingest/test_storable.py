"""An item with data that a database refuses fails alone, on SQLite and PostgreSQL."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from apivideo_async import ApiVideoClient
from apivideo_async.distributed import Distributed, init_database
from apivideo_async.distributed.postgres import PostgresDatabase
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.errors import LedgerError, SourceError
from apivideo_async.ingest.ingestion import Ingest
from apivideo_async.ingest.items import LARGEST_INTEGER, Item
from apivideo_async.ingest.ledger.ledger import Ledger, Usage
from apivideo_async.ingest.ledger.sqlite import open_sqlite_ledger
from apivideo_async.ingest.listing.sources import web_item
from tests.distributed.conftest import files, make_worker, until, working

from .conftest import Serve
from .ingesting import ITEMS, QUICK_OPTIONS, MakeItems, all_of, records_of

ENGINES = ["sqlite", "postgresql"]
TEXT = st.one_of(
    st.text(st.characters()),
    st.text(st.sampled_from("%:'\"\\{}\x00\x01\ud800\udfff\u202e\n"), max_size=9),
    st.builds(
        "".join,
        st.tuples(st.sampled_from(["escaped:", 'json:"']), st.text(st.characters(), max_size=9)),
    ),
)
HUGE = st.one_of(
    st.integers(), st.sampled_from([-1, 0, LARGEST_INTEGER, LARGEST_INTEGER + 1, 2**64, 10**400])
)


async def opened(engine: str, request: pytest.FixtureRequest, folder: Path) -> Ledger:
    if engine == "sqlite":
        return await open_sqlite_ledger(folder / "ledger.db")
    database = PostgresDatabase(request.getfixturevalue("postgres_dsn"), outage_timeout=5.0)
    await database.connect()
    await database.init()
    return Ledger(database)


@pytest.fixture(params=ENGINES)
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    if request.param == "postgresql":
        request.getfixturevalue("postgres_dsn")
    ledger = await opened(request.param, request, tmp_path)
    yield ledger
    await ledger.aclose()


# -- fuzzed


@pytest.fixture(params=ENGINES)
def runner(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[asyncio.Runner, Ledger]]:
    """A loop of its own, for hypothesis, and a ledger that is open in it."""
    if request.param == "postgresql":
        request.getfixturevalue("postgres_dsn")
    with asyncio.Runner() as runner:
        ledger = runner.run(opened(request.param, request, tmp_path))
        yield runner, ledger
        runner.run(ledger.aclose())


def test_all_text_and_numbers_from_outside_pass_through_the_ledger(
    runner: tuple[asyncio.Runner, Ledger],
) -> None:
    """They are stored exactly or refused with ``SourceError``; the ledger remains usable."""
    loop, ledger = runner

    @settings(max_examples=50)
    @given(TEXT, TEXT, HUGE, TEXT, TEXT, TEXT, HUGE)
    def store(
        uri: str, version: str, size: int, title: str, video_id: str, failure: str, allowed: int
    ) -> None:
        loop.run(passes(ledger, uri, version, size, title, video_id, failure, abs(allowed)))

    store()


async def passes(
    ledger: Ledger,
    uri: str,
    version: str,
    size: int,
    title: str,
    video_id: str,
    failure: str,
    allowed: int,
) -> None:
    await ledger.database.run(f"DELETE FROM {ITEMS}", {})
    good = Item(key="good", uri="/good", size=LARGEST_INTEGER)
    fitting = 0 <= size <= LARGEST_INTEGER
    try:
        item = Item(key="odd", uri=uri, version=version, size=size, fields={"title": title})
        assert fitting
    except SourceError:
        assert not fitting
        item = Item(key="odd", uri=uri, version=version, fields={"title": ascii(title)})
    assert await ledger.add([good, item]) == {"good", "odd"}
    record = await ledger.claim_key(failure, "odd", 60)
    assert record is not None
    assert (record.item.uri, record.item.version, record.item.size) == (uri, version, item.size)
    assert record.owner == failure
    claim = record
    await ledger.creating(claim, 5, version, "stream")
    assert await ledger.created(claim, video_id) == video_id
    await ledger.later(claim, 0.0, failure, failure)
    again = await ledger.claim_key("two", "odd", 60)
    assert again is not None
    assert (again.video_id, again.cause, again.message) == (video_id, failure, failure)
    await ledger.fail(again, failure, failure)
    await ledger.note_usage(
        failure, [Usage(minute=1, limit_class="reads", requests=1, allowed=allowed)]
    )
    assert all((one.allowed or 0) <= LARGEST_INTEGER for one in await ledger.usage())
    assert (await ledger.totals()).count() == 2
    assert {one.item.key async for one in ledger.records()} == {"good", "odd"}


# -- entering


def unstorable_item(number: int) -> Item:
    """An item that became unusable after it was checked."""
    item = Item(key=f"key-{number}", uri=f"/{number}")
    item.fields["moment"] = object()
    return item


@pytest.mark.parametrize("where", [0, 250, 499])
async def test_one_bad_item_of_a_batch_is_reported_and_the_others_are_entered(
    ledger: Ledger, where: int
) -> None:
    items = [Item(key=f"key-{number}", uri=f"/{number}") for number in range(500)]
    items[where] = unstorable_item(where)
    refused: list[tuple[Item, SourceError]] = []
    new = await ledger.add(items, lambda item, error: refused.append((item, error)))
    assert new == {f"key-{number}" for number in range(500) if number != where}
    [(item, error)] = refused
    assert item is items[where]
    assert "not JSON" in str(error)
    assert (await ledger.totals()).count() == 499


async def test_an_item_that_is_left_out_is_logged_unless_it_is_reported(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    assert await ledger.add([unstorable_item(1), Item(key="key-2", uri="/2")]) == {"key-2"}
    assert "/1 is left out" in caplog.text


async def test_a_bad_item_is_a_failed_result_of_the_run_and_stops_nothing(
    client: ApiVideoClient, make_items: MakeItems, tmp_path: Path
) -> None:
    bad = unstorable_item(1)
    async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
        results = await all_of(ingest, [*make_items(3), bad])
        assert sorted(result.outcome for result in results) == ["done", "done", "done", "failed"]
        [failed] = [result for result in results if result.outcome == "failed"]
        assert isinstance(failed.error, SourceError)
        assert (failed.item.key, ingest.activity.refused, ingest.activity.known) == (bad.key, 1, 0)
        assert await ingest.add([unstorable_item(2), Item(key="later", uri="/later")]) == 1


async def test_a_bad_item_does_not_keep_others_from_the_workers(postgres_dsn: str) -> None:
    await init_database(postgres_dsn)
    async with Distributed(postgres_dsn, outage_timeout=5.0) as shared:
        added = await shared.defer_ingest(
            [Item(key="a", uri="/a"), unstorable_item(1), Item(key="b", uri="/b")]
        )
        assert (added.keys, added.new) == (["a", "b"], {"a", "b"})
        [(item, error)] = added.refused
        assert (item.key, type(error)) == ("key-1", SourceError)
        assert (await shared.totals()).open == 2


@pytest.mark.parametrize(
    "given",
    [
        {"size": -1},
        {"size": LARGEST_INTEGER + 1},
        {"size": 10**5000},
        {"size": 1.5},
        {"size": True},
        {"size": "5"},
        {"key": ""},
        {"key": "nul\x00"},
        {"key": "x" * 501},
        {"key": None},
        {"uri": None},
        {"version": 5},
        {"fields": ["title"]},
        {"strategy": "push"},
    ],
    ids=lambda given: "-".join(given),
)
def test_an_item_that_cannot_be_is_refused_where_it_is_made(given: dict[str, Any]) -> None:
    with pytest.raises(SourceError):
        Item(**{"key": "k", "uri": "/a", **given})


# -- the databases' own refusals


@pytest.mark.parametrize("value", ["\x00", "\ud800", 2**63, 10**30])
async def test_a_value_that_a_database_refuses_is_no_failure_of_the_database(
    ledger: Ledger, value: Any
) -> None:
    """Without the earlier checks. Other statements of the same group succeed."""
    column = "version" if isinstance(value, str) else "size"
    kind = "TEXT" if isinstance(value, str) else "BIGINT"
    await ledger.add([Item(key="k", uri="/k")])
    bad = ledger.database.run(
        f"UPDATE {ITEMS} SET {column} = CAST(:value AS {kind})", {"value": value}
    )
    refused, found, new = await asyncio.gather(
        bad, ledger.record("k"), ledger.add([Item(key="l", uri="/l")]), return_exceptions=True
    )
    if value == "\x00" and isinstance(refused, list):
        assert refused == []  # SQLite stores it.
    else:
        assert isinstance(refused, SourceError)
        assert refused.__cause__ is None
    assert not isinstance(found, BaseException)
    assert new == {"l"}


async def test_a_text_that_is_too_long_for_an_index_is_not_taken_for_a_lost_connection(
    postgres_dsn: str,
) -> None:
    async with aclosing(await opened_postgres(postgres_dsn)) as database:
        key = "".join(chr(0x4E00 + number) for number in range(5000))
        statement = f"""INSERT INTO {ITEMS} (key, uri, fields, strategy, state, added_at)
            VALUES (:key, '', '', '', '', 0)"""
        with pytest.raises(SourceError, match="index row"):
            await database.run(statement, {"key": key})


async def opened_postgres(dsn: str) -> PostgresDatabase:
    database = PostgresDatabase(dsn, outage_timeout=60.0)
    await database.connect()
    await database.init()
    return database


@pytest.mark.parametrize("value", [None, object()])
async def test_a_missing_or_foreign_value_is_refused_by_sqlite_alone(
    tmp_path: Path, value: object
) -> None:
    ledger = await open_sqlite_ledger(tmp_path / "l.db")
    refused, new = await asyncio.gather(
        ledger.database.run(f"INSERT INTO {ITEMS} (key) VALUES (:key)", {"key": value}),
        ledger.add([Item(key="l", uri="/l")]),
        return_exceptions=True,
    )
    assert isinstance(refused, SourceError)
    assert new == {"l"}
    await ledger.aclose()


# -- sources and servers that send such data


@pytest.mark.parametrize(
    "content_range",
    [
        f"bytes 0-0/{2**63}",
        f"bytes 0-0/{10**400}",
        f"bytes 0-0/{'9' * 5000}",
        "bytes 0-0/60000000000",
    ],
)
async def test_a_size_that_no_file_has_fails_its_item_before_a_container_is_created(
    client: ApiVideoClient,
    emu: Emulator,
    make_items: MakeItems,
    serve: Serve,
    tmp_path: Path,
    content_range: str,
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=206, body=b"x", headers={"Content-Range": content_range})

    hostile = web_item(f"{await serve(answer)}/a.mp4")
    async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
        await all_of(ingest, [*make_items(2, 100), hostile])
        records = {record.item.key: record for record in await records_of(ingest.ledger)}
        assert sorted(record.state for record in records.values()) == ["done", "done", "failed"]
        assert (await ingest.totals()).count("done") == 2
    failed = records[hostile.key]
    assert (failed.state, failed.video_id) == ("failed", None)
    assert "unexpected" not in (failed.message or "")
    assert len(emu.state.videos) == 2


@pytest.mark.parametrize(
    "etag", ['json:"', '"json:\\"', 'W/"\\u0000"', "escaped:%00", '"' + "x" * 4000 + '"']
)
async def test_a_hostile_etag_damages_no_ledger(
    client: ApiVideoClient, make_items: MakeItems, serve: Serve, tmp_path: Path, etag: str
) -> None:
    async def answer(request: web.Request) -> web.Response:
        start, stop = (
            int(part) for part in request.headers["Range"].removeprefix("bytes=").split("-")
        )
        body = b"v" * (stop - start + 1)
        return web.Response(
            status=206,
            body=body,
            headers={"ETag": etag, "Content-Range": f"bytes {start}-{stop}/500"},
        )

    items = [*make_items(1), web_item(f"{await serve(answer)}/a.mp4")]
    for _ in range(2):
        async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
            await all_of(ingest, items)
            assert (await ingest.totals()).items == {"done": 2}
            assert len(await records_of(ingest.ledger)) == 2


async def test_a_hostile_error_name_fails_the_item_alone(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, ledger: Ledger
) -> None:
    problem = {
        "type": "https://docs.api.video/\x00\ud800" + "x" * 9000,
        "title": "no\x00",
        "status": 400,
    }
    emu.faults.add(Fault("videos.create", "status", status=400, body=problem, nth=1))
    async with Ingest(client, ledger, options=QUICK_OPTIONS) as ingest:
        results = await all_of(ingest, make_items(3))
        assert sorted(result.outcome for result in results) == ["done", "done", "failed"]
        [record] = [record async for record in ledger.records(("failed",))]
        assert (record.cause or "").startswith("\x00\ud800")


async def test_hostile_sources_do_not_end_a_worker(
    emu: Emulator, postgres_dsn: str, serve: Serve, tmp_path: Path
) -> None:
    """Sizes, limits and error names that PostgreSQL refuses do not stop a worker."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=206, body=b"x", headers={"Content-Range": f"bytes 0-0/{2**63}"})

    await init_database(postgres_dsn)
    problem = {"type": "https://docs.api.video/a\x00b", "title": "no\x00", "status": 400}
    budget = {
        "X-RateLimit-Limit": str(2**70),
        "X-RateLimit-Remaining": str(2**70),
        "X-RateLimit-Retry-After": "1",
    }
    emu.faults.add(
        Fault("videos.create", "status", status=400, body=problem, headers=budget, nth=1)
    )
    async with Distributed(postgres_dsn, outage_timeout=5.0) as shared:
        good = files(tmp_path, 3)
        await shared.defer_ingest([web_item(f"{await serve(answer)}/a.mp4"), *good])
        async with working(make_worker(emu, postgres_dsn)):
            await until(lambda: finished(shared))
        totals = await shared.totals()
        assert (totals.count("done"), totals.count("failed")) == (2, 2)
        failed = {record.cause: record async for record in shared.ledger.records(("failed",))}
    assert set(failed) == {"unsupported", "a\x00b"}
    assert failed["unsupported"].video_id is None


async def finished(shared: Distributed) -> bool:
    return not (await shared.totals()).open


# -- damaged ledgers


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


async def test_a_row_that_no_ledger_wrote_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    ledger = await open_sqlite_ledger(path)
    await ledger.add([Item(key="k", uri="/k")])
    await ledger.aclose()
    change(path, f"UPDATE {ITEMS} SET fields = '{{'")
    ledger = await open_sqlite_ledger(path)
    with pytest.raises(LedgerError, match="the ledger is damaged: item 1"):
        await ledger.record("k")
    await ledger.aclose()


async def test_sizes_that_an_earlier_version_did_not_check_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    ledger = await open_sqlite_ledger(path)
    await ledger.add([Item(key=f"k{number}", uri="/k") for number in range(3)])
    await ledger.aclose()
    change(path, f"UPDATE {ITEMS} SET size = {LARGEST_INTEGER}")
    change(path, f"UPDATE {ITEMS} SET size = -5 WHERE key = 'k0'")
    ledger = await open_sqlite_ledger(path)
    assert [record.item.size for record in await records_of(ledger)] == [
        None,
        LARGEST_INTEGER,
        LARGEST_INTEGER,
    ]
    assert (await ledger.totals()).count() == 3
    await ledger.aclose()


async def test_a_ledger_of_a_later_layout_is_left_as_it_is(tmp_path: Path) -> None:
    """Whatever columns it has."""
    path = tmp_path / "l.db"
    change(path, f"CREATE TABLE {ITEMS} (number INTEGER PRIMARY KEY, state2 TEXT)")
    change(path, "CREATE TABLE apivideo_ingest_meta (name TEXT PRIMARY KEY, value TEXT)")
    change(path, "INSERT INTO apivideo_ingest_meta VALUES ('schema', '99')")
    with pytest.raises(
        LedgerError, match="has the layout 99, and this version of apivideo-async reads 2"
    ):
        await open_sqlite_ledger(path)
    with sqlite3.connect(path) as connection:
        assert (
            len(
                connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            )
            == 2
        )
    connection.close()


@pytest.mark.parametrize("size", [4096, 8192, 20_000])
async def test_a_ledger_that_was_cut_off_is_said_to_be_damaged(tmp_path: Path, size: int) -> None:
    path = tmp_path / "l.db"
    ledger = await open_sqlite_ledger(path)
    await ledger.add([Item(key=f"k{number}", uri="/k" * 50) for number in range(300)])
    await ledger.aclose()
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(LedgerError, match="damaged: restore it from a copy"):
        await (await open_sqlite_ledger(path)).totals()


async def test_a_foreign_file_in_the_place_of_the_lock_is_named(
    client: ApiVideoClient, tmp_path: Path
) -> None:
    (tmp_path / "l.db-run").write_bytes(b"somebody's notes\n" * 100)
    async with Ingest(client, tmp_path / "l.db") as ingest:
        with pytest.raises(
            LedgerError, match=r"l\.db-run, the lock file of the ledger, has other content"
        ):
            await all_of(ingest)
    assert (tmp_path / "l.db-run").read_bytes() == b"somebody's notes\n" * 100
