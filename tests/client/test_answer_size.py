"""An answer is read up to a limit, compressed and decompressed, before it takes memory."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from apivideo_async import (
    ApiResponseError,
    ApiStatusError,
    ApiVideoClient,
    ApiVideoError,
    NotFoundError,
    RetryPolicy,
    Timeouts,
)
from apivideo_async.errors import KEPT_BODY
from apivideo_async.http.transport import READ_BUFFER
from apivideo_async.protocol import response as rules
from tests.conftest import QUICK

LIMIT = 256 * 1024
HEAD = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
Write = Callable[[asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LARGEST_BODY", LIMIT)
    monkeypatch.setattr(rules, "LARGEST_ERROR_BODY", LIMIT // 4)


class Raw:
    """A server that writes a given response, and counts its connections and written bytes."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self.requests = 0
        self.url = ""
        self.closed = asyncio.Event()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            await self._write(writer)
            await writer.drain()
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.closed.set()
            writer.close()


@asynccontextmanager
async def serving(write: Write, **options: Any) -> AsyncIterator[tuple[Raw, ApiVideoClient]]:
    raw = Raw(write)
    server = await asyncio.start_server(raw.handle, "127.0.0.1", 0)
    raw.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with ApiVideoClient(
        "key", base_url=raw.url, auth="basic", **{"retry": QUICK, **options}
    ) as client:
        yield raw, client
    server.close()


def answer(status: int, body: bytes, *headers: bytes) -> Write:
    async def write(writer: asyncio.StreamWriter) -> None:
        head = HEAD % status + b"".join(line + b"\r\n" for line in headers)
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    return write


async def announced(writer: asyncio.StreamWriter) -> None:
    """The head alone: if the client waited for the body, it would time out."""
    writer.write(HEAD % 200 + b"Content-Length: %d\r\n\r\n" % (LIMIT + 1))


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD % 200 + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1000\r\n" + b" " * 4096 + b"\r\n")
        await writer.drain()


async def until_eof(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD % 200 + b"\r\n" + b" " * (LIMIT + 1))
    await writer.drain()
    writer.close()


def bomb(wbits: int, size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return packer.compress(bytes(size)) + packer.flush()


HUGE = {
    "announced": announced,
    "endless": endless,
    "until the end of the connection": until_eof,
    "gzip": answer(200, bomb(31, 64 * LIMIT), b"Content-Encoding: gzip"),
    "deflate": answer(200, bomb(15, 64 * LIMIT), b"Content-Encoding: deflate"),
    "raw deflate": answer(200, bomb(-15, 64 * LIMIT), b"Content-Encoding: deflate"),
    "many gzip members": answer(
        200, gzip.compress(bytes(LIMIT // 16)) * 64, b"Content-Encoding: gzip"
    ),
}


@pytest.mark.parametrize("write", HUGE.values(), ids=HUGE)
async def test_a_too_large_response_is_an_error_and_not_requested_again(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = 0
    real = aiohttp.StreamReader.iter_any

    async def measured(reader: aiohttp.StreamReader) -> AsyncIterator[bytes]:
        nonlocal largest
        async for block in real(reader):
            largest = max(largest, len(block))
            yield block

    monkeypatch.setattr(aiohttp.StreamReader, "iter_any", measured)
    async with serving(write) as (raw, client):
        with pytest.raises(ApiResponseError, match="MiB") as caught:
            await client.videos.get("vi1")
        assert (caught.value.status, caught.value.retryable, caught.value.delivery) == (
            200,
            False,
            "unknown",
        )
        assert len(caught.value.body) <= KEPT_BODY
        assert raw.requests == 1
        await asyncio.wait_for(raw.closed.wait(), 5)
    # A block that is decompressed is bounded, whatever is in it.
    assert largest <= 16 * READ_BUFFER


async def test_a_response_within_the_limit_is_read_completely() -> None:
    videos = {"data": [{"videoId": "vi1", "title": "x" * (LIMIT - 1000)}], "pagination": {}}
    body = gzip.compress(json.dumps(videos).encode())
    async with serving(answer(200, body, b"Content-Encoding: gzip")) as (_, client):
        [video] = await client.videos.list().to_list()
        assert len(video.title or "") == LIMIT - 1000


@pytest.mark.parametrize(
    "write",
    [
        answer(404, b"x" * LIMIT),
        answer(404, bomb(31, 64 * LIMIT), b"Content-Encoding: gzip"),
        answer(404, json.dumps({"title": "t" * LIMIT}).encode()),
        answer(404, json.dumps({"title": "t" * (LIMIT // 8), "name": "n" * 9999}).encode()),
    ],
    ids=["text", "gzip", "one long text", "long texts"],
)
async def test_the_error_of_a_large_answer_is_that_of_its_status_with_a_short_body_and_message(
    write: Write,
) -> None:
    async with serving(write) as (_, client):
        with pytest.raises(NotFoundError) as caught:
            await client.videos.get("vi1")
    assert len(caught.value.body) == KEPT_BODY
    assert len(str(caught.value)) < 2000


async def test_a_borrowed_session_with_other_defaults_has_the_same_limits() -> None:
    write = answer(200, bomb(31, 64 * LIMIT), b"Content-Encoding: gzip")
    async with aiohttp.ClientSession(auto_decompress=False, read_bufsize=2**40) as session:
        async with serving(write, session=session) as (_, client):
            with pytest.raises(ApiResponseError, match="MiB"):
                await client.videos.get("vi1")


@pytest.mark.parametrize(
    "body",
    [
        b'{"videoId": "v", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"videoId": "v", "x": ' + b"9" * 5000 + b"}",
    ],
    ids=["deeply nested", "a number of 5,000 digits"],
)
async def test_json_that_python_cannot_read_is_a_response_error(body: bytes) -> None:
    async with serving(answer(200, body), retry=RetryPolicy(attempts=1)) as (_, client):
        with pytest.raises(ApiResponseError, match="not a Video"):
            await client.videos.get("vi1")


async def trickle(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD % 200 + b"Content-Length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def expands_to_nothing(writer: asyncio.StreamWriter) -> None:
    """Compressed blocks without content, for ever."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    writer.write(HEAD % 200 + b"Content-Encoding: gzip\r\n\r\n")
    while True:
        writer.write(packer.flush(zlib.Z_FULL_FLUSH) or b"\x00\x00\x00\xff\xff")
        await writer.drain()
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("write", [trickle, expands_to_nothing])
async def test_a_response_that_does_not_end_is_closed_in_time(write: Write) -> None:
    timeouts = Timeouts(connect=0.1, response=0.1)
    async with serving(write, timeouts=timeouts, retry=RetryPolicy(attempts=1)) as (_, client):
        with pytest.raises(ApiVideoError, match="within"):
            await client.videos.get("vi1")


async def test_what_is_read_by_hand_has_the_same_limit() -> None:
    async with serving(endless) as (_, client):
        with pytest.raises(ApiResponseError):
            await client.request("GET", "/anything")
    async with serving(answer(500, b"x" * LIMIT), retry=RetryPolicy(attempts=1)) as (_, client):
        with pytest.raises(ApiStatusError) as caught:
            await client.videos.with_raw_response.get("vi1")
    assert len(caught.value.body) == KEPT_BODY
