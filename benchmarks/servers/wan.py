"""A slow line on loopback: a proxy with limited rates and a delay.

    python servers/wan.py HOST:PORT [--rate BYTES] [--shared BYTES] [--rtt SECONDS] [--trace FILE]

``--rate`` limits each connection, ``--shared`` all connections together. Each piece of a request
waits for the rates and then for half of the round-trip time. Responses wait for the other half. A
new connection costs one round trip. Socket buffers are small, and reading stops while too much
data is on its way; otherwise buffers would make the line look faster to a client. With ``--trace``,
the proxy writes the time (monotonic clock) and the number of bytes of requests that its kernel has
received to a file, 50 times a second. It prints its address and serves until it is terminated.
"""

import argparse
import asyncio
import socket
import struct
from collections.abc import Sequence
from pathlib import Path

PIECE = 32 * 1024
BUFFER = 64 * 1024
LATE = 0.005
"""Seconds by which a rate may lag behind its schedule and catch up.

The clock of the event loop has a resolution of about a millisecond.
"""


class Rate:
    """A limit in bytes per second, shared fairly by all connections that use it."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._free = 0.0

    async def pass_on(self, size: int) -> None:
        """Return when ``size`` bytes have passed."""
        if self._speed is None:
            return
        loop = asyncio.get_running_loop()
        self._free = max(self._free, loop.time() - LATE) + size / self._speed
        await asyncio.sleep(self._free - loop.time())


async def one_way(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rates: Sequence[Rate], delay: float
) -> None:
    """Forward bytes until the end, each delayed by ``delay`` seconds."""
    loop = asyncio.get_running_loop()
    underway: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=256)

    async def arrive() -> None:
        while True:
            due, piece = await underway.get()
            await asyncio.sleep(due - loop.time())
            if not piece:
                return
            writer.write(piece)
            await writer.drain()

    async with asyncio.TaskGroup() as group:
        group.create_task(arrive())
        piece = b"-"
        while piece:
            piece = await reader.read(PIECE)
            for rate in rates:
                await rate.pass_on(len(piece))
            await underway.put((loop.time() + delay, piece))


class Line:
    """The line to one server."""

    def __init__(self, upstream: str, rate: float | None, shared: float | None, rtt: float) -> None:
        self._host, _, port = upstream.partition(":")
        self._port = int(port)
        self._rate = rate
        self._shared = Rate(shared)
        self._rtt = rtt
        self._received: list[int] = []
        """Bytes of requests that each connection has received."""

    async def trace(self, path: Path) -> None:
        """Write the number of received bytes to a file, 50 times a second."""
        clock = asyncio.get_running_loop().time
        with path.open("w", buffering=1) as lines:
            while True:
                lines.write(f"{clock()} {sum(self._received)}\n")
                await asyncio.sleep(0.02)

    async def _count(self, connection: socket.socket) -> None:
        number = len(self._received)
        self._received.append(0)
        while True:
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 136)
            # ``tcpi_bytes_received``.
            self._received[number] = struct.unpack_from("=Q", info, 128)[0]
            await asyncio.sleep(0.01)

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until either side ends."""
        await asyncio.sleep(self._rtt)  # The round trip of opening a connection.
        there, back = await asyncio.open_connection(self._host, self._port)
        counting = asyncio.create_task(self._count(writer.get_extra_info("socket")))
        try:
            async with asyncio.TaskGroup() as group:
                answers = group.create_task(one_way(there, writer, (), self._rtt / 2))
                requests = group.create_task(
                    one_way(reader, back, (Rate(self._rate), self._shared), self._rtt / 2)
                )
                await asyncio.wait((answers, requests), return_when=asyncio.FIRST_COMPLETED)
                answers.cancel()
                requests.cancel()
        except* OSError:
            # If one side resets the connection, reset the other one too, as without the proxy.
            for side in (writer, back):
                side.transport.abort()
        finally:
            counting.cancel()
            writer.close()
            back.close()


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("upstream")
    parser.add_argument("--rate", type=float)
    parser.add_argument("--shared", type=float)
    parser.add_argument("--rtt", type=float, default=0.0)
    parser.add_argument("--trace", type=Path)
    asked = parser.parse_args()
    listener = socket.socket()
    # Set this before listening: the window of a connection is negotiated when it opens.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    listener.bind(("127.0.0.1", 0))
    line = Line(asked.upstream, asked.rate, asked.shared, asked.rtt)
    server = await asyncio.start_server(line.connect, sock=listener, limit=PIECE)
    tracing = asyncio.create_task(line.trace(asked.trace)) if asked.trace else None
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await server.serve_forever()
    del tracing


asyncio.run(main())
