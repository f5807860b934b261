"""Sends items through the distributed queue. Arguments: defer DSN COUNT | work DSN COUNT.

``defer`` enqueues the items. ``work`` runs a worker that finds no source, so each item fails at
once and only the queue and the ledger are measured. It ends after COUNT items, or when the queue
is empty. Prints the number of items and the times at which the first and the last were done.
"""

import asyncio
import json
import math
import sys
import time
from collections.abc import Iterator

from apivideo_async import ApiVideoClient, SourceError
from apivideo_async.distributed import Distributed, Worker, init_database
from apivideo_async.ingest.item_run import IngestResult
from apivideo_async.ingest.items import Item, ingest_key
from apivideo_async.ingest.stores.pinned import PinnedSource
from apivideo_async.ingest.stores.stores import Stores

LOOK_AGAIN = 0.5
"""Seconds between two checks whether an item is open."""


class NoSources(Stores):
    """Stores in which every source is missing."""

    async def open(self, item: Item) -> PinnedSource:
        raise SourceError(f"{item.uri} is missing", cause="missing")


def items(count: int) -> Iterator[Item]:
    for number in range(count):
        uri = f"s3://films/2026/{number:07d}.mp4"
        yield Item(
            key=ingest_key("s3://films", uri), uri=uri, fields={"title": f"{number:07d}.mp4"}
        )


async def defer(dsn: str, count: int) -> dict[str, float]:
    await init_database(dsn)
    async with Distributed(dsn) as shared:
        began = time.monotonic()
        async for _ in shared.deferring(items(count)):
            pass
    return {"items": count, "first": began, "last": time.monotonic()}


async def work(dsn: str, count: int) -> dict[str, float]:
    times = [math.inf]

    def note(_: IngestResult) -> None:
        times.append(time.monotonic())

    def client(_: object) -> ApiVideoClient:
        return ApiVideoClient("never-used", base_url="http://127.0.0.1:1")

    running = asyncio.create_task(Worker(dsn, client, stores=NoSources(), on_result=note).run())
    async with Distributed(dsn, connections=1) as shared:
        while len(times) <= count and not running.done() and (await shared.totals()).open:
            await asyncio.sleep(LOOK_AGAIN)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        left = (await shared.totals()).open
    return {"items": len(times) - 1, "first": min(times), "last": times[-1], "left": left}


async def main() -> None:
    what, dsn, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print(json.dumps(await (defer if what == "defer" else work)(dsn, count)))


asyncio.run(main())
