"""What tests of a whole ingestion share: items, a ledger, and a look at what the emulator holds."""

import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator
from apivideo_async.ingest.ingestion import Ingest
from apivideo_async.ingest.item_run import IngestContext, IngestResult
from apivideo_async.ingest.items import Item, Record, ingest_key
from apivideo_async.ingest.ledger.ledger import Ledger
from apivideo_async.ingest.ledger.sqlite import open_sqlite_ledger
from apivideo_async.ingest.options import IngestOptions
from apivideo_async.ingest.stores.stores import Stores
from tests.conftest import CHUNK

QUICK_OPTIONS = IngestOptions(first_delay=0.01, longest_delay=0.05)

ITEMS = "apivideo_ingest_items"
"""The table of the items."""
MakeItems = Callable[..., list[Item]]


def key_of(path: Path) -> str:
    return ingest_key(
        "file", str(path), size=path.stat().st_size, mtime=str(path.stat().st_mtime_ns)
    )


def item_of(path: Path, **fields: Any) -> Item:
    return Item(key=key_of(path), uri=str(path), size=path.stat().st_size, fields=fields)


@pytest.fixture
def make_items(tmp_path: Path) -> MakeItems:
    """Files of mixed sizes, some of several chunks."""

    def make(count: int, *sizes: int) -> list[Item]:
        chance = random.Random(count)
        folder = tmp_path / "videos"
        folder.mkdir(exist_ok=True)
        items = []
        for index in range(count):
            path = folder / f"{index:05}.mp4"
            path.write_bytes(chance.randbytes(chance.choice(sizes or (100, 5_000, 3 * CHUNK + 17))))
            items.append(item_of(path))
        return items

    return make


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = await open_sqlite_ledger(tmp_path / "ledger.db")
    yield opened
    await opened.aclose()


def context_of(
    client: ApiVideoClient,
    ledger: Ledger,
    options: IngestOptions = QUICK_OPTIONS,
    stores: Any = None,
) -> IngestContext:
    return IngestContext(
        client=client,
        ledger=ledger,
        owner=f"owner-{random.random()}",
        stores=stores or Stores(),
        options=options,
    )


async def all_of(ingest: Ingest, *sources: Any) -> list[IngestResult]:
    return [result async for result in ingest.run(*sources)]


async def records_of(ledger: Any) -> list[Record]:
    return [record async for record in ledger.records()]


def videos_by_key(emu: Emulator) -> dict[str, list[str]]:
    """The ids of the containers that carry each key; the empty text for those without one."""
    found: dict[str, list[str]] = {}
    for video in emu.state.videos.values():
        pairs = {pair["key"]: pair["value"] for pair in video.attributes.get("metadata", [])}
        found.setdefault(pairs.get("ingestKey", ""), []).append(video.id)
    return found
