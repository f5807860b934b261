"""Files on web servers, presigned URLs among them: ranges over HTTP, pinned by ETag or date."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

import aiohttp
from attrs import frozen
from yarl import URL

from ...errors import SourceError
from ...uploads.sources.opening import Source
from ..items import Item
from ..uris import locate, shown
from .pinned import Original, changed, compare
from .redirects import MOST_REDIRECTS, STATUSES, Redirects, redirected
from .versions import etag, is_weak
from .web_errors import refused

__all__ = ["WebStore"]

TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=60)
BUFFER: Final = 256 * 1024
"""Bytes buffered for each range, about; blocks are at most twice as large."""
TRIES: Final = 4
"""Attempts in a row that bring nothing, before a range is given up."""
_RANGE: Final = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")


@frozen
class Found:
    """What a server says about a file."""

    size: int
    etag: str | None
    modified: str | None
    ranges: bool
    """Whether it serves byte ranges."""

    @property
    def pin(self) -> dict[str, str]:
        """Headers that make the server refuse when the content is another."""
        if self.etag is not None and not is_weak(self.etag):
            return {"If-Match": self.etag}
        return {"If-Unmodified-Since": self.modified} if self.modified else {}


class WebStore:
    """Connections to web servers."""

    def __init__(self, redirects: Redirects = "same-origin") -> None:
        self._redirects = redirects
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def get(self, uri: str, start: int, stop: int, pin: dict[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask for a range. Raises ``SourceError`` when nothing comes, or not in the form that was asked for."""
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity", **pin}
        try:
            async with self._answer(uri, headers) as response:
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise SourceError(f"{shown(uri)}: the server packs it, so it has no ranges", cause="unsupported")
                if response.status not in (200, 206, 416):
                    raise refused(uri, response.status, await response.content.read(4096))
                yield response
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, SourceError):
                raise
            # aiohttp's own text may hold the query.
            raise SourceError(
                f"{shown(uri)} cannot be reached, or the connection broke ({type(error).__name__})",
                cause="unsupported" if isinstance(error, aiohttp.InvalidURL) else "unreachable",
                retryable=not isinstance(error, aiohttp.InvalidURL),
            ) from None

    @asynccontextmanager
    async def _answer(self, uri: str, headers: dict[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a GET, and follow the redirects that are allowed. aiohttp itself would follow every one of them."""
        if self._session is None:
            # Sources do not share cookies: one must not change what the server gives for another.
            self._session = aiohttp.ClientSession(
                timeout=TIMEOUT, auto_decompress=False, read_bufsize=BUFFER, cookie_jar=aiohttp.DummyCookieJar()
            )
        url = URL(uri, encoded=True)  # Encoded already: another spelling would have another signature.
        for _ in range(MOST_REDIRECTS + 1):
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status not in STATUSES:
                    yield response
                    return
                url = redirected(uri, url, response.headers.get("Location"), self._redirects)
        raise SourceError(f"{shown(uri)} redirects more than {MOST_REDIRECTS} times", cause="redirect")

    async def look(self, uri: str) -> Found:
        """Ask for one byte, which tells the size and whether there are ranges."""
        async with self.get(uri, 0, 1, {}) as response:
            match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            ranges = response.status != 200
            if ranges and match is None:
                raise SourceError(f"{shown(uri)}: the server does not tell the size", cause="unsupported")
            size = int(match[3]) if ranges and match else response.content_length
            if size is None:
                raise SourceError(f"{shown(uri)}: the server tells no size and has no ranges", cause="unsupported")
            return Found(size, response.headers.get("ETag"), response.headers.get("Last-Modified"), ranges)

    async def open(self, item: Item) -> Original:
        """Open a URL. Raises ``SourceError``."""
        found = await self.look(item.uri)
        version = compare(item, found.size, (etag(found.etag), found.modified))
        if item.strategy == "stream" and not found.ranges:
            raise no_ranges(item.uri)
        return WebOriginal(self, item.uri, found, version)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


class WebSource(Source):
    """A file on a web server."""

    def __init__(self, store: WebStore, uri: str, found: Found) -> None:
        self._store, self._uri, self._found = store, uri, found
        self.name: str = locate(uri).name
        self.size: int = found.size

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        """Read a range; what broke off goes on where it was. Raises ``SourceError``."""
        position, stop, failures = start, start + size, 0
        while position < stop:
            try:
                async with aclosing(self._range(position, stop)) as blocks:
                    async for block in blocks:
                        position, failures = position + len(block), 0
                        yield block
            except SourceError as error:
                failures += 1
                if not error.retryable or failures == TRIES:
                    raise
                await asyncio.sleep(0.1 * 2**failures)

    async def _range(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        async with self._store.get(self._uri, start, stop, self._found.pin) as response:
            self._check(response, start, stop)
            left = stop - start
            while left and (block := await response.content.readany()):
                if len(block) > left:
                    raise SourceError(f"{shown(self._uri)}: the server sends more than its range", cause="unsupported")
                left -= len(block)
                yield block
        if left:
            raise SourceError(f"{shown(self._uri)}: the range ended early", cause="unreachable", retryable=True)

    def _check(self, response: aiohttp.ClientResponse, start: int, stop: int) -> None:
        if response.status == 200:
            raise no_ranges(self._uri)
        if (response.headers.get("ETag"), response.headers.get("Last-Modified")) != (
            self._found.etag,
            self._found.modified,
        ):
            raise changed(self._uri, "it is another version now")
        if response.headers.get("Content-Range") != f"bytes {start}-{stop - 1}/{self.size}":
            raise changed(self._uri, "the server gave another range, or of another size")
        if response.content_length not in (None, stop - start):
            raise SourceError(
                f"{shown(self._uri)}: the server announces other bytes than it names", cause="unsupported"
            )


class WebOriginal(Original):
    """An opened URL."""

    def __init__(self, store: WebStore, uri: str, found: Found, version: str | None) -> None:
        self._store, self._uri = store, uri
        self.source: Source = WebSource(store, uri, found)
        self.version = version

    async def address(self, seconds: float) -> str:
        """Give the URL itself, after a look whether it still works; how long it does is for who signed it to know."""
        found = await self._store.look(self._uri)
        if found.size != self.size:
            raise changed(self._uri, "it has another size now")
        return self._uri


def no_ranges(uri: str) -> SourceError:
    """Make the error for a server that gives whole files only."""
    return SourceError(
        f"{shown(uri)}: the server does not serve byte ranges: download the file first, or let api.video pull it",
        cause="unsupported",
    )
