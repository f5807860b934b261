"""Uploads small streams within a shared budget. Arguments: DATABASE UNTIL CONCURRENCY TTL.

Several of these processes share one request budget. DATABASE is the address of a PostgreSQL or
the path of an SQLite file. UNTIL is in seconds since 1970. Prints the number of uploads.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apivideo_async import ApiVideoClient
from apivideo_async.distributed import init_database
from apivideo_async.distributed.postgres import PostgresDatabase
from apivideo_async.ingest.ledger.sqlite import SqliteDatabase
from apivideo_async.rate_limit.shared_limiter import shared_limiter


async def open_database(where: str) -> Any:
    if not where.startswith("postgresql:"):
        database = SqliteDatabase(Path(where))
        await database.open()
        return database
    await init_database(where)
    shared = PostgresDatabase(where, connections=2)
    await shared.open()
    return shared


def sources(until: float) -> Iterator[bytes]:
    while time.time() < until:
        yield b"x" * 2_000


async def main(where: str, until: float, concurrency: int, ttl: float) -> None:
    uploaded = 0
    async with (
        contextlib.aclosing(await open_database(where)) as database,
        contextlib.aclosing(shared_limiter(database, "worker", ttl=ttl)) as limiter,
        ApiVideoClient(limiter=limiter) as client,
    ):
        with contextlib.suppress(TimeoutError):  # At the end, uploads still wait for the budget.
            async with asyncio.timeout(until - time.time()):
                async for result in client.upload_many(sources(until), concurrency=concurrency):
                    assert result.video is not None, result.error
                    uploaded += 1
    print(json.dumps({"uploaded": uploaded}))


asyncio.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
