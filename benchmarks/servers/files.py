"""A web server with any number of equal files. Argument: SIZE.

Prints its address and serves until it is terminated.
"""

import asyncio
import re
import sys

SIZE = int(sys.argv[1])
RANGE = re.compile(rb"range: bytes=(\d+)-(\d+)", re.IGNORECASE)


class Serving(asyncio.Protocol):
    """One connection. Requests have no body and arrive one after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._got = b""

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._got.endswith(b"\r\n\r\n"):
            return
        found = RANGE.search(self._got)
        first, last = (int(found[1]), min(int(found[2]), SIZE - 1)) if found else (0, SIZE - 1)
        self._got = b""
        head = f'HTTP/1.1 206 Part\r\nETag: "1"\r\nContent-Range: bytes {first}-{last}/{SIZE}\r\n'
        head += f"Content-Length: {last - first + 1}\r\n\r\n"
        self._transport.write(head.encode() + bytes(last - first + 1))  # type: ignore[attr-defined]


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Serving, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
