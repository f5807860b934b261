"""A proxy on the loopback that damages requests, responses and connections.

It is independent of the emulator's faults: it works on the bytes of connections and knows of HTTP
only where a message ends. It runs in a thread with an event loop of its own.
"""

import asyncio
import random
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Literal

__all__ = ["KINDS", "FaultProxy", "Outage", "fault_proxy"]

KINDS = (
    "reset on accept",
    "reset in head",
    "reset in body",
    "reset before forwarding",
    "response lost, reset",
    "response lost, end",
    "response cut in head",
    "response cut in body",
    "half-close",
    "delay",
    "duplicate",
    "late duplicate",
    "page instead of forwarding",
    "garbage instead of response",
    "slow start",
    "dead connection",
)
Outage = Literal["", "reset", "hole"]
BLOCK = 64 * 1024


class _EndError(Exception):
    """The connection is to be aborted."""


class FaultProxy:
    """Forwards to ``port`` of the loopback. A request is damaged with ``probability``.

    - ``outage``: ``"reset"`` resets every connection and request. ``"hole"`` accepts connections
      and bytes, and delivers nothing; connections that existed in a hole stay dead after it.
    - ``accepted``, ``damaged``: counts of connections and of faults by kind.
    """

    def __init__(
        self,
        port: int,
        *,
        seed: int = 0,
        probability: float = 0.0,
        kinds: Sequence[str] = KINDS,
        seconds: float = 0.05,
    ) -> None:
        self.upstream = port
        self.port = 0
        self.outage: Outage = ""
        self.accepted = 0
        self.damaged: Counter[str] = Counter()
        self._probability = probability
        self._random = random.Random(seed)
        self._kinds = kinds
        self._seconds = seconds
        self._writers: set[asyncio.StreamWriter] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def serve(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=4 * BLOCK)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stop(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stop.set)

    def reset_all(self) -> None:
        """Make all open connections end with a reset when the next bytes arrive on them."""
        done = threading.Event()

        def mark() -> None:
            self._dead = set(self._writers)
            done.set()

        assert self._loop is not None
        self._loop.call_soon_threadsafe(mark)
        done.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.accepted += 1
        try:
            if self.outage == "reset" or self._draw() == "reset on accept":
                raise _EndError
            while True:
                await self._exchange(reader, writer)
        except (_EndError, OSError, asyncio.IncompleteReadError):
            with suppress(OSError):
                _reset(writer)
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()

    def _draw(self) -> str:
        """Return the kind of fault of a connection or request, or an empty text."""
        if self._random.random() >= self._probability:
            return ""
        return self._random.choice(self._kinds)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        if self.outage == "reset" or writer in self._dead:
            raise _EndError
        kind = self._draw()
        if kind == "reset on accept":
            kind = ""
        if kind:
            self.damaged[kind] += 1
        if kind == "reset in head":
            raise _EndError
        head = first + await reader.readuntil(b"\r\n\r\n")
        size = int((re.search(rb"(?i)content-length: (\d+)", head) or [0, 0])[1])
        body = await self._body(reader, head, size, kind)
        if self.outage == "hole" or kind == "dead connection":
            await self._swallow(reader)
        await self._respond(writer, head, body, kind)

    async def _body(self, reader: asyncio.StreamReader, head: bytes, size: int, kind: str) -> bytes:
        body = bytearray()
        stop = self._random.randrange(size + 1) if kind == "reset in body" else size + 1
        while len(body) < size:
            if kind == "slow start":
                await asyncio.sleep(self._seconds / 10)
            block = await reader.read(
                min(1024 if kind == "slow start" else BLOCK, size - len(body))
            )
            if not block:
                raise _EndError
            body += block
            if self.outage == "hole":
                await self._swallow(reader)
            if kind == "slow start" and len(body) > 8 * 1024:
                kind = ""
            if len(body) >= stop:
                await self._send_cut(head + bytes(body[:stop]))
                raise _EndError
        if kind in ("reset in body", "reset before forwarding"):
            raise _EndError
        return bytes(body)

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        """Accept bytes and deliver nothing, until the client closes the connection."""
        while await reader.read(BLOCK):
            pass
        raise _EndError

    async def _send_cut(self, message: bytes) -> None:
        """Deliver the beginning of a request, and reset the connection to the server."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        writer.write(message)
        await writer.drain()
        _reset(writer)

    async def _forward(self, message: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            writer.write(message.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()

    async def _respond(
        self, writer: asyncio.StreamWriter, head: bytes, body: bytes, kind: str
    ) -> None:
        message = head + body
        if kind == "page instead of forwarding":
            page = b"<html><title>Bad gateway</title></html>"
            writer.write(
                b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(page), page)
            )
            await writer.drain()
            return
        if kind == "delay":
            await asyncio.sleep(self._seconds)
        if kind == "duplicate":
            await self._forward(message)
        response = await self._forward(message)
        if kind == "late duplicate":
            self._later(lambda: self._forward(message))
        if self.outage == "hole":
            await asyncio.sleep(3600)
        if kind == "response lost, reset":
            raise _EndError
        cut = {
            "response lost, end": b"",
            "response cut in head": response[: self._random.randint(1, 30)],
            "response cut in body": response[: -self._random.randint(1, 10)],
            "half-close": response[:40],
            "garbage instead of response": self._random.randbytes(200),
        }.get(kind)
        response = response.replace(b"\r\nConnection: close", b"", 1)
        writer.write(response if cut is None else cut)
        await writer.drain()
        if cut is not None:
            writer.write_eof()
            if kind == "half-close":
                await asyncio.sleep(self._seconds)
            raise _EndError

    def _later(self, action: Callable[[], Awaitable[Any]]) -> None:
        async def run() -> None:
            await asyncio.sleep(self._seconds * self._random.random())
            with suppress(OSError):
                await action()

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection with a reset."""
    raw = writer.get_extra_info("socket")
    if raw is not None and not writer.transport.is_closing():
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextmanager
def fault_proxy(port: int, **settings: Any) -> Iterator[FaultProxy]:
    """Run a ``FaultProxy`` in a thread."""
    proxy = FaultProxy(port, **settings)
    ready = threading.Event()
    thread = threading.Thread(target=proxy.serve, args=(ready,), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join()
