"""``bytes_sent``: bytes that have left the machine; never below the accepted ones."""

import asyncio
import itertools
import socket
import ssl
import struct
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from apivideo_async import ApiVideoClient, ChunkState, RetryPolicy, UploadError, UploadProgress
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.http import sockets
from apivideo_async.http import transport as transport_module
from apivideo_async.http.sockets import UNSENT, bytes_left, open_socket
from tests.conftest import CHUNK, REFUSED, blocks_of, data_of, options
from tests.ways import certificates

MIB = 1024 * 1024
DATA = data_of(6 * CHUNK + 500)
BROKEN = {"times": None, "probability": 0.4}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def check(seen: list[UploadProgress], total: int = len(DATA)) -> None:
    assert seen
    for event in seen:
        assert 0 <= event.bytes_accepted <= event.bytes_sent <= total, event
        # What is in no chunk was received before this call.
        states = event.chunk_states
        end = event.bytes_total or max((chunk.stop for chunk, _ in states), default=0)
        open_bytes = sum(chunk.size for chunk, state in states if state is not ChunkState.ACCEPTED)
        assert end - open_bytes == event.bytes_accepted, event
        assert Counter(state for _, state in states) == Counter(event.chunks)
    last = seen[-1]
    assert (last.bytes_sent, last.bytes_accepted, last.bytes_total) == (total, total, total)
    assert (last.eta, last.finished) == (None, True)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("videos.upload", "drop-response", nth=2),
        Fault("videos.upload", "drop-response", nth=1),
        Fault("videos.upload", "drop-response", **BROKEN),
        Fault("videos.upload", "status", status=503, **BROKEN),
        Fault("videos.upload", "reset-during", **BROKEN),
    ],
    ids=lambda fault: f"{fault.action} {fault.nth}",
)
@pytest.mark.parametrize("stream", [False, True], ids=["bytes", "stream"])
async def test_sent_is_never_below_accepted_and_equals_the_total_at_the_end(
    emu: Emulator, client: ApiVideoClient, fault: Fault, stream: bool
) -> None:
    emu.faults.add(fault)
    seen: list[UploadProgress] = []
    source = blocks_of(DATA, 10_000) if stream else DATA
    many = client.with_options(retry=RetryPolicy(attempts=50, first_delay=0.01, longest_delay=0.02))
    await many.upload(source, title="t", options=options(concurrency=2), on_progress=seen.append)
    check(seen)


async def test_the_same_holds_after_a_failure_and_for_the_call_that_continues(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(DATA)
    seen: list[UploadProgress] = []
    emu.faults.add(Fault("videos.upload", "status", nth=4, **REFUSED))
    resume = options(concurrency=1, resume="on", journal=tmp_path)
    with pytest.raises(UploadError) as caught:
        await client.upload(path, title="t", options=resume, on_progress=seen.append)
    assert all(event.bytes_accepted <= event.bytes_sent for event in seen)
    accepted = caught.value.ledger.accepted_bytes if caught.value.ledger else 0
    assert accepted == 3 * CHUNK
    again: list[UploadProgress] = []
    await client.upload(path, title="t", options=resume, on_progress=again.append)
    assert again[0].bytes_sent >= again[0].bytes_accepted >= accepted
    check(again)


async def test_an_unchanged_progress_is_not_reported_again(
    emu: Emulator, client: ApiVideoClient
) -> None:
    emu.faults.add(Fault("videos.upload", "delay", seconds=0.3))
    seen: list[UploadProgress] = []
    await client.upload(DATA, title="t", on_progress=seen.append, options=options(concurrency=1))
    states = [(event.bytes_sent, event.bytes_accepted, event.chunks) for event in seen]
    assert all(one != other for one, other in itertools.pairwise(states))


# -- bytes in the buffers of this machine do not count as sent


class Hole:
    """A server whose connections are not read beyond a small buffer until ``open`` is set."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.address = ""
        self._connections: list[asyncio.StreamWriter] = []

    def received(self) -> int:
        """Bytes that the kernel has received on all connections."""
        counts = 0
        for writer in self._connections:
            connection = writer.get_extra_info("socket")
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 136)
            counts += struct.unpack_from("=Q", info, 128)[0]
        return counts

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.append(writer)
        try:
            await self.open.wait()
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            await reader.readexactly(length)
            answer = b'{"videoId": "viOne", "title": "one"}'
            writer.write(
                b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(answer), answer)
            )
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def hole(context: ssl.SSLContext | None = None) -> AsyncIterator[Hole]:
    made = Hole()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    listener.bind(("127.0.0.1", 0))
    scheme = "http" if context is None else "https"
    made.address = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    async with await asyncio.start_server(made.serve, sock=listener, ssl=context, limit=16 * 1024):
        yield made


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts these bytes")
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_bytes_in_buffers_of_this_machine_do_not_count_as_sent(tls: bool) -> None:
    theirs, ours = certificates() if tls else (None, None)
    seen: list[UploadProgress] = []
    async with hole(theirs) as server:
        async with ApiVideoClient(base_url=server.address, ssl_context=ours) as client:
            upload = asyncio.create_task(
                client.videos.upload_with_token("toX", bytes(4 * MIB), on_progress=seen.append)
            )

            def agree() -> bool:
                # Headers, and for TLS the handshake, count only for the server.
                return bool(seen) and 0 <= server.received() - seen[-1].bytes_sent < 6_000

            await until(lambda: agree() and seen[-1].bytes_sent > 8_000)
            # The kernel alone would hold more.
            assert seen[-1].bytes_sent < UNSENT
            server.open.set()
            await upload
    check(seen, 4 * MIB)


async def test_without_counters_of_the_system_the_buffer_of_the_transport_counts_as_unsent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "_COUNTED", False)
    seen: list[UploadProgress] = []
    async with hole() as server:
        async with ApiVideoClient(base_url=server.address) as client:
            upload = asyncio.create_task(
                client.videos.upload_with_token("toX", bytes(4 * MIB), on_progress=seen.append)
            )
            await until(lambda: bool(seen) and seen[-1].bytes_sent > 0)
            assert seen[-1].bytes_sent < 2 * UNSENT + MIB
            server.open.set()
            await upload
    check(seen, 4 * MIB)


# -- the sockets


def test_a_socket_holds_few_unsent_bytes() -> None:
    with open_socket((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ())) as opened:
        option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
        if option is not None:
            assert opened.getsockopt(socket.IPPROTO_TCP, option) == UNSENT
        assert (opened.family, opened.type) == (socket.AF_INET, socket.SOCK_STREAM)


@pytest.mark.parametrize("option", [None, 1_000_000], ids=["absent", "refused"])
def test_a_system_without_the_option_gets_plain_sockets(
    monkeypatch: pytest.MonkeyPatch, option: int | None
) -> None:
    monkeypatch.setattr(sockets, "_LOWAT", option)
    open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ())).close()


async def test_our_sessions_use_these_sockets_and_borrowed_ones_are_left_alone(
    emu: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []

    def spy(address: Any) -> socket.socket:
        opened.append(address)
        return open_socket(address)

    monkeypatch.setattr(transport_module, "open_socket", spy)
    async with ApiVideoClient(emu.api_key, base_url=emu.url) as client:
        await client.upload(DATA, title="t", options=options())
    assert opened
    opened.clear()
    seen: list[UploadProgress] = []
    async with aiohttp.ClientSession() as session:
        async with ApiVideoClient(emu.api_key, base_url=emu.url, session=session) as client:
            await client.upload(DATA, title="t", options=options(), on_progress=seen.append)
    assert opened == []
    check(seen)


class Double(asyncio.Transport):
    """A transport with another kind of socket."""

    def __init__(self, connection: object) -> None:
        super().__init__({"socket": connection})


def test_bytes_of_other_connections_are_not_counted() -> None:
    one, other = socket.socketpair()
    with one, other:
        for connection in (None, object(), one):
            assert bytes_left(Double(connection)) is None
    assert bytes_left(None) is None
