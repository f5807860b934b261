"""One source, one video, byte for byte, whatever the network does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from apivideo_async import (
    ApiVideoClient,
    AuthenticationError,
    ServerError,
    Source,
    SourceError,
    UploadError,
)
from apivideo_async.emulator import Emulator, Fault
from tests.client.test_uploads import uploads
from tests.conftest import CHUNK, QUICK, blocks_of, data_of, options, sha256

CHUNKS = 5
DATA = data_of(CHUNKS * CHUNK)


async def send(client: ApiVideoClient, kind: str) -> Any:
    if kind == "token":
        token = await client.upload_tokens.create()
        container = await client.videos.create(title="t")
        return await client.videos.upload_with_token(token.token, DATA, video_id=container.video_id)
    if kind == "stream":
        return await client.upload(blocks_of(DATA, 9_999), title="t")
    return await client.upload(DATA, title="t", options=options(mode=kind))


def operation(kind: str) -> str:
    return "videos.upload_with_token" if kind == "token" else "videos.upload"


async def videos_of(client: ApiVideoClient) -> list[str]:
    return [video.video_id async for video in client.videos.list()]


@pytest.mark.parametrize("kind", ["bytes", "part", "stream", "token"])
@pytest.mark.parametrize("nth", range(1, CHUNKS + 1))
async def test_a_response_lost_after_the_chunk_was_stored_is_no_error(
    emu: Emulator, client: ApiVideoClient, kind: str, nth: int
) -> None:
    emu.faults.add(Fault(operation(kind), "drop-response", nth=nth))
    video = await send(client, kind)
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert await videos_of(client) == [video.video_id]


@pytest.mark.parametrize("kind", ["bytes", "part", "stream", "token"])
async def test_every_response_may_be_lost(emu: Emulator, client: ApiVideoClient, kind: str) -> None:
    emu.faults.add(Fault(operation(kind), "drop-response", times=CHUNKS))
    video = await send(client, kind)
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert await videos_of(client) == [video.video_id]


async def test_a_whole_file_whose_response_was_lost_is_sent_once(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(Fault("videos.upload", "drop-response"))
    data = data_of(1_000)
    video = await client.upload(data, title="t")
    assert emu.sha256(video.video_id) == sha256(data)
    assert video.assets is not None, "the full video, although no answer brought it"
    assert len([record for record in emu.requests if record.operation == "videos.upload"]) == 1


@pytest.mark.parametrize("kind", ["bytes", "part", "stream", "token"])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"action": "status", "status": 500}, id="500"),
        pytest.param(
            {"action": "status", "status": 503, "body": "<html>", "content_type": "text/html"},
            id="html 503",
        ),
        pytest.param({"action": "reset-before"}, id="reset before the body"),
        pytest.param({"action": "reset-during", "after_bytes": 30_000}, id="reset in the body"),
        pytest.param({"action": "reject-early", "status": 502}, id="rejected while sending"),
    ],
)
async def test_a_chunk_that_failed_is_sent_again(
    emu: Emulator, client: ApiVideoClient, kind: str, fault: dict[str, Any]
) -> None:
    emu.faults.add(Fault(operation(kind), nth=2, times=3, **fault))
    video = await send(client, kind)
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert await videos_of(client) == [video.video_id]


async def test_a_lasting_fault_ends_in_an_error_that_a_later_call_can_mend(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(Fault("videos.upload", "status", status=500, nth=3, times=None))
    with pytest.raises(UploadError) as caught:
        await client.upload(DATA, title="t", options=options(concurrency=1))
    error = caught.value
    assert error.outcome == "unknown"
    assert isinstance(error.__cause__, ServerError)
    assert error.status == 500
    assert error.ledger.accepted_bytes == 2 * CHUNK
    emu.faults.clear()
    emu.requests.clear()
    assert error.video_id is not None
    await client.videos.upload(error.video_id, DATA)
    assert emu.sha256(error.video_id) == sha256(DATA)
    assert len(uploads(emu)) == CHUNKS - 2


async def test_a_final_refusal_is_not_repeated(emu: Emulator, client: ApiVideoClient) -> None:
    body = {
        "type": "https://docs.api.video/reference/uploaded-file-invalid-file",
        "title": "Invalid",
        "status": 400,
    }
    emu.faults.add(Fault("videos.upload", "status", status=400, body=body, times=None))
    with pytest.raises(UploadError) as caught:
        await client.upload(b"x" * 100, title="t")
    assert caught.value.slug == "uploaded-file-invalid-file"
    assert caught.value.outcome == "failed"
    assert len(uploads(emu)) == 1


@pytest.mark.parametrize("fault", ["drop-response", "reset-before", "reset-during"])
@pytest.mark.parametrize("size", [100, len(DATA)])
async def test_the_first_chunk_of_a_token_is_never_repeated_blindly(
    emu: Emulator, client: ApiVideoClient, fault: str, size: int
) -> None:
    """service.md#lost-responses: a repeat would create a second video."""
    emu.faults.add(Fault("videos.upload_with_token", fault))
    token = await client.upload_tokens.create()
    with pytest.raises(UploadError, match="second video") as caught:
        await client.videos.upload_with_token(token.token, DATA[:size])
    assert caught.value.outcome == "unknown"
    assert caught.value.video_id is None
    assert len(await videos_of(client)) <= 1


@pytest.mark.parametrize("answer", [{"videoId": "viOther"}, {"videoId": 5}, {}, [], "<html>"])
async def test_an_answer_for_another_video_is_never_taken_for_ours(
    emu: Emulator, client: ApiVideoClient, answer: object
) -> None:
    emu.faults.add(Fault("videos.upload_with_token", "status", status=201, body=answer, nth=1))
    token = await client.upload_tokens.create()
    with pytest.raises(UploadError) as caught:
        await client.videos.upload_with_token(token.token, DATA)
    assert caught.value.outcome == "unknown" or caught.value.slug is not None


async def test_a_token_that_ends_during_an_upload_keeps_the_video_id(
    emu: Emulator, client: ApiVideoClient
) -> None:
    token = await client.upload_tokens.create()
    body = {
        "type": "https://docs.api.video/reference/authentication-invalid-upload-token",
        "status": 401,
    }
    emu.faults.add(
        Fault("videos.upload_with_token", "status", status=401, body=body, nth=3, times=None)
    )
    with pytest.raises(UploadError) as caught:
        await client.videos.upload_with_token(token.token, DATA)
    emu.faults.clear()
    assert isinstance(caught.value.__cause__, AuthenticationError)
    fresh = await client.upload_tokens.create()
    # With an API key the server tells what it holds, so the rest is sent through the key.
    assert caught.value.video_id is not None
    await client.videos.upload(caught.value.video_id, DATA)
    assert emu.sha256(caught.value.video_id) == sha256(DATA)
    assert fresh.token


# -- creation


async def test_a_lost_creation_with_a_key_leaves_one_container(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(Fault("videos.create", "drop-response"))
    video = await client.videos.create(title="t", idempotency_key="job-1", metadata={"lang": "fr"})
    assert await videos_of(client) == [video.video_id]
    assert video.metadata == {"lang": "fr", "ingestKey": "job-1"}
    again = await client.videos.create(title="t", idempotency_key="job-1")
    assert again.video_id == video.video_id


async def test_a_creation_that_never_arrived_is_made_again(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(Fault("videos.create", "reset-before"))
    video = await client.videos.create(title="t", idempotency_key="job-2")
    assert await videos_of(client) == [video.video_id]


async def test_an_upload_with_a_key_is_one_video_however_often_it_is_called(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(
        Fault("videos.create", "drop-response"), Fault("videos.upload", "drop-response", nth=2)
    )
    first = await client.upload(DATA, title="t", idempotency_key="job-3")
    second = await client.upload(DATA, title="t", idempotency_key="job-3")
    assert first.video_id == second.video_id
    assert await videos_of(client) == [first.video_id]
    assert emu.sha256(first.video_id) == sha256(DATA)


async def test_a_lost_creation_without_a_key_warns(
    emu: Emulator, client: ApiVideoClient, caplog: pytest.LogCaptureFixture
) -> None:
    emu.faults.add(Fault("videos.create", "drop-response"))
    video = await client.upload(DATA, title="t")
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert len(await videos_of(client)) == 2
    assert "may have created an empty container" in caplog.text


async def test_a_lost_plain_creation_is_not_repeated(emu: Emulator, client: ApiVideoClient) -> None:
    from apivideo_async import ApiConnectionError

    emu.faults.add(Fault("videos.create", "drop-response"))
    with pytest.raises(ApiConnectionError) as caught:
        await client.videos.create(title="t")
    assert caught.value.delivery == "unknown"
    assert len(await videos_of(client)) == 1


# -- the access token


async def test_sixteen_refusals_make_one_renewal(emu: Emulator) -> None:
    data = data_of(32 * CHUNK)
    async with ApiVideoClient(
        emu.api_key, base_url=emu.url, retry=QUICK, upload=options(concurrency=16)
    ) as client:
        emu.faults.add(Fault("videos.upload", "delay", seconds=0.2, times=16))
        emu.faults.add(Fault("videos.upload", "expire-tokens", nth=17))
        video = await client.upload(data, title="t")
    assert emu.sha256(video.video_id) == sha256(data)
    exchanges = [r.operation for r in emu.requests if r.operation.startswith("auth.")]
    assert exchanges == ["auth.authenticate", "auth.refresh"]
    refused = [record for record in emu.requests if record.status == 401]
    assert 1 <= len(refused) <= 16


async def test_a_token_that_is_refused_as_soon_as_it_was_given_is_renewed_again(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(Fault("videos.list", "expire-tokens", times=2))
    await client.videos.list()
    assert [record.status for record in emu.requests if record.operation == "videos.list"] == [
        401,
        401,
        200,
    ]


async def test_a_final_refusal_is_raised(emu: Emulator, client: ApiVideoClient) -> None:
    emu.faults.add(Fault("videos.list", "expire-tokens", times=None))
    with pytest.raises(AuthenticationError):
        await client.videos.list()
    assert [record.status for record in emu.requests if record.operation == "videos.list"] == [
        401
    ] * 3


async def test_a_short_lived_token_is_renewed_before_it_ends() -> None:
    async with (
        Emulator(token_lifetime=1) as emu,
        ApiVideoClient(emu.api_key, base_url=emu.url) as client,
    ):
        for _ in range(14):
            await client.videos.list()
            await asyncio.sleep(0.1)
    assert [record for record in emu.requests if record.status == 401] == []
    assert len([record for record in emu.requests if record.operation == "auth.refresh"]) >= 2


@pytest.mark.parametrize("source", ["path", "stream"])
async def test_cancelling_leaves_nothing_behind(tmp_path: Path, source: str) -> None:
    """Ends within a second; no task and no descriptor stays; the rest can be sent later."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(DATA)
    seen: list[str] = []
    with Emulator(min_chunk=CHUNK).in_thread() as emu:
        async with ApiVideoClient(
            emu.api_key, base_url=emu.url, retry=QUICK, upload=options()
        ) as client:
            emu.faults.add(Fault("videos.upload", "delay", seconds=30, nth=3, times=None))
            upload = asyncio.create_task(
                client.upload(
                    path if source == "path" else blocks_of(DATA, 9_999),
                    title="t",
                    on_progress=lambda event: seen.append(event.video_id or ""),
                )
            )
            while not seen:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            upload.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(upload, 60)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            assert str(path) not in [file.path for file in psutil.Process().open_files()]
            emu.faults.clear()
            await client.videos.upload(seen[-1], DATA)
            assert emu.sha256(seen[-1]) == sha256(DATA)


async def test_a_source_that_cannot_be_read_costs_no_request(
    emu: Emulator, client: ApiVideoClient
) -> None:
    class Broken(Source):
        name, size = "clip.mp4", 2 * CHUNK

        async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
            raise SourceError("the disk is gone")
            yield b""

    video = await client.videos.create(title="t")
    with pytest.raises(SourceError, match="the disk is gone"):
        await client.videos.upload(video.video_id, Broken())
    assert [
        record.operation for record in emu.requests if record.operation == "videos.upload"
    ] == []
