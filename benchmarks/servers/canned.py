"""A server with fixed responses: one video, a page of 100 videos, a token.

It needs little CPU time, so that the client determines the result.
"""

import asyncio
import json

ID = "vi4k0jvEUuaTdRAEjQ4Jfrgz"
VIDEO = {
    "videoId": ID,
    "title": "A talk",
    "description": "What was said, and by whom",
    "language": "en",
    "languageOrigin": "api",
    "public": True,
    "panoramic": False,
    "mp4Support": True,
    "playerId": "pl45KFKdlddgk654dspkze",
    "tags": ["talk", "conference", "2024"],
    "metadata": [{"key": "Author", "value": "Jane Doe"}, {"key": "Format", "value": "Talk"}],
    "createdAt": "2024-07-14T23:36:07+00:00",
    "publishedAt": "2024-07-14T23:36:07+00:00",
    "updatedAt": "2024-07-15T08:48:49+00:00",
    "discarded": False,
    "discardedAt": None,
    "deletesAt": None,
    "source": {"uri": f"/videos/{ID}/source", "type": "upload"},
    "assets": {
        "iframe": f'<iframe src="https://embed.example/vod/{ID}" width="100%"></iframe>',
        "player": f"https://embed.example/vod/{ID}",
        "hls": f"https://cdn.example/vod/{ID}/hls/manifest.m3u8",
        "thumbnail": f"https://cdn.example/vod/{ID}/thumbnail.jpg",
        "mp4": f"https://cdn.example/vod/{ID}/mp4/source.mp4",
    },
}
PAGE = {
    "data": [VIDEO | {"videoId": f"vi{number:022d}"} for number in range(100)],
    "pagination": {
        "itemsTotal": 100,
        "pagesTotal": 1,
        "pageSize": 100,
        "currentPage": 1,
        "currentPageItems": 100,
        "links": [{"rel": "self", "uri": "/videos?currentPage=1&pageSize=100"}],
    },
}
TOKEN = {
    "token_type": "Bearer",
    "expires_in": 3600,
    "access_token": "bench.access",
    "refresh_token": "bench.refresh",
}


def answer(content: object) -> bytes:
    body = json.dumps(content).encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % len(body)
        + body
    )


ANSWERS = (
    (b"POST /auth", answer(TOKEN)),
    (b"GET /videos/", answer(VIDEO)),
    (b"GET /videos", answer(PAGE)),
)


class Answering(asyncio.Protocol):
    """One connection. Requests arrive one after the other, and only signing in has a body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._got = b""

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, mark, body = self._got.partition(b"\r\n\r\n")
        if not mark or (head.startswith(b"POST") and not body.endswith(b"}")):
            return
        self._got = b""
        self._transport.write(next(text for begin, text in ANSWERS if head.startswith(begin)))  # type: ignore[attr-defined]


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
