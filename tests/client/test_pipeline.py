"""Retries, budgets, timeouts and what is logged."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import trustme

from apivideo_async import (
    ApiConnectionError,
    ApiResponseError,
    ApiTimeoutError,
    ApiVideoClient,
    RateLimitError,
    ServerError,
    Source,
    Timeouts,
    UploadError,
)
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.http import transport as http
from apivideo_async.protocol.request import Request
from apivideo_async.rate_limit.limiter import Permit
from tests.client.test_uploads import uploads
from tests.conftest import BRIEF, CHUNK, QUICK, data_of, options, sha256


@pytest.mark.parametrize("action", ["status", "reset-before", "drop-response"])
async def test_a_read_is_repeated(emu: Emulator, client: ApiVideoClient, action: str) -> None:
    emu.faults.add(Fault("videos.list", action, times=3))
    await client.videos.list()
    assert len([r for r in emu.requests if r.operation == "videos.list"]) >= 3


async def test_a_delete_is_repeated(emu: Emulator, client: ApiVideoClient) -> None:
    video = await client.videos.create(title="t")
    emu.faults.add(Fault("videos.delete", "status", status=503))
    await client.videos.delete(video.video_id)


async def test_a_change_that_may_have_happened_is_not_repeated(
    emu: Emulator, client: ApiVideoClient
) -> None:
    video = await client.videos.create(title="t")
    emu.faults.add(Fault("videos.update", "drop-response"))
    with pytest.raises(ApiConnectionError) as caught:
        await client.videos.update(video.video_id, title="x")
    assert caught.value.delivery == "unknown"
    emu.faults.add(Fault("upload_tokens.create", "status", status=500))
    with pytest.raises(ServerError):
        await client.upload_tokens.create()


async def test_attempts_end(emu: Emulator, client: ApiVideoClient) -> None:
    emu.faults.add(
        Fault(
            "videos.list", "status", status=502, times=None, body="<html>", content_type="text/html"
        )
    )
    with pytest.raises(ServerError) as caught:
        await client.videos.list()
    assert caught.value.status == 502
    assert len([r for r in emu.requests if r.operation == "videos.list"]) == QUICK.attempts


async def test_a_page_that_is_no_json_is_explained(emu: Emulator, client: ApiVideoClient) -> None:
    emu.faults.add(
        Fault(
            "videos.get", "status", status=200, body="<html>", content_type="text/html", times=None
        )
    )
    with pytest.raises(ApiResponseError, match="is base_url right") as caught:
        await client.videos.get("viX")
    assert caught.value.body == b"<html>"


async def test_a_server_that_cannot_be_reached() -> None:
    async with ApiVideoClient("key", base_url="http://127.0.0.1:9", retry=BRIEF) as client:
        with pytest.raises(ApiConnectionError, match="cannot be reached") as caught:
            await client.videos.create(title="t")
    assert caught.value.delivery == "not_sent"
    assert "Connection refused" in str(caught.value)
    assert not isinstance(caught.value, ApiTimeoutError)


async def test_an_exchange_that_fails_counts_once(emu: Emulator, client: ApiVideoClient) -> None:
    """Retries within retries would make 25 attempts out of 5."""
    emu.faults.add(Fault("auth.authenticate", "status", status=503, times=None))
    with pytest.raises(ServerError):
        await client.videos.list()
    assert len(emu.requests) == QUICK.attempts
    emu.faults.clear()
    emu.faults.add(Fault("auth.authenticate", "drop-response", times=2))
    assert (await client.videos.create(title="t")).video_id, (
        "the creation itself was never sent twice"
    )


# -- time


class Slow(Source):
    """Stops in the middle."""

    size = 4 * CHUNK

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        yield bytes(1_000)
        await asyncio.Event().wait()
        yield bytes(size - 1_000)


async def test_a_source_that_stands_still_ends_its_chunk(emu: Emulator) -> None:
    async with ApiVideoClient(
        emu.api_key, base_url=emu.url, retry=BRIEF, upload=options(), timeouts=Timeouts(stall=0.2)
    ) as client:
        with pytest.raises(UploadError) as caught:
            await client.upload(Slow(), title="t")
    assert isinstance(caught.value.__cause__, ApiTimeoutError)
    assert "the source returned no byte for 0.2 s" in str(caught.value)


class Peer:
    """A server that accepts, reads so much, and then says nothing."""

    def __init__(self, reads: int) -> None:
        self._reads = reads
        self._serving: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            self._serving.add(task)
        try:
            while self._reads > 0 and (got := await reader.read(65536)):
                self._reads -= len(got)
            await self._ended.wait()
        finally:
            writer.close()

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._ended.set()
        await asyncio.gather(*self._serving)


async def test_a_peer_that_stops_reading_is_noticed() -> None:
    """The bytes wait in the transport's buffer: they have not left."""
    async with Peer(reads=100_000) as url:
        async with ApiVideoClient(
            base_url=url, timeouts=Timeouts(stall=0.3), retry=BRIEF
        ) as client:
            with pytest.raises(UploadError) as caught:
                await client.videos.upload_with_token(
                    "toX", bytes(64 * 1024 * 1024), options=options(chunk_size=None)
                )
    assert "no byte was sent" in str(caught.value)


async def test_an_answer_that_does_not_come_is_noticed() -> None:
    async with Peer(reads=10**9) as url:
        timeouts = Timeouts(response=0.3, connect=0.2, stall=5)
        async with ApiVideoClient(
            "key", base_url=url, timeouts=timeouts, auth="basic", retry=QUICK
        ) as client:
            with pytest.raises(UploadError) as caught:
                await client.videos.upload_with_token("toX", b"x" * 1000)
            assert "no response within 0.3 s" in str(caught.value)
            with pytest.raises(ApiTimeoutError, match=r"no response within 0.3 s") as late:
                await client.videos.create(title="t")
            assert isinstance(late.value, TimeoutError)
            assert late.value.delivery == "unknown"


async def test_a_late_answer_does_not_make_a_second_chunk(emu: Emulator) -> None:
    emu.faults.add(Fault("videos.upload", "delay", seconds=0.6, nth=2))
    data = data_of(5 * CHUNK)
    async with ApiVideoClient(
        emu.api_key,
        base_url=emu.url,
        retry=QUICK,
        upload=options(),
        timeouts=Timeouts(response=0.2),
    ) as client:
        video = await client.upload(data, title="t")
    assert emu.sha256(video.video_id) == sha256(data)


async def test_a_cancellation_of_aiohttps_own_writer_is_a_lost_connection(
    emu: Emulator, client: ApiVideoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the response is complete early, aiohttp cancels its writer, and we may see that."""
    real, left = http._read_body, [1]

    async def read(answer: aiohttp.ClientResponse) -> tuple[bytes, bool]:
        if answer.method == "POST" and "/source" in str(answer.url) and left:
            left.pop()
            raise asyncio.CancelledError
        return await real(answer)

    monkeypatch.setattr(http, "_read_body", read)
    data = data_of(5 * CHUNK)
    video = await client.upload(data, title="t")
    assert emu.sha256(video.video_id) == sha256(data)
    assert not left


# -- the request budget


async def test_a_foreseeable_429_does_not_happen() -> None:
    """60 chunks and 10 a window: the windows are used up and never overrun."""
    data = data_of(60 * CHUNK)
    async with (
        Emulator(
            min_chunk=CHUNK, rate_limits={"uploads": 10, "writes": 10, "reads": 50}, rate_window=0.3
        ) as emu,
        ApiVideoClient(emu.api_key, base_url=emu.url, upload=options(concurrency=8)) as client,
    ):
        video = await client.upload(data, title="t")
        assert emu.sha256(video.video_id) == sha256(data)
    assert [record for record in emu.requests if record.status == 429] == []
    assert len(uploads(emu)) == 60


@asynccontextmanager
async def tight() -> AsyncIterator[tuple[Emulator, ApiVideoClient]]:
    """Four uploads in 0.2 s, which the client knows already."""
    limits = {"uploads": 4, "writes": 50, "reads": 50}
    async with Emulator(min_chunk=CHUNK, rate_limits=limits, rate_window=0.2) as emu:
        async with ApiVideoClient(emu.api_key, base_url=emu.url) as client:
            await client.upload(b"x", title="x")
            yield emu, client
    assert [record for record in emu.requests if record.status == 429] == []


async def until_waiting(client: ApiVideoClient) -> None:
    while client._pipeline.limiter.spare("uploads") != 0:
        await asyncio.sleep(0.005)


async def test_a_small_upload_does_not_wait_behind_all_chunks_of_a_large_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both get half of the budget, although one has 16 requests waiting and the other 6."""
    async with tight() as (emu, client):
        first_seen: dict[object, int] = {}
        permit = client._pipeline.limiter.permit

        async def noting(request: Request, longest: float) -> Permit:
            """Note how many uploads had started when the first chunk of a flow began to wait."""
            if request.operation == "videos.upload":
                first_seen.setdefault(request.flow, len(uploads(emu)))
            return await permit(request, longest)

        monkeypatch.setattr(client._pipeline.limiter, "permit", noting)
        large = asyncio.create_task(
            client.upload(data_of(40 * CHUNK), title="l", options=options(concurrency=16))
        )
        await until_waiting(client)
        small = await client.upload(data_of(6 * CHUNK), title="s", options=options(concurrency=6))
        _, before = first_seen.values()
        between = [r for r in uploads(emu)[before:] if r.video_id != small.video_id]
        assert len(between) <= 6 + 4, (
            "one for each of its own, and those of a window that were let in before"
        )
        await large


async def test_an_upload_that_begins_while_requests_are_scarce_takes_few() -> None:
    data = data_of(8 * CHUNK)
    async with tight() as (emu, client):
        large = asyncio.create_task(
            client.upload(data_of(12 * CHUNK), title="l", options=options(concurrency=12))
        )
        await until_waiting(client)
        small = await client.upload(data, title="s", options=options(chunk_size=None))
        await large
        assert len([r for r in uploads(emu) if r.video_id == small.video_id]) == 1
        assert emu.sha256(small.video_id) == sha256(data)


async def test_a_429_costs_no_attempt_and_is_waited_for(
    emu: Emulator, client: ApiVideoClient
) -> None:
    headers = {
        "X-RateLimit-Limit": "10",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Retry-After": "0.05",
    }
    times = QUICK.attempts * 3
    emu.faults.add(Fault("videos.upload", "status", status=429, headers=headers, times=times))
    data = data_of(5 * CHUNK)
    video = await client.upload(data, title="t")
    assert emu.sha256(video.video_id) == sha256(data)
    emu.faults.add(Fault("videos.create", "status", status=429, headers=headers, times=times))
    assert (await client.videos.create(title="t")).video_id, "a refused POST was not executed"


async def test_a_budget_that_stays_spent_ends_in_an_error() -> None:
    from attrs import evolve

    async with Emulator(rate_limits={"uploads": 1, "writes": 1, "reads": 1}) as emu:
        retry = evolve(QUICK, rate_limit_seconds=0.2)
        async with ApiVideoClient(emu.api_key, base_url=emu.url, retry=retry) as client:
            await client.videos.list()
            with pytest.raises(ApiTimeoutError, match="no request budget"):
                await client.videos.list()


async def test_a_waiting_request_can_be_cancelled() -> None:
    async with Emulator(rate_limits={"uploads": 1, "writes": 1, "reads": 1}) as emu:
        async with ApiVideoClient(emu.api_key, base_url=emu.url, retry=QUICK) as client:
            await client.videos.list()
            waiting = [asyncio.ensure_future(_first(client)) for _ in range(3)]
            await asyncio.sleep(0.05)
            for task in waiting:
                task.cancel()
            results = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
            assert client._pipeline.limiter.window("reads").in_flight == 0


async def _first(client: ApiVideoClient) -> object:
    return await client.videos.list()


async def test_a_share_is_left_to_others() -> None:
    async with Emulator(
        rate_limits={"uploads": 9, "writes": 9, "reads": 10}, rate_window=60
    ) as emu:
        async with ApiVideoClient(emu.api_key, base_url=emu.url, reserve=0.5) as client:
            for _ in range(5):
                await client.videos.list()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(_first(client), 0.2)


def test_a_429_has_the_time_to_wait() -> None:
    assert (
        RateLimitError("x", status=429, headers={"x-ratelimit-retry-after": "7"}).retry_after == 7
    )
    assert (
        RateLimitError("x", status=429, headers={"x-ratelimit-retry-after": "soon"}).retry_after
        is None
    )
    assert RateLimitError("x", status=429).retry_after is None


# -- TLS, secrets


async def test_uploads_over_tls(tmp_path: object) -> None:
    authority = trustme.CA()
    server, mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(mine)
    data = data_of(40 * CHUNK)
    async with Emulator(host="localhost", min_chunk=CHUNK, ssl_context=server) as emu:
        async with ApiVideoClient(
            emu.api_key, base_url=emu.url, ssl_context=mine, upload=options()
        ) as client:
            video = await client.upload(data, title="t")
            assert emu.sha256(video.video_id) == sha256(data)
        async with ApiVideoClient(emu.api_key, base_url=emu.url, retry=QUICK) as client:
            with pytest.raises(ApiConnectionError, match="cannot be reached"):
                await client.videos.list()


async def test_no_secret_is_logged(
    emu: Emulator, client: ApiVideoClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = await client.upload_tokens.create()
    emu.faults.add(Fault("videos.upload_with_token", "status", status=500, nth=2))
    await client.videos.upload_with_token(token.token, data_of(3 * CHUNK))
    emu.faults.add(Fault("videos.upload_with_token", "drop-response"))
    with pytest.raises(UploadError) as caught:
        await client.videos.upload_with_token(token.token, b"x")
    shown = (
        caplog.text
        + repr(caught.value)
        + repr(caught.value.__cause__)
        + repr(caught.value.__cause__.__cause__)
    )
    for secret in (
        token.token,
        emu.api_key,
        "Bearer ",
        client._pipeline.authenticator._tokens.access,
    ):
        assert secret not in shown
