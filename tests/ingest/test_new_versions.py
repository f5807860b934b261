"""A source that is corrected or changed before it has a video stays one item, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.ingest.ingestion import Ingest
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.ledger.ledger import Ledger
from apivideo_async.ingest.ledger.sqlite import open_sqlite_ledger
from apivideo_async.ingest.listing.descriptions import make_item
from apivideo_async.ingest.stores.local import list_file
from tests.conftest import CHUNK

from .ingesting import QUICK_OPTIONS, all_of, key_of
from .test_ledger import ENGINES, LONG, claimed, item_of, open_postgres


@pytest.fixture(params=ENGINES)
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = (
        await open_sqlite_ledger(tmp_path / "ledger.db")
        if request.param == "sqlite"
        else await open_postgres(request.getfixturevalue("postgres_dsn"))
    )
    yield opened
    await opened.aclose()


@pytest.fixture
async def ingest(client: ApiVideoClient, ledger: Ledger) -> AsyncIterator[Ingest]:
    async with Ingest(client, ledger, options=QUICK_OPTIONS) as opened:
        yield opened


def titles(emu: Emulator) -> list[str]:
    return sorted(video.attributes["title"] for video in emu.state.videos.values())


async def states(ledger: Ledger) -> dict[str, int]:
    return {state: count for state, count in (await ledger.totals()).items.items() if count}


@pytest.mark.parametrize("listed_again", [False, True])
async def test_a_failed_file_that_is_replaced_is_ingested_with_its_fields(
    ingest: Ingest, emu: Emulator, tmp_path: Path, listed_again: bool
) -> None:
    """The advice for an empty file is to replace it, and to retry the item."""
    path = tmp_path / "a.mp4"
    path.touch()
    [failed] = await all_of(ingest, [await make_item(str(path), title="From the manifest")])
    assert (failed.outcome, failed.error and failed.error.cause) == ("failed", "empty")
    path.write_bytes(b"complete")
    if listed_again:
        results = await all_of(ingest, [list_file(path)])
    else:
        await ingest.ledger.retry()
        results = await all_of(ingest)
    assert results[-1].outcome == "done"
    assert await states(ingest.ledger) == {"done": 1}
    assert titles(emu) == ["From the manifest"]
    # The item has the key of the listing, so nothing is ingested a second time.
    assert await all_of(ingest, [list_file(path)]) == []


async def test_a_file_that_changes_after_its_listing_is_ingested_as_it_is(
    ingest: Ingest, emu: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"first")
    listed = list_file(path)
    path.write_bytes(b"second one")
    results = await all_of(ingest, [listed])
    assert [result.outcome for result in results] == ["later", "done"]
    assert results[-1].item.key == key_of(path)
    assert emu.size(str(results[-1].video_id)) == 10
    assert await states(ingest.ledger) == {"done": 1}


async def test_a_file_that_never_rests_fails_in_the_end(
    ingest: Ingest, emu: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"first")
    from apivideo_async.ingest.stores import local

    opened = local._open

    def write_and_open(given: Path) -> Any:
        path.write_bytes(path.read_bytes() + b"more")
        return opened(given)

    monkeypatch.setattr(local, "_open", write_and_open)
    results = await all_of(ingest, [list_file(path)])
    assert results[-1].outcome == "failed"
    assert results[-1].error is not None
    assert results[-1].error.cause == "changed"
    assert len(results) == QUICK_OPTIONS.attempts
    assert not emu.state.videos


async def test_an_item_whose_current_version_is_known_is_deleted(
    ingest: Ingest, emu: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"first")
    old = list_file(path)
    path.write_bytes(b"second one")
    await all_of(ingest, [list_file(path)])
    await all_of(ingest, [old])
    assert await states(ingest.ledger) == {"done": 1}
    assert len(emu.state.videos) == 1


REFUSAL = {"title": "not a video", "type": "https://docs.api.video/reference/invalid-file"}


@pytest.mark.parametrize("listed_again", [False, True])
async def test_a_refused_file_that_is_replaced_leaves_no_other_video(
    ingest: Ingest, emu: Emulator, tmp_path: Path, listed_again: bool
) -> None:
    """The container has received nothing, so it is deleted with the old version."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"first")
    emu.faults.add(Fault("videos.upload", "status", status=400, times=None, body=REFUSAL))
    *_, failed = await all_of(ingest, [list_file(path)])
    assert (failed.outcome, len(emu.state.videos)) == ("failed", 1)
    emu.faults.clear()
    path.write_bytes(b"second one")
    if listed_again:
        await all_of(ingest, [list_file(path)])
        assert await states(ingest.ledger) == {"failed": 1, "done": 1}
    await ingest.ledger.retry()
    await all_of(ingest)
    assert await states(ingest.ledger) == {"done": 1}
    assert [video.media.size for video in emu.state.videos.values()] == [10]


async def test_a_video_with_bytes_of_the_old_content_is_kept(
    ingest: Ingest, emu: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(bytes(3 * CHUNK))
    emu.faults.add(Fault("videos.upload", "status", nth=2, status=400, times=None, body=REFUSAL))
    *_, failed = await all_of(ingest, [list_file(path)])
    emu.faults.clear()
    path.write_bytes(b"second one")
    await ingest.ledger.retry()
    [again] = await all_of(ingest)
    assert (again.outcome, again.error and again.error.cause) == ("failed", "changed")
    assert again.video_id == failed.video_id
    [done] = await all_of(ingest, [list_file(path)])
    assert done.outcome == "done"
    assert await states(ingest.ledger) == {"failed": 1, "done": 1}
    assert len(emu.state.videos) == 2


async def test_a_description_replaces_the_fields_of_an_item_that_has_not_begun(
    ledger: Ledger,
) -> None:
    bare = item_of(fields={"title": "1.mp4"})
    await ledger.add([bare])
    described = evolve(bare, fields={"title": "One", "tags": ["talk"]}, described=True)
    assert await ledger.prepare([described]) == [described]
    # A listing does not take the fields away again.
    assert await ledger.prepare([bare]) == [bare]
    claim = await claimed(ledger)
    assert claim.item.fields == described.fields
    await ledger.prepare([evolve(described, fields={"title": "Too late"})])
    record = await ledger.record("key-1")
    assert record is not None
    assert record.item.fields == described.fields


async def test_only_failed_items_without_a_container_are_replaced(ledger: Ledger) -> None:
    await ledger.add([item_of(number) for number in range(1, 5)])
    first = await claimed(ledger)
    await ledger.fail(first, "empty", "empty")
    second = await claimed(ledger, key="key-2")
    await ledger.creating(second, 1, None, "stream")
    await ledger.created(second, "vi1")
    await ledger.fail(second, "upload", "failed")
    contested = await claimed(ledger, seconds=0.0, key="key-3")
    await ledger.creating(contested, 1, None, "stream")
    contested = await claimed(ledger, key="key-3")
    await ledger.fail(contested, "upload", "failed")
    again = [item_of(number, key=f"new-{number}") for number in range(1, 5)]
    await ledger.prepare(again)
    found = [record.key async for record in ledger.records()]
    assert found == ["key-2", "key-3", "key-4"]


async def test_a_lost_lease_changes_no_version(ledger: Ledger) -> None:
    await ledger.add([item_of()])
    old = await claimed(ledger, seconds=0.0)
    await claimed(ledger, owner="two", seconds=LONG)
    assert not await ledger.renew_version(old, item_of(key="new"), 0.0)
    assert [record.key async for record in ledger.records()] == ["key-1"]


async def test_values_that_no_database_stores_are_left_to_the_insertion(ledger: Ledger) -> None:
    odd: Item = item_of(fields={"title": object()}, described=True)
    assert await ledger.prepare([odd]) == [odd]
