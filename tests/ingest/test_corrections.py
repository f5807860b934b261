"""Edited lines of a manifest: reported, or applied to the videos that exist."""

import asyncio
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

from .ingesting import QUICK_OPTIONS, all_of
from .test_new_versions import ledger

__all__ = ["ledger"]


def described(folder: Path, **fields: Any) -> Item:
    from apivideo_async.ingest.stores.local import list_file

    item = list_file(folder / "a.mp4")
    return evolve(item, fields={**item.fields, **fields}, described=True)


@pytest.fixture
async def folder(client: ApiVideoClient, ledger: Ledger, tmp_path: Path) -> Path:
    """A folder with one file, whose video has a title and a tag."""
    (tmp_path / "a.mp4").write_bytes(b"content")
    async with Ingest(client, ledger, options=QUICK_OPTIONS) as ingest:
        first = described(tmp_path, title="First", tags=["one"], metadata={"lang": "fr"})
        [done] = await all_of(ingest, [first])
        assert done.outcome == "done"
    return tmp_path


async def run(client: ApiVideoClient, ledger: Ledger | Path, item: Item, *, update: bool) -> Ingest:
    options = evolve(QUICK_OPTIONS, update=update)
    async with Ingest(client, ledger, options=options) as ingest:
        await all_of(ingest, [item])
    return ingest


def changes(emu: Emulator) -> int:
    return sum(record.operation == "videos.update" for record in emu.requests)


async def test_a_corrected_line_is_reported_and_applied_on_demand(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, folder: Path
) -> None:
    corrected = described(folder, title="Second", metadata={"lang": "en"})
    ingest = await run(client, ledger, corrected, update=False)
    assert (ingest.activity.differing, ingest.activity.updated, changes(emu)) == (1, 0, 0)
    ingest = await run(client, ledger, corrected, update=True)
    assert (ingest.activity.differing, ingest.activity.updated, changes(emu)) == (1, 1, 1)
    [video] = await client.videos.list().to_list()
    metadata = video.metadata or {}
    assert (video.title, metadata["lang"], metadata["ingestKey"]) == ("Second", "en", corrected.key)
    assert video.tags == ["one"], "the new line does not give tags"
    ingest = await run(client, ledger, corrected, update=True)
    assert (ingest.activity.differing, changes(emu)) == (0, 1)


async def test_a_listing_without_a_description_changes_nothing(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, folder: Path
) -> None:
    bare = evolve(described(folder), described=False)
    ingest = await run(client, ledger, bare, update=True)
    assert (ingest.activity.differing, changes(emu)) == (0, 0)


async def test_a_video_that_cannot_be_changed_is_a_failed_result(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, folder: Path
) -> None:
    refusal = {"title": "no", "type": "x/bad-title"}
    emu.faults.add(Fault("videos.update", "status", status=400, body=refusal))
    corrected = described(folder, title="Second")
    options = evolve(QUICK_OPTIONS, update=True)
    async with Ingest(client, ledger, options=options) as ingest:
        [result] = await all_of(ingest, [corrected])
        assert (result.outcome, ingest.activity.updated) == ("failed", 0)
        assert ingest.activity.refused == 1
    # The correction is not recorded, so the next run applies it.
    ingest = await run(client, ledger, corrected, update=True)
    assert ingest.activity.updated == 1


async def test_a_first_source_is_inserted_before_the_others(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, tmp_path: Path
) -> None:
    """However long it takes, and however soon the others are listed."""
    (tmp_path / "a.mp4").write_bytes(b"content")
    item = described(tmp_path, title="Described")

    async def slow() -> AsyncIterator[Item]:
        await asyncio.sleep(0.5)
        yield item

    bare = evolve(item, fields={"title": "a.mp4"}, described=False)
    async with Ingest(client, ledger, options=QUICK_OPTIONS) as ingest:
        results = [result async for result in ingest.run([bare], first=slow())]
    assert [result.outcome for result in results] == ["done"]
    [video] = await client.videos.list().to_list()
    assert video.title == "Described"


async def test_a_video_that_another_ledger_made_is_not_silently_left_as_it_is(
    client: ApiVideoClient,
    emu: Emulator,
    ledger: Ledger,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is found by its key, and its fields are those of the first description."""
    item = described(folder, title="Second", metadata={"lang": "en"}, language="fr")
    async with Ingest(client, folder / "other.db", options=QUICK_OPTIONS) as other:
        [result] = await all_of(other, [item])
        assert (result.outcome, result.sent) == ("done", 0)
        [record] = [record async for record in other.ledger.records()]
    assert "with other fields" in caplog.text
    assert record.item.fields["title"] == "First"
    assert record.item.fields["metadata"] == {"lang": "fr"}
    ingest = await run(client, folder / "other.db", item, update=True)
    assert ingest.activity.updated == 1
    [video] = await client.videos.list().to_list()
    assert (video.title, (video.metadata or {})["lang"]) == ("Second", "en")
