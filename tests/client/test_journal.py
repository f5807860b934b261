"""An upload that died is found again by the next process."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from apivideo_async import ApiVideoClient, SourceError, UploadError, UploadOptions, UploadProgress
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.types import SourceLike
from apivideo_async.uploads.sources import files
from apivideo_async.uploads.sources.opening import MemorySource
from tests.client.test_uploads import uploads
from tests.conftest import CHUNK, QUICK, data_of, options, sha256

DATA = data_of(6 * CHUNK)
END_BLOCK = 4096
"""In place of 1 MiB."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "clip.mp4"
    file.write_bytes(DATA)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def journalled(folder: Path, resume: str = "off", **more: object) -> UploadOptions:
    return options(journal=folder, resume=resume, concurrency=1, **more)


async def die(emu: Emulator, client: ApiVideoClient, path: SourceLike, how: UploadOptions) -> None:
    """End an upload for good after two chunks, as a crash would: the journal stays."""
    emu.faults.add(Fault("videos.upload", "status", status=400, nth=3, times=None))
    with pytest.raises(UploadError):
        await client.upload(path, title="t", options=how)
    emu.faults.clear()
    emu.requests.clear()


@pytest.mark.parametrize("mode", ["bytes", "part"])
async def test_resume_sends_only_the_missing_chunks(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path, mode: str
) -> None:
    await die(emu, client, path, journalled(folder, mode=mode))
    # Another concurrency and no chunk size: the journal knows how the file was cut.
    video = await client.upload(
        path, title="t", options=journalled(folder, "on", chunk_size=None, mode=mode)
    )
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert len(uploads(emu)) == 4
    assert [record for record in emu.requests if record.operation == "videos.create"] == []
    assert list(folder.iterdir()) == [], "a finished upload leaves no journal"


async def test_without_resume_a_new_video_is_made(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path
) -> None:
    await die(emu, client, path, journalled(folder))
    await client.upload(path, title="t", options=journalled(folder))
    assert len(uploads(emu)) == 6


async def test_required_means_that_there_must_be_one(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path
) -> None:
    with pytest.raises(UploadError, match="no interrupted upload"):
        await client.upload(path, title="t", options=journalled(folder, "required"))
    with pytest.raises(UploadError, match="no interrupted upload"):
        await client.upload(DATA, title="t", options=journalled(folder, "required"))
    assert emu.requests == []
    await die(emu, client, path, journalled(folder))
    await client.upload(path, title="t", options=journalled(folder, "required"))
    assert len(uploads(emu)) == 4


def rewrite(path: Path) -> None:
    """Give the file another inode and another time of change, as a remount or a restore does."""
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    os.utime(copy, ns=(1, 1))
    copy.replace(path)


def move(path: Path) -> None:
    path.rename(path.with_name("moved.mp4"))


def move_to_another_file_system(path: Path) -> None:
    shutil.copy(path, path.with_name("moved.mp4"))
    os.utime(path.with_name("moved.mp4"), ns=(1, 1))
    path.unlink()


@pytest.mark.parametrize("change", [rewrite, move, move_to_another_file_system])
async def test_the_same_bytes_are_the_same_file(
    emu: Emulator,
    client: ApiVideoClient,
    path: Path,
    folder: Path,
    change: Callable[[Path], None],
) -> None:
    await die(emu, client, path, journalled(folder))
    change(path)
    [path] = path.parent.glob("*.mp4")
    emu.faults.add(Fault("videos.upload", "status", status=400, nth=2, times=None))
    with pytest.raises(UploadError):
        await client.upload(path, title="t", options=journalled(folder, "on"))
    emu.faults.clear()
    assert len(list(folder.iterdir())) == 1, "the entry has the new path"
    video = await client.upload(path, title="t", options=journalled(folder, "on"))
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert [record for record in emu.requests if record.operation == "videos.create"] == []
    assert list(folder.iterdir()) == []


async def test_a_copy_is_another_file(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path
) -> None:
    await die(emu, client, path, journalled(folder))
    copy = Path(shutil.copy(path, path.with_name("copy.mp4")))
    other = await client.upload(copy, options=journalled(folder, "on"))
    assert other.title == "copy.mp4"
    emu.requests.clear()
    video = await client.upload(path, title="t", options=journalled(folder, "on"))
    assert len(uploads(emu)) == 4, "the upload of the copy left the entry in place"
    assert video.video_id != other.video_id


def longer(path: Path) -> None:
    path.write_bytes(DATA + b"x")


def other_middle(path: Path) -> None:
    """The same size, time and ends."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(END_BLOCK + 10)
        file.write(b"y")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", [longer, other_middle])
async def test_a_file_with_other_content_is_uploaded_from_the_start_and_replaces_the_entry(
    emu: Emulator,
    client: ApiVideoClient,
    path: Path,
    folder: Path,
    change: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(files, "END_BLOCK", END_BLOCK)
    await die(emu, client, path, journalled(folder))
    change(path)
    with pytest.raises(UploadError, match="its content has changed"):
        await client.upload(path, title="t", options=journalled(folder, "required"))
    assert emu.requests == []
    await die(emu, client, path, journalled(folder, "on"))
    assert "has changed since its upload was interrupted" in caplog.text
    assert len(list(folder.iterdir())) == 1
    video = await client.upload(path, title="t", options=journalled(folder, "required"))
    assert len(uploads(emu)) == -(-path.stat().st_size // CHUNK) - 2
    assert emu.sha256(video.video_id) == sha256(path.read_bytes())


async def test_a_container_with_bytes_of_another_file_is_refused(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path
) -> None:
    """With the journal, also in another process. Without it, in this process."""
    for how in (journalled(folder, "on"), options(concurrency=1)):
        container = await client.videos.create(title="t")
        emu.faults.add(Fault("videos.upload", "status", status=400, nth=3, times=None))
        with pytest.raises(UploadError):
            await client.videos.upload(container.video_id, path, options=how)
        emu.faults.clear()
        emu.requests.clear()
        path.write_bytes(DATA[::-1])
        with pytest.raises(SourceError, match="is not the file") as caught:
            await client.videos.upload(container.video_id, path, options=how)
        assert caught.value.video_id == container.video_id
        assert uploads(emu) == []
        path.write_bytes(DATA)
        await client.videos.upload(container.video_id, path, options=how)
        assert emu.sha256(container.video_id) == sha256(DATA)


async def running(emu: Emulator) -> None:
    """Wait until an upload has sent a chunk."""
    async with asyncio.timeout(60):
        while not uploads(emu):
            await asyncio.sleep(0.005)


async def test_a_second_upload_of_the_file_waits_for_the_first(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path
) -> None:
    how = journalled(folder, "on")
    emu.faults.add(Fault("videos.upload", "delay", seconds=0.02, times=None))
    async with ApiVideoClient(emu.api_key, base_url=emu.url, retry=QUICK) as other:
        first = asyncio.create_task(client.upload(path, title="1", options=how))
        await running(emu)
        second = await other.upload(path, title="2", options=how)
    assert first.done()
    assert second.video_id != (await first).video_id
    for video in (await first, second):
        assert emu.sha256(video.video_id) == sha256(DATA)
    assert list(folder.iterdir()) == []


async def test_a_waiting_upload_continues_what_the_first_left(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path
) -> None:
    how = journalled(folder, "on")
    emu.faults.add(Fault("videos.upload", "delay", seconds=0.02, times=None))
    first = asyncio.create_task(client.upload(path, title="t", options=how))
    await running(emu)
    second = asyncio.create_task(client.upload(path, title="t", options=how))
    await asyncio.sleep(0.01)
    first.cancel()
    video = await second
    assert len(emu.state.videos) == 1
    assert emu.sha256(video.video_id) == sha256(DATA)


async def test_without_resume_a_second_upload_does_not_wait_and_is_not_recorded(
    emu: Emulator,
    client: ApiVideoClient,
    path: Path,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    emu.faults.add(Fault("videos.upload", "delay", seconds=0.2, nth=2))
    first = asyncio.create_task(client.upload(path, title="1", options=journalled(folder)))
    await running(emu)
    second = await client.upload(path, title="2", options=journalled(folder))
    assert "is not recorded in the journal" in caplog.text
    assert (await first).video_id != second.video_id


async def test_a_lock_of_a_process_that_was_killed_does_not_count(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path
) -> None:
    await die(emu, client, path, journalled(folder))
    [entry] = folder.iterdir()
    entry.with_suffix(".lock").touch()
    await client.upload(path, title="t", options=journalled(folder, "on"))
    assert len(uploads(emu)) == 4
    assert list(folder.iterdir()) == []


class Described(MemorySource):
    """A source of the user that describes its content."""

    def __init__(self, description: dict[str, object]) -> None:
        super().__init__(DATA)
        self._description = description

    async def fingerprint(self) -> dict[str, object]:
        return self._description


async def test_a_source_of_the_user_describes_its_content_as_it_likes(
    emu: Emulator, client: ApiVideoClient, folder: Path
) -> None:
    await die(emu, client, Described({"etag": ("a", 1)}), journalled(folder))
    await client.upload(Described({"etag": ("a", 1)}), title="t", options=journalled(folder, "on"))
    assert len(uploads(emu)) == 4
    with pytest.raises(SourceError, match="JSON"):
        await client.upload(Described({"at": object()}), options=journalled(folder, "on"))


async def test_a_container_that_is_gone_is_made_anew(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path
) -> None:
    await die(emu, client, path, journalled(folder))
    for video in await client.videos.list().to_list():
        await client.videos.delete(video.video_id)
    video = await client.upload(path, title="t", options=journalled(folder, "on"))
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert len(uploads(emu)) == 6


async def test_a_broken_journal_is_ignored(
    emu: Emulator,
    client: ApiVideoClient,
    path: Path,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    given = {
        "version": 1,
        "base_url": "",
        "video_id": "v",
        "mode": "x",
        "chunk_size": 0,
        "accepted": [],
    }
    damaged = [json.dumps({**given, "fingerprint": fingerprint}) for fingerprint in ([], {})]
    for text in ("{", "[]", '{"version": 0}', '{"version": 1}', "[" * 100_000, *damaged):
        await die(emu, client, path, journalled(folder))
        for entry in folder.iterdir():
            entry.write_text(text)
        await client.upload(path, title="t", options=journalled(folder, "on"))
        assert len(uploads(emu)) == 6
    assert "ignored" in caplog.text


async def test_a_token_upload_resumes_from_the_journal_alone(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path
) -> None:
    token = await client.upload_tokens.create()
    emu.faults.add(Fault("videos.upload_with_token", "status", status=400, nth=4, times=None))
    async with ApiVideoClient(base_url=emu.url) as bare:
        with pytest.raises(UploadError):
            await bare.videos.upload_with_token(token.token, path, options=journalled(folder))
        emu.faults.clear()
        text = next(folder.iterdir()).read_text()
        assert token.token not in text, "no secret on disk"
        # The process died between the server's acceptance of a chunk and the note of it.
        entry = json.loads(text)
        entry["accepted"].pop()
        next(folder.iterdir()).write_text(json.dumps(entry))
        emu.requests.clear()
        video = await bare.videos.upload_with_token(
            token.token, path, options=journalled(folder, "on")
        )
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert len(uploads(emu)) == 4
    assert {record.video_id for record in uploads(emu) if record.status == 201} == {video.video_id}


@pytest.mark.parametrize("mode", ["bytes", "part", None], ids=["bytes", "part", "whole"])
async def test_a_token_upload_that_ended_after_its_last_chunk_is_found_complete(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path, mode: str | None
) -> None:
    def die(progress: UploadProgress) -> None:
        if progress.finished:
            raise KeyError("power")

    if mode is None:
        path.write_bytes(DATA[:CHUNK])
    token = (await client.upload_tokens.create()).token
    how = journalled(folder, "on", mode=mode)
    with pytest.raises(KeyError):
        await client.videos.upload_with_token(token, path, options=how, on_progress=die)
    emu.requests.clear()
    video = await client.videos.upload_with_token(token, path, options=how)
    assert uploads(emu) == []
    assert emu.sha256(video.video_id) == sha256(path.read_bytes())
    assert list(folder.iterdir()) == []


async def test_another_container_has_another_story(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path
) -> None:
    await die(emu, client, path, journalled(folder))
    other = await client.videos.create(title="other")
    await client.videos.upload(other.video_id, path, options=journalled(folder, "on"))
    assert emu.sha256(other.video_id) == sha256(DATA)


async def test_a_journal_that_cannot_be_written_is_told_and_stops_nothing(
    emu: Emulator,
    client: ApiVideoClient,
    path: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").write_text("in the way")
    for resume in ("off", "on"):
        video = await client.upload(
            path, title="t", options=journalled(tmp_path / "file" / "x", resume)
        )
        assert emu.sha256(video.video_id) == sha256(DATA)
    assert caplog.text.count("cannot be written") == 1, "noted once"


async def test_a_name_that_is_not_utf_8_can_be_uploaded_and_journalled(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path, folder: Path
) -> None:
    file = tmp_path / os.fsdecode(b"bad\xff.mp4")
    file.write_bytes(DATA)
    await die(emu, client, file, journalled(folder))
    video = await client.upload(file, options=journalled(folder, "on"))
    assert video.title == "t"
    assert len(uploads(emu)) == 4
    assert (await client.upload(file)).title == "bad?.mp4"


async def test_a_stream_is_not_journalled(client: ApiVideoClient, folder: Path) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        yield DATA

    await client.upload(blocks(), title="t", options=journalled(folder, "on"))
    assert not folder.exists()
