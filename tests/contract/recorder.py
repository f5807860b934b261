"""A server that records requests and returns given responses. It has no rules of api.video."""

import json
from collections.abc import Callable
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define, field, frozen

LIMITS = {
    "X-RateLimit-Limit": "500",
    "X-RateLimit-Remaining": "499",
    "X-RateLimit-Retry-After": "60",
}
TOKENS = {"access_token": "at", "refresh_token": "rt", "token_type": "Bearer", "expires_in": 3600}


@frozen
class Seen:
    """One request, as it came."""

    method: str
    path: str
    """Quoted, without the query."""
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def fields(self) -> list[tuple[str, str | None, str | None, bytes]]:
        """Of a multipart body: name, filename, content type, content."""
        _, _, boundary = self.headers["content-type"].partition("boundary=")
        found = []
        for part in self.body.split(b"--" + boundary.encode())[1:-1]:
            head, _, content = (
                part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n")
            )
            said = message_from_bytes(head)
            kind = said["Content-Type"]
            found.append(
                (
                    str(said.get_param("name", "", "content-disposition")),
                    said.get_filename(),
                    kind,
                    content,
                )
            )
        return found

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@frozen
class Answer:
    status: int = 200
    body: Any = None
    """JSON, bytes, or None for an empty body."""
    headers: dict[str, str] = field(factory=lambda: dict(LIMITS))


@define
class Recorder:
    """``seen`` leaves out the exchange of the API key, which is always answered."""

    answer: Callable[[Seen], Answer] = lambda _: Answer(body={})
    seen: list[Seen] = field(factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        seen = Seen(request.method, path, pairs, headers, await request.read())
        if path == "/auth/api-key" and not self.expects_exchange:
            return web.json_response(TOKENS)
        self.seen.append(seen)
        answer = self.answer(seen)
        body = (
            answer.body
            if isinstance(answer.body, bytes | None)
            else json.dumps(answer.body).encode()
        )
        kind = {} if body is None else {"Content-Type": "application/json"}
        return web.Response(status=answer.status, body=body, headers={**answer.headers, **kind})

    expects_exchange: bool = False

    async def serve(self) -> TestServer:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self.handle)
        server = TestServer(app)
        await server.start_server()
        self.url = f"http://127.0.0.1:{server.port}"
        return server
