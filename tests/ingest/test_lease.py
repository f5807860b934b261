"""A lease keeper renews only the leases that it knows, also when responses to claims are lost."""

import asyncio
from pathlib import Path

import pytest

from apivideo_async.errors import LeaseLostError
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.ledger.lease import LeasedSource, LeaseKeeper
from apivideo_async.ingest.ledger.sqlite import open_sqlite_ledger
from apivideo_async.uploads.sources.opening import MemorySource
from apivideo_async.uploads.sources.types import BLOCK


async def test_a_claim_whose_answer_was_lost_is_not_kept_for_ever(tmp_path: Path) -> None:
    ledger = await open_sqlite_ledger(tmp_path / "ledger.db")
    await ledger.add([Item(key="known", uri="/known"), Item(key="unknown", uri="/unknown")])
    lease_keeper = LeaseKeeper(ledger, "one", 0.3)
    assert await lease_keeper.claim_key("known") is not None
    assert await ledger.claim_key("one", "unknown", 0.3) is not None  # Nobody heard of it.
    running = asyncio.create_task(lease_keeper.run())
    await asyncio.sleep(0.5)
    assert await ledger.claim_key("two", "known", 1.0) is None
    assert await ledger.claim_key("two", "unknown", 1.0) is not None
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await ledger.aclose()


async def test_who_loses_the_lease_in_the_middle_of_a_chunk_stops_there(tmp_path: Path) -> None:
    ledger = await open_sqlite_ledger(tmp_path / "ledger.db")
    await ledger.add([Item(key="key", uri="/key")])
    lease_keeper = LeaseKeeper(ledger, "frozen", 0.2)
    claim = await lease_keeper.claim_key("key")
    assert claim is not None
    source = LeasedSource(
        MemorySource(bytes(3 * BLOCK), "clip.mp4"), lease_keeper, claim, stall=60.0
    )
    assert (source.name, source.size) == ("clip.mp4", 3 * BLOCK)
    given = []
    with pytest.raises(LeaseLostError):
        async for block in source.read(0, source.size):
            given.append(len(block))
            await asyncio.sleep(0.3)
            assert await ledger.claim_key("another", "key", 10.0) is not None
    assert given == [BLOCK]
    await ledger.aclose()
