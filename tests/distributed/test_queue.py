"""The queue beside the ledger: open items wake a worker, whatever was lost."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager

from apivideo_async.distributed import Distributed, defer_ingest, engine, init_database
from apivideo_async.distributed.postgres import PostgresDatabase
from apivideo_async.distributed.queue import Jobs
from apivideo_async.emulator import Emulator
from apivideo_async.errors import LedgerError
from apivideo_async.ingest.items import Item, Record

from .conftest import files, make_worker, until, working


def item_of(number: int) -> Item:
    return Item(key=f"key-{number}", uri=f"/videos/{number}.mp4")


def items_of(count: int) -> list[Item]:
    return [item_of(number) for number in range(count)]


async def do(shared: Distributed, statement: str, **parameters: Any) -> list[Any]:
    return await shared.database.run(statement, parameters)


async def keys_of(shared: Distributed) -> list[str]:
    return [record.key async for record in shared.ledger.records()]


async def claimed(shared: Distributed, key: str, seconds: float = 60.0) -> Record:
    record = await shared.ledger.claim_key("somebody", key, seconds)
    assert record is not None
    return record


# -- entering


async def test_what_is_handed_in_has_a_record_each_and_a_job(shared: Distributed) -> None:
    added = await shared.defer_ingest(items_of(3))
    assert added.keys == ["key-0", "key-1", "key-2"]
    assert added.new == set(added.keys)
    assert await keys_of(shared) == added.keys
    record = await shared.record("key-1")
    assert record is not None
    assert (record.state, record.item) == ("new", item_of(1))


async def test_known_items_are_not_handed_in_again(shared: Distributed) -> None:
    await shared.defer_ingest(items_of(3))
    added = await shared.defer_ingest(items_of(4))
    assert (len(added.keys), added.new) == (4, {"key-3"})
    assert await shared.jobs() == Jobs(waiting=1, running=0)


async def test_any_number_is_handed_in_by_batches(shared: Distributed) -> None:
    sizes = [len(added.keys) async for added in shared.deferring(items_of(4_500))]
    assert sizes == [2_000, 2_000, 500]
    assert (await shared.totals()).open == 4_500


async def test_one_item_an_iterable_or_a_stream_can_be_handed_in(shared: Distributed) -> None:
    async def stream() -> Any:
        yield item_of(5)

    await shared.defer_ingest(item_of(1))
    await shared.defer_ingest(iter([item_of(2), item_of(3)]))
    await shared.defer_ingest(stream())
    assert await keys_of(shared) == ["key-1", "key-2", "key-3", "key-5"]


async def test_a_web_backend_can_hand_in_without_an_open_connection(
    dsn: str, shared: Distributed
) -> None:
    added = await defer_ingest(item_of(1), dsn=dsn)
    assert await keys_of(shared) == added.keys == ["key-1"]


async def test_backends_that_hand_in_the_same_at_once_enter_each_item_once(
    dsn: str, shared: Distributed
) -> None:
    await asyncio.gather(*(shared.defer_ingest(items_of(500)) for _ in range(6)))
    keys = await keys_of(shared)
    assert len(keys) == len(set(keys)) == 500


# -- jobs


async def test_any_number_of_items_has_one_job(shared: Distributed) -> None:
    for first in range(3):
        await shared.defer_ingest(item_of(first))
    assert await shared.jobs() == Jobs(waiting=1, running=0)


async def test_a_program_that_ends_before_it_wakes_a_worker_loses_no_item(
    emu: Emulator, dsn: str, shared: Distributed, tmp_path: Path
) -> None:
    """The periodic task defers a job, at the start of a worker at the latest."""
    await shared.ledger.add(files(tmp_path, 3))
    assert await shared.jobs() == Jobs(waiting=0, running=0)

    async def done() -> bool:
        return (await shared.totals()).count("done") == 3

    async with working(make_worker(emu, dsn)):
        await until(done)
    assert len(emu.state.videos) == 3


async def test_jobs_of_dead_workers_are_deleted_and_those_of_others_stay(
    shared: Distributed,
) -> None:
    alive = await shared.queue.app.job_manager.register_worker()
    await shared.queue.wake()
    assert await shared.queue.app.job_manager.fetch_job([engine.QUEUE], alive)
    dead = await shared.queue.app.job_manager.register_worker()
    await shared.queue.wake()
    assert await shared.queue.app.job_manager.fetch_job([engine.QUEUE], dead)
    await do(
        shared,
        "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '40 s' "
        "WHERE id = :dead",
        dead=dead,
    )
    await shared.queue.end_stalled()
    assert await do(shared, "SELECT worker_id FROM procrastinate_jobs") == [(alive,)]


async def test_a_job_that_is_gone_can_be_finished(shared: Distributed) -> None:
    """Another worker took this one for dead."""
    manager = shared.queue.app.job_manager
    await shared.queue.wake()
    job = await manager.fetch_job([engine.QUEUE], await manager.register_worker())
    assert job is not None
    for _ in range(2):
        await manager.finish_job(job, Status.SUCCEEDED, delete_job=True)


async def test_jobs_of_version_0_1_wake_a_worker(
    emu: Emulator, dsn: str, shared: Distributed, tmp_path: Path
) -> None:
    items = files(tmp_path, 2)
    await shared.ledger.add(items)
    for item in items:
        old = shared.queue.app.configure_task(engine.ITEM_TASK, queue="apivideo-ingest")
        await old.defer_async(key=item.key)

    async def empty() -> bool:
        return await do(shared, "SELECT 1 FROM procrastinate_jobs") == []

    async with working(make_worker(emu, dsn)):
        await until(empty)
    assert (await shared.totals()).count("done") == 2


async def test_failed_items_are_handed_in_again_with_a_job(shared: Distributed) -> None:
    await shared.defer_ingest(items_of(3))
    await do(shared, "DELETE FROM procrastinate_jobs")
    for key in ("key-0", "key-1"):
        await shared.ledger.fail(await claimed(shared, key), "other", "")
    assert await shared.retry(keys=["key-1"]) == ["key-1"]
    assert await shared.retry() == ["key-0"]
    assert await shared.jobs() == Jobs(waiting=1, running=0)
    assert await shared.retry() == []


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
        assert await shared.jobs() == Jobs(waiting=1, running=0)


async def test_a_database_without_tables_is_an_error_that_says_what_to_do(
    postgres_dsn: str,
) -> None:
    with pytest.raises(LedgerError, match="run `apivideo distributed init` first"):
        await defer_ingest(item_of(1), dsn=postgres_dsn)


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
