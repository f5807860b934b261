"""Files that are touched, moved, copied or changed after they have a video, on both databases."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator
from apivideo_async.ingest.ingestion import Ingest
from apivideo_async.ingest.items import INGEST_LEDGER, Item
from apivideo_async.ingest.ledger.ledger import Ledger
from apivideo_async.ingest.listing.folders import list_folder
from apivideo_async.ingest.stores import local

from .ingesting import QUICK_OPTIONS, all_of
from .test_new_versions import ledger, states

__all__ = ["ledger"]


async def ingest_folder(
    client: ApiVideoClient, ledger: Ledger, folder: Path, **options: Any
) -> list[str]:
    """Ingest a folder; return the outcomes."""
    async with Ingest(client, ledger, options=evolve(QUICK_OPTIONS, **options)) as ingest:
        return [result.outcome for result in await all_of(ingest, list_folder(folder))]


@pytest.fixture(params=["small", "sampled"])
async def folder(
    client: ApiVideoClient,
    ledger: Ledger,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A folder whose one file has a video; it is small, or only samples of it are compared."""
    if request.param == "sampled":
        monkeypatch.setattr(local, "SAMPLE", 10)
        monkeypatch.setattr(local, "SAMPLES", 4)
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "a.mp4").write_bytes(bytes(range(256)) * 4)
    assert await ingest_folder(client, ledger, videos) == ["done"]
    return videos


async def test_a_touched_file_is_not_a_new_version(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, folder: Path
) -> None:
    for time in (1, 2):
        os.utime(folder / "a.mp4", (time, time))
        assert await ingest_folder(client, ledger, folder) == ["known"]
        # The next listing knows it.
        assert await ingest_folder(client, ledger, folder) == []
    assert (await states(ledger), len(emu.state.videos)) == ({"done": 1}, 1)


@pytest.mark.parametrize("keeps_times", [False, True])
async def test_a_moved_file_keeps_its_video(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, folder: Path, keeps_times: bool
) -> None:
    """Another mount point, or a copy without timestamps whose original is gone, is the same."""
    moved = folder.with_name("elsewhere")
    if keeps_times:
        folder.rename(moved)
    else:
        moved.mkdir()
        shutil.copyfile(folder / "a.mp4", moved / "b.mp4")
        shutil.rmtree(folder)
    assert await ingest_folder(client, ledger, moved) == ["known"]
    assert await ingest_folder(client, ledger, moved) == []
    [record] = [record async for record in ledger.records()]
    assert Path(record.item.uri).parent == moved
    assert len(emu.state.videos) == 1


async def test_a_copy_beside_the_original_is_a_source_of_its_own(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, folder: Path
) -> None:
    shutil.copy2(folder / "a.mp4", folder / "b.mp4")
    assert await ingest_folder(client, ledger, folder) == ["done"]
    assert (await states(ledger), len(emu.state.videos)) == ({"done": 2}, 2)


@pytest.mark.parametrize(
    ("on_change", "outcome", "sizes"),
    [("new", "done", [8, 1024]), ("replace", "done", [8]), ("keep", "known", [1024])],
)
async def test_a_changed_file_is_handled_as_the_option_says(
    client: ApiVideoClient,
    emu: Emulator,
    ledger: Ledger,
    folder: Path,
    on_change: str,
    outcome: str,
    sizes: list[int],
) -> None:
    (folder / "a.mp4").write_bytes(b"another.")
    assert await ingest_folder(client, ledger, folder, on_change=on_change) == [outcome]
    assert await ingest_folder(client, ledger, folder, on_change=on_change) == []
    assert sorted(video.media.size for video in emu.state.videos.values()) == sizes
    assert await states(ledger) == {"done": len(sizes)}


async def test_only_videos_of_this_ledger_are_replaced(
    client: ApiVideoClient,
    emu: Emulator,
    ledger: Ledger,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    [video] = emu.state.videos.values()
    await client.videos.update(video.id, metadata={INGEST_LEDGER: "another"})
    (folder / "a.mp4").write_bytes(b"another.")
    assert await ingest_folder(client, ledger, folder, on_change="replace") == ["done"]
    assert len(emu.state.videos) == 2
    assert "is kept: this ledger did not create it" in caplog.text


async def test_the_old_video_is_deleted_only_after_the_new_one_is_complete(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, folder: Path
) -> None:
    emu.requests.clear()
    (folder / "a.mp4").write_bytes(b"another.")
    await ingest_folder(client, ledger, folder, on_change="replace")
    operations = [record.operation for record in emu.requests]
    assert operations.index("videos.upload") < operations.index("videos.delete")
    assert operations.count("videos.delete") == 1


async def test_a_file_of_the_same_size_with_other_content_is_a_new_version(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, folder: Path
) -> None:
    (folder / "a.mp4").write_bytes(bytes(range(255, -1, -1)) * 4)
    assert await ingest_folder(client, ledger, folder) == ["done"]
    assert len(emu.state.videos) == 2


async def test_a_forgotten_item_has_no_aliases(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, folder: Path
) -> None:
    os.utime(folder / "a.mp4", (1, 1))
    assert await ingest_folder(client, ledger, folder) == ["known"]
    [record] = [record async for record in ledger.records()]
    await ledger.forget([record.key])
    assert await ingest_folder(client, ledger, folder) == ["done"]
    await ledger.prune(("done",), -60.0)
    assert await ingest_folder(client, ledger, folder) == ["done"]


async def test_keys_of_the_caller_are_sources_of_their_own(
    client: ApiVideoClient, emu: Emulator, ledger: Ledger, folder: Path
) -> None:
    """They are neither merged nor replaced, although they have one address."""
    items = [Item(key=f"order {number}", uri=str(folder / "a.mp4")) for number in range(3)]
    options = evolve(QUICK_OPTIONS, on_change="replace")
    async with Ingest(client, ledger, options=options) as ingest:
        results = await all_of(ingest, items)
    assert [result.outcome for result in results] == ["done"] * 3
    assert len(emu.state.videos) == 4
    (folder / "a.mp4").write_bytes(b"another.")
    assert await ingest_folder(client, ledger, folder, on_change="replace") == ["done"]
    assert sorted(video.media.size for video in emu.state.videos.values()) == [8, 1024, 1024, 1024]
