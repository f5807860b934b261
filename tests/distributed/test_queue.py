"""The queue beside the ledger: every open item has a job, whatever was lost, and none has two."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from apivideo_async.distributed import Distributed, defer_ingest, init_database, queue
from apivideo_async.distributed.postgres import PostgresDatabase
from apivideo_async.distributed.queue import Jobs
from apivideo_async.errors import LedgerError
from apivideo_async.ingest.items import Item, Record

from .conftest import files


def item_of(number: int) -> Item:
    return Item(key=f"key-{number}", uri=f"/videos/{number}.mp4")


def items_of(count: int) -> list[Item]:
    return [item_of(number) for number in range(count)]


async def do(shared: Distributed, statement: str, **parameters: Any) -> list[Any]:
    return await shared.database.run(statement, parameters)


async def keys_of_jobs(shared: Distributed) -> list[str]:
    return [
        key
        for (key,) in await do(shared, "SELECT args ->> 'key' FROM procrastinate_jobs ORDER BY id")
    ]


async def claimed(shared: Distributed, key: str, seconds: float = 60.0) -> Record:
    record = await shared.ledger.claim_key("somebody", key, seconds)
    assert record is not None
    return record


# -- entering


async def test_what_is_handed_in_has_a_job_and_a_record_each(shared: Distributed) -> None:
    added = await shared.defer_ingest(items_of(3))
    assert added.keys == ["key-0", "key-1", "key-2"]
    assert added.new == set(added.keys)
    assert await keys_of_jobs(shared) == added.keys
    record = await shared.record("key-1")
    assert record is not None
    assert (record.state, record.item) == ("new", item_of(1))


async def test_known_items_are_not_handed_in_again(shared: Distributed) -> None:
    await shared.defer_ingest(items_of(3))
    added = await shared.defer_ingest(items_of(4))
    assert (len(added.keys), added.new) == (4, {"key-3"})
    assert await shared.jobs() == Jobs(waiting=4, scheduled=0, running=0)


async def test_any_number_is_handed_in_by_batches(shared: Distributed) -> None:
    sizes = [len(added.keys) async for added in shared.deferring(items_of(4_500))]
    assert sizes == [2_000, 2_000, 500]
    assert (await shared.jobs()).waiting == (await shared.totals()).open == 4_500


@pytest.mark.slow
async def test_a_fetch_from_a_queue_that_was_just_filled_sorts_nothing(shared: Distributed) -> None:
    """Of a table that was empty a moment ago PostgreSQL thinks that it still is."""
    await shared.defer_ingest(items_of(6_000))
    pages = "SELECT relpages FROM pg_class WHERE relname = 'procrastinate_jobs'"
    assert (await do(shared, pages))[0][0] > 0
    plan = await do(
        shared,
        """EXPLAIN SELECT * FROM procrastinate_jobs AS job
        WHERE status = 'todo' AND queue_name = 'apivideo-ingest'
        AND (scheduled_at IS NULL OR scheduled_at <= now()) ORDER BY priority DESC, id LIMIT 1""",
    )
    assert "Sort" not in str(plan)


async def test_one_item_an_iterable_or_a_stream_can_be_handed_in(shared: Distributed) -> None:
    async def stream() -> Any:
        yield item_of(5)

    await shared.defer_ingest(item_of(1))
    await shared.defer_ingest(iter([item_of(2), item_of(3)]))
    await shared.defer_ingest(stream())
    assert await keys_of_jobs(shared) == ["key-1", "key-2", "key-3", "key-5"]


async def test_a_web_backend_can_hand_in_without_an_open_connection(
    dsn: str, shared: Distributed
) -> None:
    added = await defer_ingest(item_of(1), dsn=dsn)
    assert await keys_of_jobs(shared) == added.keys == ["key-1"]


async def test_neither_items_nor_jobs_are_entered_without_the_other(
    shared: Distributed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await do(
        shared,
        "ALTER TABLE procrastinate_jobs ADD CONSTRAINT broken CHECK (args ->> 'key' <> 'key-2')",
    )
    with pytest.raises(LedgerError):
        await shared.defer_ingest(items_of(3))
    assert (await shared.totals()).count() == 0
    assert await keys_of_jobs(shared) == []


async def test_backends_that_hand_in_the_same_at_once_enter_each_item_once(
    dsn: str, shared: Distributed
) -> None:
    await asyncio.gather(*(shared.defer_ingest(items_of(500)) for _ in range(6)))
    keys = await keys_of_jobs(shared)
    assert len(keys) == len(set(keys)) == 500


# -- what was lost


async def test_a_sweep_finds_what_lost_its_job_once(shared: Distributed) -> None:
    await shared.defer_ingest(items_of(2_500))
    await do(shared, "DELETE FROM procrastinate_jobs WHERE args ->> 'key' <> 'key-7'")
    found = await asyncio.gather(*(shared.queue.sweep() for _ in range(6)))
    assert sorted(count or 0 for count in found) == [0, 0, 0, 0, 0, 2_499]
    keys = await keys_of_jobs(shared)
    assert len(keys) == len(set(keys)) == 2_500


async def test_within_the_time_between_sweeps_one_worker_sweeps(shared: Distributed) -> None:
    found = await asyncio.gather(*(shared.queue.sweep(60.0) for _ in range(6)))
    assert sorted(found, key=str) == [0, None, None, None, None, None]


async def test_a_clock_that_was_set_back_stops_no_sweep(shared: Distributed) -> None:
    """Else none would happen until the clock is where it was."""
    await do(
        shared,
        "INSERT INTO apivideo_ingest_meta "
        "SELECT 'swept', CAST(EXTRACT(EPOCH FROM now()) + 3600 AS TEXT)",
    )
    assert await shared.queue.sweep(60.0) == 0
    assert await shared.queue.sweep(60.0) is None


async def test_a_sweep_and_a_retry_of_any_number_are_done_by_parts(
    shared: Distributed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shared.defer_ingest(items_of(5))
    for number in range(5):
        await shared.ledger.fail(await claimed(shared, f"key-{number}"), "other", "")
    monkeypatch.setattr(queue, "BATCH", 2)
    monkeypatch.setattr(queue, "MAX_JOBS", 2)
    await do(shared, "DELETE FROM procrastinate_jobs")
    keys = [f"key-{number}" for number in range(5)]
    assert sorted(await shared.retry()) == sorted(await keys_of_jobs(shared)) == keys
    await do(shared, "DELETE FROM procrastinate_jobs")
    assert await shared.queue.sweep() == 5
    assert sorted(await keys_of_jobs(shared)) == keys


async def test_a_sweep_leaves_alone_what_is_leased_later_or_finished(shared: Distributed) -> None:
    await shared.defer_ingest(items_of(4))
    await claimed(shared, "key-0")
    await shared.ledger.later(await claimed(shared, "key-1"), 60)
    await shared.ledger.fail(await claimed(shared, "key-2"), "other", "")
    await do(shared, "DELETE FROM procrastinate_jobs")
    assert await shared.queue.sweep() == 1
    assert await keys_of_jobs(shared) == ["key-3"]


async def test_an_item_whose_lease_ended_gets_a_job_though_its_worker_holds_one(
    shared: Distributed,
) -> None:
    """The worker may be frozen: its job counts for nothing."""
    await shared.defer_ingest(item_of(1))
    [(worker,)] = await do(shared, "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
    await do(
        shared, "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :worker", worker=worker
    )
    await claimed(shared, "key-1", 0.0)
    assert await shared.queue.sweep() == 1
    assert await shared.jobs() == Jobs(waiting=1, scheduled=0, running=1)


async def test_jobs_of_dead_workers_are_deleted_and_those_of_others_stay(
    shared: Distributed,
) -> None:
    await shared.defer_ingest(items_of(3))
    [(dead,)] = await do(
        shared,
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '40 s') "
        "RETURNING id",
    )
    [(alive,)] = await do(shared, "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
    for key, worker in (("key-0", dead), ("key-1", alive), ("key-2", None)):
        await claimed(shared, key)
        statement = """UPDATE procrastinate_jobs SET status = 'doing', worker_id = :worker
            WHERE args ->> 'key' = :key"""
        await do(shared, statement, worker=worker, key=key)
    await do(
        shared,
        "UPDATE procrastinate_jobs SET queue_name = 'of others' WHERE args ->> 'key' = 'key-2'",
    )
    assert await shared.queue.sweep() == 0
    assert await keys_of_jobs(shared) == ["key-1", "key-2"]


async def test_an_item_that_waits_gets_one_job_for_when_it_is_due(shared: Distributed) -> None:
    await shared.defer_ingest(item_of(1))
    await do(shared, "DELETE FROM procrastinate_jobs")
    await shared.ledger.later(await claimed(shared, "key-1"), 100)
    assert [await shared.queue.defer("key-1") for _ in range(2)] == [True, False]
    [(wait,)] = await do(
        shared,
        "SELECT CAST(EXTRACT(EPOCH FROM scheduled_at - now()) AS float8) FROM procrastinate_jobs",
    )
    assert wait == pytest.approx(100, abs=10)
    assert await shared.jobs() == Jobs(waiting=0, scheduled=1, running=0)


async def test_an_item_that_is_given_back_early_does_not_wait_for_the_end_of_its_lease(
    shared: Distributed,
) -> None:
    """A second job of an item found it leased, and waits for the end of the lease."""
    await shared.defer_ingest(item_of(1))
    await do(shared, "DELETE FROM procrastinate_jobs")
    record = await claimed(shared, "key-1")
    assert await shared.queue.defer("key-1")
    await shared.ledger.later(record, 0.0)
    assert [await shared.queue.defer("key-1") for _ in range(2)] == [True, False]
    assert await shared.jobs() == Jobs(waiting=1, scheduled=1, running=0)


async def test_a_sweep_finds_a_due_item_whose_only_job_starts_later(shared: Distributed) -> None:
    await shared.defer_ingest(item_of(1))
    await do(shared, "DELETE FROM procrastinate_jobs")
    record = await claimed(shared, "key-1")
    assert await shared.queue.defer("key-1")
    await shared.ledger.release(record)
    assert [await shared.queue.sweep() for _ in range(2)] == [1, 0]
    assert await shared.jobs() == Jobs(waiting=1, scheduled=1, running=0)


async def test_a_finished_item_gets_no_job(shared: Distributed) -> None:
    await shared.defer_ingest(item_of(1))
    await do(shared, "DELETE FROM procrastinate_jobs")
    await shared.ledger.fail(await claimed(shared, "key-1"), "other", "")
    assert not await shared.queue.defer("key-1")
    assert not await shared.queue.defer("unknown")


async def test_failed_items_are_handed_in_again_with_a_job(shared: Distributed) -> None:
    await shared.defer_ingest(items_of(3))
    await do(shared, "DELETE FROM procrastinate_jobs")
    for key in ("key-0", "key-1"):
        await shared.ledger.fail(await claimed(shared, key), "other", "")
    assert await shared.retry(keys=["key-1"]) == ["key-1"]
    assert await shared.retry() == ["key-0"]
    assert await shared.retry() == []
    assert await keys_of_jobs(shared) == ["key-1", "key-0"]


# -- the database


async def test_the_tables_can_be_made_again_and_at_once(postgres_dsn: str) -> None:
    await asyncio.gather(*(init_database(postgres_dsn) for _ in range(4)))
    async with Distributed(postgres_dsn) as shared:
        await shared.defer_ingest(item_of(1))
    await init_database(postgres_dsn)
    async with Distributed(postgres_dsn) as shared:
        assert (await shared.totals()).count() == 1


async def test_tables_of_procrastinate_that_are_there_already_are_used(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute(SchemaManager.get_schema())
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('of others', 'theirs')"
        )
    await init_database(postgres_dsn)
    async with Distributed(postgres_dsn) as shared:
        await shared.defer_ingest(item_of(1))
        assert await shared.jobs() == Jobs(waiting=1, scheduled=0, running=0)
        assert await shared.queue.sweep() == 0
        assert await keys_of_jobs(shared) == [None, "key-1"]


async def test_a_database_without_tables_is_an_error_that_says_what_to_do(
    postgres_dsn: str,
) -> None:
    with pytest.raises(LedgerError, match="run `apivideo distributed init` first"):
        await defer_ingest(item_of(1), dsn=postgres_dsn)


async def test_tables_of_another_procrastinate_are_an_error(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "ALTER FUNCTION procrastinate_fetch_job_v2 RENAME TO procrastinate_fetch_job_v1"
        )
    with pytest.raises(LedgerError, match="another version"):
        await defer_ingest(item_of(1), dsn=dsn)


@pytest.mark.parametrize(
    "dsn_of_nothing",
    [
        "postgresql://me:hunter-two@127.0.0.1:1/name",
        "postgresql:me:hunter-two@127.0.0.1:1/name",
        "host=127.0.0.1 port=1 password=hunter-two user",
    ],
)
async def test_a_database_that_is_not_there_is_an_error_without_the_password(
    dsn_of_nothing: str,
) -> None:
    with pytest.raises(LedgerError) as caught:
        await defer_ingest(item_of(1), dsn=dsn_of_nothing)
    assert "hunter-two" not in str(caught.value)
    assert caught.value.__cause__ is None or "hunter-two" not in str(caught.value.__cause__)


async def test_a_wrong_password_is_told_without_it(postgres_dsn: str, tmp_path: Path) -> None:
    missing = (
        postgres_dsn.rpartition("/")[0].replace("apivideo@", "nobody:hunter-two@") + "/nothing"
    )
    with pytest.raises(LedgerError, match="cannot be reached") as caught:
        await defer_ingest(files(tmp_path, 1), dsn=missing)
    assert "hunter-two" not in str(caught.value)


async def test_a_connect_that_is_cancelled_leaves_no_task_behind(postgres_dsn: str) -> None:
    """The tasks of a connection pool ignore cancellation, so ``asyncio.run`` would never end."""
    server = urlsplit(postgres_dsn)
    connected = 0
    hanging, ended = asyncio.Event(), asyncio.Event()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(65_536):
            writer.write(block)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected += 1
        if connected == 1:
            from_server, to_server = await asyncio.open_connection(server.hostname, server.port)
            await asyncio.gather(copy(reader, to_server), copy(from_server, writer))
            return
        hanging.set()
        await ended.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        database = PostgresDatabase(
            server._replace(netloc=f"{server.username}@127.0.0.1:{port}").geturl()
        )
        connecting = asyncio.create_task(database.connect())
        await hanging.wait()
        connecting.cancel()
        ended.set()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        left = [task.get_name() for task in asyncio.all_tasks() if "pool" in task.get_name()]
        await database.aclose()
    assert left == []


@pytest.mark.parametrize("raises", [False, True])
async def test_a_cancellation_that_the_driver_ignores_ends_the_caller(
    shared: Distributed, raises: bool
) -> None:
    """As ``asyncio.wait_for`` of Python 3.11 does when the result comes in the same moment."""
    begun = asyncio.Event()

    async def ignore(connection: Any) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if raises:
                raise psycopg.OperationalError("interrupted") from None

    task = asyncio.create_task(shared.database.repeat(ignore, "a statement"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # A time limit is a cancellation, too.
    begun.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await shared.database.repeat(ignore, "a statement")
