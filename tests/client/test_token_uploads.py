"""Interrupted uploads with a token: a token cannot ask which chunks arrived."""

from pathlib import Path
from typing import Any

import pytest

from apivideo_async import (
    ApiVideoClient,
    ConfigurationError,
    RetryPolicy,
    SourceError,
    UploadError,
)
from apivideo_async.config import MIB
from apivideo_async.emulator import Emulator, Fault
from tests.client.test_uploads import uploads
from tests.conftest import CHUNK, LIMITS, QUICK, REFUSED, blocks_of, data_of, options, sha256

DATA = data_of(10 * CHUNK + 500)
ONCE = RetryPolicy(attempts=1, settle=0)


def source_of(kind: str, folder: Path) -> Any:
    if kind == "path":
        path = folder / "clip.mp4"
        path.write_bytes(DATA)
        return path
    return DATA if kind == "bytes" else blocks_of(DATA, 50_000)


async def interrupted(emu: Emulator, token: str, source: Any, mode: str) -> UploadError:
    """Upload, and fail after some chunks."""
    emu.faults.add(Fault("videos.upload_with_token", "status", nth=6, times=None, **REFUSED))
    async with ApiVideoClient(base_url=emu.url, retry=ONCE) as client:
        with pytest.raises(UploadError) as caught:
            await client.videos.upload_with_token(token, source, options=options(mode=mode))
    emu.faults.clear()
    return caught.value


@pytest.mark.parametrize("mode", ["bytes", "part"])
@pytest.mark.parametrize("kind", ["path", "bytes", "stream"])
async def test_the_ledger_of_the_error_finishes_an_interrupted_upload(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path, kind: str, mode: str
) -> None:
    token = (await client.upload_tokens.create()).token
    error = await interrupted(emu, token, source_of(kind, tmp_path), mode)
    accepted = {chunk.number for chunk in error.ledger.accepted}
    emu.requests.clear()
    async with ApiVideoClient(base_url=emu.url, retry=QUICK) as bare:
        video = await bare.videos.upload_with_token(
            token,
            source_of(kind, tmp_path),
            video_id=error.video_id,
            ledger=error.ledger,
            options=options(mode=mode),
        )
    assert video.video_id == error.video_id
    assert emu.sha256(video.video_id) == sha256(DATA)
    # A chunk may have been stored although its response did not reach the ledger.
    assert len(uploads(emu)) == 11 - len(accepted)


async def test_a_ledger_collects_the_chunks_of_several_calls(
    emu: Emulator, client: ApiVideoClient
) -> None:
    token = (await client.upload_tokens.create()).token
    first = await interrupted(emu, token, DATA, "part")
    emu.faults.add(Fault("videos.upload_with_token", "status", nth=3, times=None, **REFUSED))
    async with ApiVideoClient(base_url=emu.url, retry=ONCE) as bare:
        given: dict[str, Any] = {"video_id": first.video_id, "options": options(mode="part")}
        with pytest.raises(UploadError) as caught:
            await bare.videos.upload_with_token(token, DATA, ledger=first.ledger, **given)
        emu.faults.clear()
        second = caught.value.ledger
        assert {*first.ledger.accepted} < {*second.accepted}
        video = await bare.videos.upload_with_token(token, DATA, ledger=second, **given)
    assert emu.sha256(video.video_id) == sha256(DATA)


@pytest.mark.parametrize("kind", ["path", "bytes", "stream"])
async def test_a_second_call_that_names_the_video_finishes_without_a_ledger(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path, kind: str
) -> None:
    """The service refuses an exact repeat of a stored chunk, which then counts as accepted."""
    token = (await client.upload_tokens.create()).token
    error = await interrupted(emu, token, source_of(kind, tmp_path), "bytes")
    async with ApiVideoClient(base_url=emu.url, retry=QUICK) as bare:
        video = await bare.videos.upload_with_token(
            token,
            source_of(kind, tmp_path),
            video_id=error.video_id,
            options=options(mode="bytes"),
        )
    assert emu.sha256(video.video_id) == sha256(DATA)


async def test_a_ledger_needs_its_video_and_its_source(
    emu: Emulator, client: ApiVideoClient
) -> None:
    token = (await client.upload_tokens.create()).token
    error = await interrupted(emu, token, DATA, "bytes")
    emu.requests.clear()
    with pytest.raises(ConfigurationError, match="video_id"):
        await client.videos.upload_with_token(token, DATA, ledger=error.ledger)
    with pytest.raises((UploadError, SourceError), match="not the same file"):
        await client.videos.upload_with_token(
            token, DATA[:-1], video_id=error.video_id, ledger=error.ledger
        )
    assert uploads(emu) == []


async def test_a_first_chunk_whose_body_was_cut_is_sent_again(
    emu: Emulator, client: ApiVideoClient
) -> None:
    """The server cannot have processed it, so the repeat creates no second video."""
    token = (await client.upload_tokens.create()).token
    # More than the buffers of both sockets, so that the reset arrives while the body is sent.
    data = data_of(33 * MIB)
    large = options(chunk_size=32 * MIB, limits=LIMITS)
    emu.faults.add(Fault("videos.upload_with_token", "reset-during", after_bytes=CHUNK))
    async with ApiVideoClient(base_url=emu.url, retry=QUICK) as bare:
        video = await bare.videos.upload_with_token(token, data, options=large)
    assert list(emu.state.videos) == [video.video_id]
    assert emu.sha256(video.video_id) == sha256(data)


async def test_a_first_chunk_that_may_have_been_stored_is_not_sent_again(
    emu: Emulator, client: ApiVideoClient
) -> None:
    token = (await client.upload_tokens.create()).token
    emu.faults.add(Fault("videos.upload_with_token", "drop-response"))
    async with ApiVideoClient(base_url=emu.url, retry=QUICK) as bare:
        with pytest.raises(UploadError, match="pass its video_id") as caught:
            await bare.videos.upload_with_token(token, DATA, options=options())
    assert caught.value.outcome == "unknown"
    assert len(emu.state.videos) == 1
