"""An ingestion creates one video per source, however the service behaves.

See service.md#repeated-requests. ``tests/client/test_idempotency_key.py`` has the rules.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.ingest.ingestion import Ingest
from apivideo_async.ingest.item_run import ingest_one
from apivideo_async.ingest.ledger.ledger import Ledger
from tests.conftest import QUICK, sha256

from .ingesting import QUICK_OPTIONS, MakeItems, all_of, context_of

QUIRKS: list[dict[str, Any]] = [
    {"list-delay": 0.1},
    {"list-ignores-metadata": True},
    {"metadata-modified": True},
    {"new-video-delay": 0.1},
    {"late-creation": 0.1},
    {"list-delay": 0.1, "metadata-modified": True},
    {"late-creation": 0.1, "metadata-modified": True},
]


def cases() -> Iterator[Any]:
    for quirks in QUIRKS:
        for lost in (None, "drop-response", "reset-before"):
            quick = len(quirks) == 1 and lost == "drop-response"
            marks = () if quick else (pytest.mark.slow,)
            yield pytest.param(quirks, lost, marks=marks, id=f"{' '.join(quirks)}-{lost}")


@pytest.mark.parametrize(("quirks", "lost"), [*cases()])
async def test_a_source_is_one_video_with_every_quirk(
    client: ApiVideoClient,
    emu: Emulator,
    make_items: MakeItems,
    tmp_path: Path,
    quirks: dict[str, Any],
    lost: str | None,
) -> None:
    items = make_items(3)
    emu.quirks.update(quirks)
    if lost is not None:
        emu.faults.add(Fault("videos.create", lost))
    async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
        await all_of(ingest, items)
        assert (await ingest.totals()).items == {"done": 3}
    stored = sorted(emu.sha256(video_id) for video_id in emu.state.videos)
    assert stored == sorted(sha256(Path(item.uri).read_bytes()) for item in items)


async def test_one_creation_is_checked_and_more_if_a_proxy_delivers_requests_twice(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, tmp_path: Path
) -> None:
    items = make_items(5, 100)
    async with Ingest(client, tmp_path / "l.db", options=QUICK_OPTIONS) as ingest:
        await all_of(ingest, items)
        searches = [each for each in emu.requests if each.operation == "videos.list"]
        assert len(searches) == len(items) + 1
        emu.faults.add(Fault("videos.create", "duplicate", times=None))
        await all_of(ingest, make_items(7, 200))
    twice = ApiVideoClient(emu.api_key, base_url=emu.url, retry=QUICK)
    async with twice, Ingest(twice, tmp_path / "2.db", options=QUICK_OPTIONS) as ingest:
        emu.state.videos.clear()
        await all_of(ingest, items := make_items(9, 300))
        assert not twice.profile.delivers_once
        assert len(emu.state.videos) == len(items)


async def test_a_container_that_a_lost_worker_requested_is_searched_for_again_later(
    client: ApiVideoClient, emu: Emulator, make_items: MakeItems, ledger: Ledger
) -> None:
    [item] = make_items(1)
    client = client.with_options(retry=attrs.evolve(QUICK, settle=0.5))
    context = context_of(client, ledger)
    await ledger.add([item])
    claim = await context.lease_keeper.claim_key(item.key)
    assert claim is not None
    await ledger.creating(claim, item.size or 0, None, "stream")
    emu.quirks["list-delay"] = 0.2
    pairs = {"ingestKey": item.key, "ingestLedger": await ledger.mark()}
    video = await client.videos.create(title="x", metadata=pairs)  # The worker dies here.
    await ledger.expire()
    again = await context.lease_keeper.claim_key(item.key)
    assert again is not None
    result = await ingest_one(again, context)
    assert (result.outcome, result.delay) == ("later", 0.5), "it takes no place until then"
    await asyncio.sleep(0.6)
    last = await context.lease_keeper.claim_key(item.key)
    assert last is not None
    result = await ingest_one(last, context)
    assert (result.outcome, result.video_id) == ("done", video.video_id)
    assert list(emu.state.videos) == [video.video_id]
