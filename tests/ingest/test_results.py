"""Results are given out as fast as they are taken, and no item is brought there much sooner."""

import asyncio
from pathlib import Path

from attrs import evolve

from apivideo_async import ApiVideoClient
from apivideo_async.ingest.ingestion import Ingest

from .ingesting import QUICK_OPTIONS, MakeItems

AT_ONCE = 2
QUEUED = 2 * AT_ONCE


async def test_who_takes_results_slowly_holds_up_the_items(
    client: ApiVideoClient, make_items: MakeItems, tmp_path: Path
) -> None:
    """Else the results of all of them, however many there are, wait in memory."""
    items = make_items(40, 100)
    async with Ingest(
        client, tmp_path / "l.db", options=evolve(QUICK_OPTIONS, concurrency=AT_ONCE)
    ) as ingest:
        run = ingest.run(items)
        await anext(run)
        async with asyncio.timeout(60):
            while (await ingest.totals()).count("done") < QUEUED:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert (await ingest.totals()).count("done") <= 1 + QUEUED + AT_ONCE
        assert len([result async for result in run]) == len(items) - 1
