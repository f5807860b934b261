"""A receiving api.video that uses little CPU time: it answers correctly and discards all media.

    python benchmarks/servers/sink.py [--tls FOLDER] [--lose BYTES] [--most N]

Each connection has a thread with blocking sockets. On Linux the kernel discards the bytes of a
plain connection without copying them (``MSG_TRUNC``), so that the client determines the result.

``--lose`` resets a connection each time that many bytes of media have arrived; the connection is
the one that delivered the last of them. ``--most`` answers 503 to new chunks while that many are
in flight. The server prints its address and serves until it is terminated. It does not check the
rules of the protocol; the emulator does.
"""

import argparse
import json
import socket
import ssl
import struct
import threading
from pathlib import Path
from urllib.parse import parse_qsl

from videos import World

BLOCK = 4 * 1024 * 1024
# Only Linux discards without a copy. Elsewhere the bytes are written to the block.
TRUNC = getattr(socket, "MSG_TRUNC", 0)
JSON = {"Content-Type": "application/json"}
TOKEN = {
    "token_type": "Bearer",
    "expires_in": 3600,
    "access_token": "bench.access",
    "refresh_token": "bench.refresh",
}


class Lost(Exception):  # noqa: N818
    """The connection has ended."""


class Connection:
    """One client connection, served until it closes."""

    def __init__(self, sock: socket.socket, world: World) -> None:
        self._sock = sock
        self._world = world
        # TLS has to decrypt every byte, so MSG_TRUNC is not possible there.
        self._flags = 0 if isinstance(sock, ssl.SSLSocket) else TRUNC | socket.MSG_WAITALL
        self._block = bytearray(BLOCK if self._flags else 64 * 1024)
        self._rest = b""

    def serve(self) -> None:
        try:
            while self._request():
                pass
        except (Lost, OSError):
            pass
        finally:
            self._sock.close()

    def _request(self) -> bool:
        """Serve one request. False means that the connection ends with it."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:-2])
        }
        length = int(headers.get("content-length", "0"))
        if headers.get("expect", "").lower() == "100-continue":
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        path, _, query = target.partition("?")
        parts = path.strip("/").split("/")
        if method == "POST" and parts[-1] == "source" and parts[1] in self._world.videos:
            return self._upload(parts[1], headers, length)
        body = b"".join(self._take(length))
        self._answer(*self._plain(method, parts, query, body))
        return headers.get("connection", "").lower() != "close"

    def _plain(self, method: str, parts: list[str], query: str, body: bytes) -> tuple[int, object]:
        match method, parts:
            case "POST", ["auth", _]:
                return 200, TOKEN
            case "POST", ["videos"]:
                return 201, self._world.create(json.loads(body)).shown()
            case "GET", ["videos"]:
                return 200, self._world.listed(
                    dict(parse_qsl(query)).get("metadata[ingestKey]", "")
                )
            case "GET", ["videos", video_id] if video_id in self._world.videos:
                return 200, self._world.videos[video_id].shown()
            case "GET", ["videos", video_id, "status"] if video_id in self._world.videos:
                return 200, self._world.videos[video_id].status()
        return 404, {"title": "The requested resource could not be found.", "status": 404}

    def _upload(self, video_id: str, headers: dict[str, str], length: int) -> bool:
        world = self._world
        with world.lock:
            crowded = world.most is not None and world.receiving >= world.most
            world.receiving += not crowded
        if crowded:
            return self._refuse(length)
        try:
            size = self._receive(headers, length)
        finally:
            with world.lock:
                world.receiving -= 1
        video = world.videos[video_id]
        with world.lock:
            video.add(headers.get("content-range"), size)
            answer = video.shown() if video.complete else {"videoId": video_id}
        self._answer(201, answer)
        return headers.get("connection", "").lower() != "close"

    def _receive(self, headers: dict[str, str], length: int) -> int:
        """Receive a multipart message whose last part is the file; return the file's size."""
        boundary = headers["content-type"].partition("boundary=")[2].strip('"').encode()
        # The message ends with CR LF, two hyphens, the boundary, two hyphens, CR LF.
        ending, read, head = len(boundary) + 8, 0, b""
        while b"filename=" not in head:
            head = self._until(b"\r\n\r\n")
            read += len(head)
        self._drop(length - read)
        return length - read - ending

    def _refuse(self, length: int) -> bool:
        """Answer before the body has arrived, then read the rest.

        Closing at once would reset the connection, and the client could not read the response.
        """
        self._answer(503, {"title": "Too many at once.", "status": 503}, close=True)
        self._sock.settimeout(1)
        self._drop(length)
        return False

    def _reset(self) -> None:
        # With a linger time of zero, close() sends a reset.
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Lost

    def _answer(self, status: int, content: object, *, close: bool = False) -> None:
        body = json.dumps(content).encode()
        headers = {**JSON, "Content-Length": len(body)} | ({"Connection": "close"} if close else {})
        lines = [
            f"HTTP/1.1 {status} Answer",
            *(f"{name}: {value}" for name, value in headers.items()),
            "",
            "",
        ]
        self._sock.sendall("\r\n".join(lines).encode() + body)

    def _until(self, mark: bytes) -> bytes:
        """Read up to and including ``mark``. Bytes after it are kept for the next read."""
        while mark not in self._rest:
            more = self._sock.recv(4096)
            if not more:
                raise Lost
            self._rest += more
        found, _, self._rest = self._rest.partition(mark)
        return found + mark

    def _take(self, size: int) -> list[bytes]:
        pieces = [self._rest[:size]]
        self._rest = self._rest[size:]
        size -= len(pieces[0])
        while size:
            pieces.append(self._sock.recv(size))
            if not pieces[-1]:
                raise Lost
            size -= len(pieces[-1])
        return pieces

    def _drop(self, size: int) -> None:
        kept = min(size, len(self._rest))
        self._rest, size = self._rest[kept:], size - kept
        block, limit = self._block, len(self._block)
        while size:
            got = self._sock.recv_into(block, min(size, limit), self._flags)
            if not got:
                raise Lost
            if self._world.unlucky(got):
                self._reset()
            size -= got


def serve(context: ssl.SSLContext | None, world: World) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(f"{'https' if context else 'http'}://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=welcome, args=(sock, context, world), daemon=True).start()


def welcome(sock: socket.socket, context: ssl.SSLContext | None, world: World) -> None:
    try:
        wrapped = context.wrap_socket(sock, server_side=True) if context else sock
    except OSError:
        sock.close()
    else:
        Connection(wrapped, world).serve()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tls", type=Path, help="folder with server.pem")
    parser.add_argument("--lose", type=int)
    parser.add_argument("--most", type=int)
    asked = parser.parse_args()
    context = None
    if asked.tls is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(asked.tls / "server.pem")
    serve(context, World(asked.lose, asked.most))


if __name__ == "__main__":
    main()
