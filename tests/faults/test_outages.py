"""Outages and dead connections: no call fails, and nothing is sent twice.

The proxy ends an outage after a number of connections, so the tests do not depend on speed. The
number is larger than ``RetryPolicy.attempts``: a failure without a response must use no attempt.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from apivideo_async import (
    ApiConnectionError,
    ApiVideoClient,
    RetryPolicy,
    Timeouts,
    UploadError,
)
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.http import outage
from apivideo_async.ingest import Ingest, OutageError
from apivideo_async.ingest.items import Item
from apivideo_async.ingest.options import IngestOptions
from apivideo_async.uploads.sources.types import Source
from tests.conftest import CHUNK, data_of, options, sha256
from tests.ingest.ingesting import MakeItems, all_of, ledger, make_items

from .cases import emulator
from .proxy import FaultProxy, Outage, fault_proxy

__all__ = ["ledger", "make_items"]

ATTEMPTS = 3
PATIENT = RetryPolicy(attempts=ATTEMPTS, first_delay=0.005, longest_delay=0.01, settle=0.1)
UNLIMITED = Timeouts(connect=60, response=600, stall=600)
"""A test that waits for one of these does not end in time."""
DATA = data_of(5 * CHUNK - 100)


@pytest.fixture
def emu() -> Iterator[Emulator]:
    with emulator() as made:
        yield made


@pytest.fixture
def proxy(emu: Emulator) -> Iterator[FaultProxy]:
    with fault_proxy(emu.port) as made:
        yield made


@asynccontextmanager
async def client_through(
    proxy: FaultProxy, emu: Emulator, **given: Any
) -> AsyncIterator[ApiVideoClient]:
    given = {"retry": PATIENT, "timeouts": UNLIMITED, "upload": options(concurrency=2), **given}
    url = f"http://127.0.0.1:{proxy.port}"
    async with ApiVideoClient(emu.api_key, base_url=url, **given) as client:
        yield client


async def ending_after(proxy: FaultProxy, connections: int) -> None:
    """End the outage when the client has opened so many connections in it."""
    before = proxy.accepted
    while proxy.accepted < before + connections:
        await asyncio.sleep(0.005)
    proxy.outage = ""


@pytest.fixture
def quick_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "PATIENCE", 0.1)
    monkeypatch.setattr(outage, "GRACE", 0.1)
    monkeypatch.setattr(outage, "PROBE_PAUSE", 0.01)
    monkeypatch.setattr("apivideo_async.http.transport.PROBE_TIMEOUT", 0.2)


def received_once(emu: Emulator, chunks: int) -> bool:
    """Whether the emulator has received each chunk once."""
    stored = [
        record.content_range
        for record in emu.requests
        if record.operation == "videos.upload" and record.status == 201
    ]
    refused = [
        record
        for record in emu.requests
        if record.operation == "videos.upload" and record.status == 400
    ]
    return len(stored) == len(set(stored)) == chunks and not refused


class Interrupted(Source):
    """Begins an outage when the third chunk is read for the first time."""

    name = "t.mp4"
    size = len(DATA)

    def __init__(self, proxy: FaultProxy, kind: Outage) -> None:
        self._proxy = proxy
        self._kind: Outage | None = kind
        self.began = asyncio.Event()

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        if start == 2 * CHUNK and self._kind is not None:
            self._proxy.outage, self._kind = self._kind, None
            self.began.set()
        yield DATA[start : start + size]


@pytest.mark.usefixtures("quick_probes")
@pytest.mark.parametrize("kind", ["reset", "hole"])
async def test_an_upload_continues_after_an_outage(
    emu: Emulator, proxy: FaultProxy, kind: Outage
) -> None:
    """In a hole, connections die in silence. No time limit of the client ends them."""
    source = Interrupted(proxy, kind)
    async with client_through(proxy, emu) as client:
        upload = asyncio.create_task(client.upload(source, title="t"))
        await source.began.wait()
        await ending_after(proxy, 4 * ATTEMPTS if kind == "reset" else 2)
        video = await upload
    assert emu.sha256(video.video_id) == sha256(DATA)
    assert len(emu.state.videos) == 1
    assert received_once(emu, 5)


async def test_an_upload_that_begins_in_an_outage_creates_one_video(
    emu: Emulator, proxy: FaultProxy
) -> None:
    async with client_through(proxy, emu) as client:
        proxy.outage = "reset"
        end = asyncio.create_task(ending_after(proxy, 4 * ATTEMPTS))
        await client.upload(DATA, title="t")
        await end
    assert len(emu.state.videos) == 1
    assert received_once(emu, 5)


@pytest.mark.parametrize("call", ["list", "wait", "get_status", "get"])
async def test_a_call_continues_after_an_outage(
    emu: Emulator, proxy: FaultProxy, call: str
) -> None:
    async with client_through(proxy, emu) as client:
        video = await client.upload(DATA, title="t")
        proxy.reset_all()
        proxy.outage = "reset"
        end = asyncio.create_task(ending_after(proxy, 4 * ATTEMPTS))
        if call == "list":
            assert [each.video_id async for each in client.videos.list()] == [video.video_id]
        elif call == "wait":
            assert (await client.videos.wait_until_playable(video.video_id)).playable
        else:
            await getattr(client.videos, call)(video.video_id)
        await end


async def test_connections_that_cannot_be_opened_use_no_attempt() -> None:
    with emulator() as emu:
        async with ApiVideoClient(
            emu.api_key, base_url=emu.url, retry=PATIENT, upload=options(concurrency=2)
        ) as client:
            emu.faults.add(Fault("videos.upload", "refuse", nth=3, seconds=0.1))
            video = await client.upload(DATA, title="t")
        assert emu.sha256(video.video_id) == sha256(DATA)
        assert received_once(emu, 5)


@pytest.mark.parametrize(
    ("policy", "call"),
    [
        ({"outage": 0.05, "call_outage": 60.0}, "upload"),
        ({"outage": 0.05, "call_outage": 60.0}, "list"),
        ({"outage": 60.0, "call_outage": 0.05}, "get"),
        ({"attempts": 1}, "list"),
    ],
)
async def test_an_outage_has_a_limit(
    emu: Emulator, proxy: FaultProxy, policy: dict[str, Any], call: str
) -> None:
    given = {"first_delay": 0.005, "longest_delay": 0.01, **policy}
    async with client_through(proxy, emu, retry=RetryPolicy(**given)) as client:
        video = await client.videos.create(title="t")
        proxy.outage = "reset"
        with pytest.raises((ApiConnectionError, UploadError)):
            if call == "upload":
                await client.videos.upload(video.video_id, DATA)
            elif call == "list":
                await client.videos.list()
            else:
                await client.videos.get(video.video_id)


async def test_a_server_that_never_answered_and_refuses_connections_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("apivideo_async.http.pipeline.NEVER_ANSWERED", 0.05)
    patient = RetryPolicy(first_delay=0.005, longest_delay=0.01, outage=600, call_outage=600)
    async with Emulator() as emu:
        key, url = emu.api_key, emu.url
        known = ApiVideoClient(key, base_url=url, retry=attrs.evolve(patient, outage=0.5))
        await known.videos.list()
    async with ApiVideoClient(key, base_url=url, retry=patient) as client:
        with pytest.raises(ApiConnectionError, match="Connection refused"):
            await client.upload(b"x")
    async with known:
        began = time.monotonic()
        with pytest.raises(ApiConnectionError, match="Connection refused"):
            await known.videos.list()
        assert time.monotonic() - began >= 0.4, "a server that has answered is waited for"


@pytest.mark.usefixtures("quick_probes")
async def test_a_timeout_in_an_outage_says_nothing_about_the_service(
    emu: Emulator, proxy: FaultProxy
) -> None:
    """The client would otherwise send one chunk at a time from then on."""
    source = Interrupted(proxy, "hole")
    timeouts = Timeouts(connect=60, response=1.0, stall=600)
    async with client_through(proxy, emu, timeouts=timeouts) as client:
        upload = asyncio.create_task(client.upload(source, title="t"))
        await source.began.wait()
        # The status is read in the outage, so a timeout has ended the first attempt.
        await ending_after(proxy, 12)
        await upload
        assert client.profile.chunk_order == "any"


@pytest.mark.usefixtures("quick_probes")
async def test_a_slow_response_is_no_outage(emu: Emulator, proxy: FaultProxy) -> None:
    emu.faults.add(Fault("videos.upload", "delay", seconds=0.8))
    async with client_through(proxy, emu) as client:
        await client.upload(b"x" * 1000, title="t")
    assert [record.operation for record in emu.requests].count("videos.upload") == 1


async def test_dead_connections_of_the_pool_use_no_attempt(
    emu: Emulator, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    single = RetryPolicy(attempts=2, first_delay=0.005, longest_delay=0.01, settle=0.1)
    wide = options(concurrency=8)
    async with client_through(proxy, emu, retry=single, upload=wide) as client:
        source = data_of(16 * CHUNK)
        for _ in range(2):
            await client.upload(source, title="t")
            proxy.reset_all()
        await client.upload(source, title="t", idempotency_key="key")
        proxy.reset_all()
        await client.videos.create(title="t")
        proxy.reset_all()
        await client.videos.list()
        assert len(emu.state.videos) == 4
        proxy.reset_all()
        token = (await client.upload_tokens.create()).token
        proxy.reset_all()
        await client.videos.upload_with_token(token, source)
    assert len(emu.state.videos) == 5


async def test_idle_connections_are_not_used_after_a_suspension(
    emu: Emulator, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client_through(proxy, emu) as client:
        await client.videos.list()
        await client.videos.list()
        before = proxy.accepted
        now = time.time
        monkeypatch.setattr(outage.time, "time", lambda: now() + 3600)
        await client.videos.list()
        assert proxy.accepted == before + 1
        await client.videos.list()
        assert proxy.accepted == before + 1


async def test_an_outage_is_logged_once(
    emu: Emulator,
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(outage, "WARN_AFTER", 0.0)
    async with client_through(proxy, emu) as client:
        await client.videos.list()
        proxy.reset_all()
        proxy.outage = "reset"
        end = asyncio.create_task(ending_after(proxy, 4 * ATTEMPTS))
        await asyncio.gather(*(client.videos.list() for _ in range(5)))
        await end
    events = [getattr(record, "event", "") for record in caplog.records]
    assert events.count("outage") == events.count("outage_ended") == 1


# -- ingestion


def ingest_options(**given: Any) -> IngestOptions:
    return IngestOptions(
        **{"concurrency": 3, "first_delay": 0.01, "longest_delay": 0.02, "attempts": 1, **given}
    )


@pytest.fixture
def _quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apivideo_async.ingest.breaker.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("apivideo_async.ingest.breaker.LONGEST_PAUSE", 0.01)


@pytest.mark.usefixtures("_quick_checks")
@pytest.mark.parametrize("kind", ["reset", "503"])
async def test_an_ingestion_pauses_in_an_outage(
    emu: Emulator,
    proxy: FaultProxy,
    ledger: Any,
    make_items: MakeItems,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    """Each item has a single attempt, and the outage is longer than the patience of a call."""
    items = make_items(6, 1000)
    short = RetryPolicy(attempts=2, outage=0.05, first_delay=0.005, longest_delay=0.01, settle=0.1)

    async def outage_of_a_while() -> None:
        if kind == "503":
            emu.faults.add(Fault("*", "status", status=503, times=None))
        else:
            proxy.outage = "reset"
        while "ingestion_paused" not in [getattr(record, "event", "") for record in caplog.records]:
            await asyncio.sleep(0.005)
        emu.faults.clear()
        proxy.outage = ""

    async with (
        client_through(proxy, emu, retry=short) as client,
        Ingest(client, ledger, options=ingest_options()) as ingest,
    ):
        await client.videos.list()
        end = asyncio.create_task(outage_of_a_while())
        await asyncio.sleep(0)
        results = await all_of(ingest, items)
        await end
    assert {result.outcome for result in results} == {"later", "done"}
    assert sum(result.outcome == "done" for result in results) == 6
    assert len(emu.state.videos) == 6
    events = [getattr(record, "event", "") for record in caplog.records]
    assert events.count("ingestion_paused") == events.count("ingestion_continued") == 1


@pytest.mark.usefixtures("_quick_checks")
async def test_an_ingestion_ends_when_the_outage_is_too_long(
    emu: Emulator, proxy: FaultProxy, ledger: Any, make_items: MakeItems
) -> None:
    items = make_items(4, 1000)
    async with (
        client_through(proxy, emu) as client,
        Ingest(client, ledger, options=ingest_options(outage_timeout=0.1)) as ingest,
    ):
        await client.videos.list()
        proxy.outage = "reset"
        with pytest.raises(OutageError, match="unavailable"):
            await all_of(ingest, items)
        assert (await ingest.totals()).count("failed", "quarantined") == 0
        proxy.outage = ""
        results = await all_of(ingest)
    # Creations whose response was lost are searched for first ("later").
    assert {result.outcome for result in results} <= {"done", "later"}
    assert sum(result.outcome == "done" for result in results) == 4
    assert len(emu.state.videos) == 4


@pytest.mark.usefixtures("_quick_checks")
async def test_an_error_of_one_item_is_no_outage(
    emu: Emulator, proxy: FaultProxy, ledger: Any, make_items: MakeItems
) -> None:
    emu.faults.add(Fault("videos.upload", "status", status=503, times=None))
    async with (
        client_through(proxy, emu) as client,
        Ingest(client, ledger, options=ingest_options()) as ingest,
    ):
        results = await all_of(ingest, make_items(1, 1000))
    assert [result.outcome for result in results] == ["failed"]


async def test_a_source_that_stalls_gives_its_place_to_other_items(
    emu: Emulator, proxy: FaultProxy, ledger: Any, make_items: MakeItems, serve_trickle: str
) -> None:
    slow = Item(key="slow", uri=f"{serve_trickle}/slow.mp4")
    impatient = Timeouts(connect=60, response=600, stall=0.2)
    async with (
        client_through(proxy, emu, timeouts=impatient) as client,
        Ingest(client, ledger, options=ingest_options(concurrency=1, attempts=2)) as ingest,
    ):
        outcomes = []
        async for result in ingest.run([slow, *make_items(2, 1000)]):
            outcomes.append((result.item.key == "slow", result.outcome))
    assert outcomes[0] == (True, "later")
    assert outcomes.count((False, "done")) == 2
    assert outcomes[-1] == (True, "failed")


@pytest.fixture
async def serve_trickle() -> AsyncIterator[str]:
    """A web server that sends one byte now and then."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, _, last = head.partition("bytes=")[2].partition("\r\n")[0].partition("-")
            size = int(last) - int(first) + 1
            writer.write(
                f"HTTP/1.1 206 Partial\r\nContent-Range: bytes {first}-{last}/500000\r\n"
                f'Content-Length: {size}\r\nETag: "x"\r\nConnection: close\r\n\r\n'.encode()
            )
            for _ in range(size):
                writer.write(b"v")
                await writer.drain()
                await asyncio.sleep(0.01 if size > 1 else 0)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
