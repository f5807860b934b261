"""Workers that share a database: every item once, whatever becomes of them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from apivideo_async import AuthenticationError
from apivideo_async.distributed import Distributed, init_database
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.errors import LedgerError
from apivideo_async.ingest.item_run import IngestResult
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.stores.stores import Stores
from tests.conftest import CHUNK, sha256
from tests.postgres import PostgresServer

from .conftest import files, make_worker, until, working

SLOW = Fault("videos.upload", "delay", times=None, probability=1.0, seconds=0.3)
"""Something is always under way."""
IN_FLIGHT = 3
"""Chunks at once of the worker in a process of its own."""


async def all_done(shared: Distributed) -> bool:
    totals = await shared.totals()
    return totals.open == 0 and totals.count() > 0


async def arrived(emu: Emulator, shared: Distributed, items: list[Item]) -> None:
    """Every item is one video with its bytes, and there are no others."""
    for item in items:
        record = await shared.record(item.key)
        assert record is not None
        assert record.state == "done", record
        assert emu.sha256(record.video_id or "") == sha256(Path(item.uri).read_bytes())
    assert len(emu.state.videos) == len(items)


def uploaded(emu: Emulator) -> list[str | None]:
    return [record.content_range for record in emu.requests if record.operation == "videos.upload"]


async def test_workers_ingest_every_item_once(
    emu: Emulator, shared: Distributed, dsn: str, tmp_path: Path
) -> None:
    items = files(tmp_path, 20) + files(tmp_path, 3, size=4 * CHUNK, first=20)
    await shared.defer_ingest(items)
    results: list[IngestResult] = []
    async with working(*(make_worker(emu, dsn, on_result=results.append) for _ in range(2))):
        await until(lambda: all_done(shared))
        await until(lambda: len(results) == len(items))
    await arrived(emu, shared, items)
    assert Counter(result.outcome for result in results) == {"done": len(items)}
    assert len(uploaded(emu)) == 20 + 3 * 4


async def test_the_queue_is_empty_when_everything_is_done(
    emu: Emulator, shared: Distributed, dsn: str, tmp_path: Path
) -> None:
    await shared.defer_ingest(files(tmp_path, 5))

    async def empty() -> bool:
        return await shared.database.run("SELECT COUNT(*) FROM procrastinate_jobs", {}) == [(0,)]

    async with working(make_worker(emu, dsn)):
        await until(empty)
    assert await all_done(shared)


async def test_no_more_items_are_worked_on_at_once_than_were_asked_for(
    emu: Emulator, shared: Distributed, dsn: str, tmp_path: Path
) -> None:
    emu.faults.add(SLOW)
    await shared.defer_ingest(files(tmp_path, 9))
    most = 0
    async with working(make_worker(emu, dsn, options={"concurrency": 3})):
        while not await all_done(shared):
            [(leased,)] = await shared.database.run(
                "SELECT COUNT(*) FROM apivideo_ingest_items WHERE owner IS NOT NULL", {}
            )
            most = max(most, leased)
            await asyncio.sleep(0.02)
    assert most == 3


async def test_what_is_handed_in_meanwhile_is_ingested_too(
    emu: Emulator, shared: Distributed, dsn: str, tmp_path: Path
) -> None:
    async with working(make_worker(emu, dsn)):
        for first in (0, 3):
            await shared.defer_ingest(files(tmp_path, 3, first=first))
            await until(lambda: all_done(shared))
    assert len(emu.state.videos) == 6


# -- failures of items


async def test_a_failure_that_may_pass_is_tried_again_when_it_is_due(
    emu: Emulator, shared: Distributed, dsn: str, tmp_path: Path
) -> None:
    emu.faults.add(Fault("videos.create", "status", times=7, status=503))
    items = files(tmp_path, 1)
    await shared.defer_ingest(items)
    async with working(make_worker(emu, dsn)):
        await until(lambda: all_done(shared))
    await arrived(emu, shared, items)
    record = await shared.record(items[0].key)
    assert record is not None
    assert record.attempts >= 1


async def test_what_cannot_work_fails_once_and_comes_back_when_it_is_handed_in_again(
    emu: Emulator, shared: Distributed, dsn: str, tmp_path: Path
) -> None:
    items = files(tmp_path, 3)
    kept = Path(items[1].uri).rename(tmp_path / "elsewhere")
    await shared.defer_ingest(items)
    async with working(make_worker(emu, dsn)):
        await until(lambda: all_done(shared))
        record = await shared.record(items[1].key)
        assert record is not None
        assert (record.state, record.attempts) == ("failed", 1)
        kept.rename(items[1].uri)
        assert await shared.retry() == [items[1].key]
        await until(lambda: all_done(shared))
    await arrived(emu, shared, items)


class Broken(Stores):
    async def open(self, item: Item) -> Any:
        if item.uri.endswith("0.mp4"):
            raise ZeroDivisionError("a defect of this store")
        return await super().open(item)


async def test_a_defect_fails_its_item_and_no_other(
    emu: Emulator, shared: Distributed, dsn: str, tmp_path: Path
) -> None:
    items = files(tmp_path, 3)
    await shared.defer_ingest(items)
    async with working(make_worker(emu, dsn, stores=Broken())):
        await until(lambda: all_done(shared))
    record = await shared.record(items[0].key)
    assert record is not None
    assert (record.state, record.cause) == ("failed", "defect")
    assert "a defect of this store" in (record.message or "")
    await arrived(emu, shared, items[1:])


async def test_a_refused_key_ends_the_worker_and_its_items_are_free(
    emu: Emulator, shared: Distributed, dsn: str, tmp_path: Path
) -> None:
    items = files(tmp_path, 3)
    await shared.defer_ingest(items)
    with pytest.raises(AuthenticationError):
        await make_worker(emu, dsn, options={"lease": 60.0}, api_key="another").run()
    assert (await shared.jobs()).waiting >= 1
    assert [record.owner async for record in shared.ledger.records()] == [None] * 3
    async with working(make_worker(emu, dsn, options={"lease": 60.0})):
        await until(lambda: all_done(shared))
    await arrived(emu, shared, items)


async def test_a_worker_for_another_server_is_refused(
    emu: Emulator, shared: Distributed, dsn: str
) -> None:
    await shared.ledger.bind("https://ws.api.video")
    with pytest.raises(LedgerError, match=r"belongs to https://ws\.api\.video"):
        await make_worker(emu, dsn).run()


# -- the end of a worker


async def test_a_worker_that_ends_hands_its_items_back_at_once(
    emu: Emulator, shared: Distributed, dsn: str, tmp_path: Path
) -> None:
    """Long before the leases would end."""
    emu.faults.add(SLOW)
    items = files(tmp_path, 4, size=6 * CHUNK)
    await shared.defer_ingest(items)
    first, second = (make_worker(emu, dsn, options={"lease": 600.0}) for _ in range(2))
    async with working(first):
        await until(lambda: len(uploaded(emu)) > 4)
    assert (await shared.jobs()).waiting == 1
    assert [record.owner async for record in shared.ledger.records()] == [None] * 4
    async with working(second):
        await until(lambda: all_done(shared))
    await arrived(emu, shared, items)


async def test_another_worker_goes_on_at_once_where_one_ended(
    emu: Emulator, shared: Distributed, dsn: str, tmp_path: Path
) -> None:
    emu.faults.add(SLOW)
    items = files(tmp_path, 4, size=6 * CHUNK)
    await shared.defer_ingest(items)
    first, second = (make_worker(emu, dsn, options={"lease": 600.0}) for _ in range(2))
    async with working(first) as [ending]:
        await until(lambda: len(uploaded(emu)) > 4)
        async with working(second):
            ending.cancel()
            await until(lambda: all_done(shared))
    await arrived(emu, shared, items)


def process(emu: Emulator, dsn: str, lease: float, log: Path) -> "subprocess.Popen[bytes]":
    env = {**os.environ, "APIVIDEO_API_KEY": emu.api_key, "APIVIDEO_BASE_URL": emu.url}
    script = Path(__file__).with_name("worker_process.py")
    with log.open("wb") as stderr:
        return subprocess.Popen(
            [sys.executable, str(script), dsn, str(lease), "2"], env=env, stderr=stderr
        )


async def freeze(process: "subprocess.Popen[bytes]", emu: Emulator) -> None:
    """Stop it while it waits for all responses: a chunk in transit may have passed its check."""

    def waiting() -> bool:
        under_way = [r for r in emu.requests if r.operation == "videos.upload" and r.status is None]
        return len(under_way) == IN_FLIGHT

    while True:
        await until(waiting)
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.05)
        if waiting():
            return
        process.send_signal(signal.SIGCONT)


@pytest.mark.slow
async def test_a_frozen_worker_is_taken_over_and_when_it_wakes_sends_nothing_more(
    dsn: str, shared: Distributed, tmp_path: Path
) -> None:
    with Emulator(min_chunk=CHUNK).in_thread() as emu:
        emu.faults.add(SLOW)
        items = files(tmp_path, 1, size=24 * CHUNK)
        await shared.defer_ingest(items)
        log = tmp_path / "log"
        frozen = process(emu, dsn, 1.0, log)
        try:
            await until(lambda: len(uploaded(emu)) > 6)
            await freeze(frozen, emu)
            async with working(make_worker(emu, dsn)):
                await until(lambda: all_done(shared))
            # Procrastinate takes it for dead, too: its job and its registration are deleted.
            await shared.queue.end_stalled(0.0)
            await shared.database.run("DELETE FROM procrastinate_workers", {})
            requests = len(uploaded(emu))
            frozen.send_signal(signal.SIGCONT)
            more = files(tmp_path, 1, first=1)
            await shared.defer_ingest(more)
            await until(lambda: all_done(shared))
            assert len(uploaded(emu)) == requests + 1, "it sent chunks of an item that it had lost"
            assert frozen.poll() is None, "it died of what happened meanwhile"
            frozen.terminate()
            assert frozen.wait(10) == 0
        finally:
            frozen.kill()
            frozen.wait()
        assert "was lost" in log.read_text()
        assert "Traceback" not in log.read_text()
        await arrived(emu, shared, items + more)
        record = await shared.record(items[0].key)
        assert record is not None
        assert record.fence == 2


# -- the database


@pytest.mark.slow
async def test_a_database_that_goes_away_is_waited_for(
    emu: Emulator, own_postgres: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    emu.faults.add(SLOW)
    items = files(tmp_path, 12) + files(tmp_path, 2, size=8 * CHUNK, first=12)
    dsn = own_postgres.dsn()
    await init_database(dsn)
    async with Distributed(dsn, outage_timeout=20.0) as shared:
        await shared.defer_ingest(items)
        async with working(
            make_worker(emu, dsn, options={"concurrency": 4}, outage_timeout=20.0)
        ) as [running]:
            await until(lambda: len(uploaded(emu)) > 4)
            await asyncio.to_thread(own_postgres.stop)
            await asyncio.sleep(5.0)
            assert not running.done()
            await asyncio.to_thread(own_postgres.start)
            await until(lambda: all_done(shared))
        await arrived(emu, shared, items)
    assert "the database is unavailable" in caplog.text


@pytest.mark.slow
async def test_a_database_that_stays_away_ends_the_worker_with_the_reason(
    emu: Emulator, own_postgres: PostgresServer, tmp_path: Path
) -> None:
    dsn = own_postgres.dsn()
    await init_database(dsn)
    running = asyncio.create_task(make_worker(emu, dsn, outage_timeout=1.0).run())
    await asyncio.sleep(0.5)
    await asyncio.to_thread(own_postgres.stop)
    with pytest.raises(LedgerError, match="the database is unavailable"):
        await asyncio.wait_for(running, 30)


async def test_a_database_that_is_not_there_ends_the_worker_at_once(emu: Emulator) -> None:
    with pytest.raises(LedgerError, match="cannot be reached"):
        await make_worker(emu, "postgresql://127.0.0.1:1/nothing").run()


async def test_a_worker_needs_the_tables(emu: Emulator, postgres_dsn: str) -> None:
    with pytest.raises(LedgerError, match="apivideo distributed init"):
        await make_worker(emu, postgres_dsn).run()
