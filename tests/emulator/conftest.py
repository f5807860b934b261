"""Raw HTTP requests to the emulator, without the client of this package."""

import base64
import io
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import pytest

from apivideo_async.emulator import Emulator

BOUNDARY = "0123456789abcdef0123456789abcdef"


@dataclass
class Reply:
    """A response and its body."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def slug(self) -> str:
        return self.json.get("type", "").rpartition("/")[2]


def file_part(
    data: bytes, filename: str = "clip.mp4", name: str = "file", content_type: str | None = None
) -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
    head += f"Content-Type: {content_type or 'application/octet-stream'}\r\n"
    return head.encode() + b"\r\n" + data


def field_part(name: str, value: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()


def form(*parts: bytes, boundary: str = BOUNDARY) -> bytes:
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return body + b"--" + boundary.encode() + b"--\r\n"


class Api:
    """Plain requests with the emulator's key as Basic credentials."""

    def __init__(self, session: aiohttp.ClientSession, emulator: Emulator) -> None:
        self.session = session
        self.emu = emulator
        key = base64.b64encode(f"{emulator.api_key}:".encode()).decode()
        self.auth = {"Authorization": f"Basic {key}"}

    boundary = BOUNDARY
    multipart: ClassVar[dict[str, str]] = {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"
    }
    file = staticmethod(file_part)
    field = staticmethod(field_part)
    form = staticmethod(form)
    again: Callable[..., Awaitable["Api"]]

    @property
    def directory(self) -> Path:
        """Where the emulator keeps its media."""
        return Path(self.emu._temporary.name)

    async def send(self, method: str, path: str, *, auth: bool = True, **options: Any) -> Reply:
        headers = {**(self.auth if auth else {}), **options.pop("headers", {})}
        url = path if path.startswith("http") else self.emu.url + path
        async with self.session.request(method, url, headers=headers, **options) as response:
            return Reply(response.status, response.headers, await response.read())

    async def create(self, title: str = "a video", **attributes: Any) -> str:
        reply = await self.send("POST", "/videos", json={"title": title, **attributes})
        assert reply.status == 201, reply.body
        return reply.json["videoId"]

    async def token(self, ttl: int = 0) -> str:
        return (await self.send("POST", "/upload-tokens", json={"ttl": ttl})).json["token"]

    async def post_form(
        self, path: str, *parts: bytes, content_range: str | None = None, **options: Any
    ) -> Reply:
        headers = {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            **options.pop("headers", {}),
        }
        if content_range is not None:
            headers["Content-Range"] = content_range
        return await self.send(
            "POST", path, data=io.BytesIO(form(*parts)), headers=headers, **options
        )

    async def chunk(
        self, video_id: str, data: bytes, content_range: str | None = None, **options: Any
    ) -> Reply:
        path = f"/videos/{video_id}/source"
        return await self.post_form(path, file_part(data), content_range=content_range, **options)

    async def status(self, video_id: str) -> Any:
        return (await self.send("GET", f"/videos/{video_id}/status")).json


@pytest.fixture
def content() -> Callable[[int], bytes]:
    """Return random bytes, which contain parts of boundaries."""
    return os.urandom


@pytest.fixture
async def start(request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., Awaitable[Api]]]:
    """Start emulators with the given settings, by default with chunks of 1 KiB to 64 KiB."""
    running: list[tuple[Emulator, aiohttp.ClientSession]] = []

    async def begin(**settings: Any) -> Api:
        emulator = Emulator(**{"min_chunk": 1024, "max_chunk": 64 * 1024, **settings})
        await emulator.start()
        session = aiohttp.ClientSession()
        running.append((emulator, session))
        api = Api(session, emulator)
        api.again = begin
        return api

    yield begin
    for emulator, session in running:
        await session.close()
        await emulator.stop()


@pytest.fixture
async def api(start: Callable[..., Awaitable[Api]]) -> Api:
    """Raw access to an emulator with scaled chunk sizes."""
    return await start()
