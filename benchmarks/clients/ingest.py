"""Ingests sources into a new ledger. Arguments: FOLDER|MANIFEST STRATEGY CONCURRENCY.

Prints the seconds and CPU seconds from the listing to the last item, the number of items that are
done and that are not, and the peak memory in MiB: ``idle`` after signing in, ``peak`` at the end.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from memory import peak

from apivideo_async import ApiVideoClient
from apivideo_async.ingest.ingestion import Ingest
from apivideo_async.ingest.listing.manifest import read_manifest
from apivideo_async.ingest.listing.sources import list_sources
from apivideo_async.ingest.options import IngestOptions
from apivideo_async.ingest.stores.stores import Stores


async def main() -> None:
    what, strategy, concurrency = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    options = IngestOptions(strategy=strategy, concurrency=concurrency)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        async with (
            ApiVideoClient() as client,
            Stores() as stores,
            Ingest(client, path, options=options, stores=stores) as ingest,
        ):
            # Sign in before the measurement.
            await client.videos.create(title="warm")
            sources = (
                list_sources(what, stores=stores)
                if what.is_dir()
                else read_manifest(what, strategy=strategy)
            )
            idle, began, cpu = peak(), time.perf_counter(), time.process_time()
            async for _ in ingest.run(sources):
                pass
            said = {
                "seconds": time.perf_counter() - began,
                "cpu_seconds": time.process_time() - cpu,
            }
            totals = await ingest.totals()
    counts = {"done": totals.count("done"), "not_done": totals.count() - totals.count("done")}
    print(json.dumps(said | counts | {"idle": idle, "peak": peak()}))


if __name__ == "__main__":
    asyncio.run(main())
