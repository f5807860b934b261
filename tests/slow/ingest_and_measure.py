"""Run by test_ingest_memory: ingests the files in FOLDER and items without a source, COUNT in all.

Uploading 100,000 files would take minutes. One item in ten is uploaded, and the others fail at
once. They pass through the listing, the ledger, the claims, the tasks and the results as well.
"""

import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from peak import peak_rss

from apivideo_async import ApiVideoClient
from apivideo_async.ingest.ingestion import Ingest
from apivideo_async.ingest.items import Item, ingest_key
from apivideo_async.ingest.listing.sources import list_sources
from apivideo_async.ingest.stores.stores import Stores


async def missing(count: int) -> AsyncIterator[Item]:
    for number in range(count):
        path = f"/no/such/folder/{number:07}.mp4"
        yield Item(key=ingest_key("file", path), uri=path, fields={"title": f"{number:07}.mp4"})


async def main(folder: str, count: int) -> None:
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as state:
        async with (
            ApiVideoClient() as client,
            Stores() as stores,
            Ingest(client, Path(state) / "ledger.db", stores=stores) as ingest,
        ):
            sources = (
                list_sources(folder, stores=stores),
                missing(count - len(list(Path(folder).iterdir()))),
            )
            async for result in ingest.run(*sources):
                outcomes[result.outcome] += 1
    print(json.dumps({"peak": peak_rss(), **outcomes}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
