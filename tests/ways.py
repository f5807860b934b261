"""Event loops and connections to run uploads with, and a plain server that records requests."""

import asyncio
import functools
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import trustme
import uvloop

T = TypeVar("T")

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def run(loop: str, main: Coroutine[Any, Any, T]) -> T:
    """Run in a fresh loop of this kind."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(main)


@functools.cache
def certificates() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of a server on this machine and of a client that trusts it."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return server, client


@dataclass
class Received:
    """One request as it came."""

    headers: dict[str, str]
    body_bytes: int = 0
    ended_early: bool = False
    kept: bytearray = field(default_factory=bytearray)

    @property
    def file(self) -> bytes:
        """The file in a recorded body: a single part, from the empty line to the last boundary."""
        return bytes(self.kept[self.kept.index(b"\r\n\r\n") + 4 : self.kept.rindex(b"\r\n--")])


@dataclass
class Sink:
    """Takes every upload and answers as the service does for a video that is complete."""

    url: str
    requests: list[Received] = field(default_factory=list)


@contextmanager
def sink(
    *, keep: bool = False, on_block: Callable[[Received], None] = lambda _: None
) -> Iterator[Sink]:
    """Serve from threads; ``on_block`` is called in one of them after each 64 KiB of a body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            seen = Received({name.lower(): value for name, value in self.headers.items()})
            server.requests.append(seen)
            left = int(seen.headers.get("content-length", 0))
            while left:
                data = self.rfile.read(min(65536, left))
                if not data:
                    seen.ended_early = True
                    self.close_connection = True
                    return
                left -= len(data)
                seen.body_bytes += len(data)
                if keep:
                    seen.kept += data
                on_block(seen)
            answer = b'{"videoId": "viOne", "title": "one"}'
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, *_: object) -> None:
            pass  # The client went away.

    with Server(("127.0.0.1", 0), Handler) as listening:
        server = Sink(f"http://127.0.0.1:{listening.server_port}")
        serving = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield server
        finally:
            listening.shutdown()
            serving.join()
