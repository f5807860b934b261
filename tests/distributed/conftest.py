"""Fixtures of ingestion on many machines: a database with tables, items, and workers."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.distributed import Distributed, Worker, init_database
from apivideo_async.distributed.postgres import PostgresDatabase
from apivideo_async.emulator import Emulator
from apivideo_async.ingest.items import Item, ingest_key
from apivideo_async.ingest.options import IngestOptions
from tests.conftest import CHUNK, QUICK, data_of, options

TIMEOUT = 60.0
"""Seconds for anything to come true."""


async def until(true: Callable[[], Any]) -> None:
    """Wait until a coroutine function, or a function, gives something true."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        found = true()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < deadline, "it did not become true"
        await asyncio.sleep(0.02)


def item_of(path: Path, **given: Any) -> Item:
    return Item(key=ingest_key("file", str(path), size=path.stat().st_size), uri=str(path), **given)


def files(folder: Path, count: int, size: int = CHUNK // 2, first: int = 0) -> list[Item]:
    """Write files of random bytes."""
    items = []
    for number in range(first, first + count):
        path = folder / f"{number}.mp4"
        path.write_bytes(data_of(size, seed=number))
        items.append(item_of(path))
    return items


def make_worker(emu: Emulator, dsn: str, **given: Any) -> Worker:
    api_key = given.pop("api_key", emu.api_key)
    quick = IngestOptions(
        **{"lease": 2.0, "first_delay": 0.05, "longest_delay": 0.2, **given.pop("options", {})}
    )

    def client(limiter: Any) -> ApiVideoClient:
        return ApiVideoClient(
            api_key, base_url=emu.url, retry=QUICK, upload=options(), limiter=limiter
        )

    return Worker(dsn, client, options=quick, **{"poll": 0.05, **given})


@contextlib.asynccontextmanager
async def opened_database(dsn: str, **given: Any) -> AsyncIterator[PostgresDatabase]:
    database = PostgresDatabase(dsn, **given)
    await database.open()
    async with contextlib.aclosing(database):
        yield database


@contextlib.asynccontextmanager
async def working(*workers: Worker) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """Run workers for a while; what ends one of them is raised."""
    running = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield running
    finally:
        for task in running:
            task.cancel()
        ended = await asyncio.gather(*running, return_exceptions=True)
    for error in ended:
        if error is not None and not isinstance(error, asyncio.CancelledError):
            raise error


@pytest.fixture
async def dsn(postgres_dsn: str) -> str:
    await init_database(postgres_dsn)
    return postgres_dsn


@pytest.fixture
async def shared(dsn: str) -> AsyncIterator[Distributed]:
    async with Distributed(dsn, outage_timeout=5.0) as opened:
        yield opened
