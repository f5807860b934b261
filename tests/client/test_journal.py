"""An upload that died is found again by the next process."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from apivideo_async import ApiVideoClient, SourceError, UploadError, UploadOptions, UploadProgress
from apivideo_async.emulator import Emulator, Fault
from tests.client.test_uploads import uploads
from tests.conftest import CHUNK, data_of, options, sha256

DATA = data_of(6 * CHUNK)


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


async def die(emu: Emulator, client: ApiVideoClient, path: Path, how: UploadOptions) -> None:
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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda p: p.write_bytes(DATA + b"x"), "size changed", id="size"),
        pytest.param(lambda p: os.utime(p, ns=(1, 1)), "written to", id="time"),
    ],
)
async def test_a_changed_file_is_refused_with_the_reason(
    emu: Emulator, client: ApiVideoClient, path: Path, folder: Path, change: object, words: str
) -> None:
    await die(emu, client, path, journalled(folder))
    change(path)  # type: ignore[operator]
    with pytest.raises(SourceError, match=words) as caught:
        await client.upload(path, title="t", options=journalled(folder, "on"))
    assert caught.value.video_id is not None
    assert emu.requests == []


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
    assert "cannot be written" in caplog.text


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
