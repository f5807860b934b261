"""Files on web servers, including presigned URLs: byte ranges, pinned by ETag or date."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

import aiohttp
from attrs import frozen
from yarl import URL

from ...errors import SourceError
from ...uploads.sources.types import Source
from ..items import Item
from ..uris import locate, shown
from .pinned import PinnedSource, changed, compare
from .redirects import MOST_REDIRECTS, STATUSES, Redirects, redirected
from .versions import etag, is_weak
from .web_errors import refused

__all__ = ["WebStore"]

TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=60)
"""Seconds. There is no total timeout, because a body is read at the speed of the upload."""
BUFFER: Final = 256 * 1024
"""Approximate bytes buffered for each range; blocks are at most twice as large."""
TRIES: Final = 4
"""Consecutive attempts without new bytes after which a range fails."""
_RANGE: Final = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")


@frozen
class Found:
    """What a server reports about a file."""

    size: int
    etag: str | None
    modified: str | None
    ranges: bool
    """True if the server supports byte ranges."""

    @property
    def pin(self) -> dict[str, str]:
        """Request headers that make the server refuse if the content has changed."""
        if self.etag is not None and not is_weak(self.etag):
            return {"If-Match": self.etag}
        return {"If-Unmodified-Since": self.modified} if self.modified else {}


class WebStore:
    """Connections to web servers."""

    def __init__(self, redirects: Redirects = "same-origin") -> None:
        self._redirects = redirects
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def get(
        self, uri: str, start: int, stop: int, pin: dict[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Request the bytes from ``start`` to before ``stop`` with the headers ``pin``.

        Raises ``SourceError`` when no usable response arrives.
        """
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity", **pin}
        try:
            async with self._answer(uri, headers) as response:
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise SourceError(
                        f"{shown(uri)}: the server packs it, so it has no ranges",
                        cause="unsupported",
                    )
                if response.status not in (200, 206, 416):
                    raise refused(uri, response.status, await response.content.read(4096))
                yield response
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, SourceError):
                raise
            # The text of aiohttp's error may contain the query, and with it a signature.
            raise SourceError(
                f"{shown(uri)} cannot be reached, or the connection broke ({type(error).__name__})",
                cause="unsupported" if isinstance(error, aiohttp.InvalidURL) else "unreachable",
                retryable=not isinstance(error, aiohttp.InvalidURL),
            ) from None

    @asynccontextmanager
    async def _answer(
        self, uri: str, headers: dict[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a GET and follow the redirects that are allowed.

        aiohttp's own redirect handling would follow all of them.
        """
        if self._session is None:
            # Sources do not share cookies: a cookie of one must not change the response to another.
            self._session = aiohttp.ClientSession(
                timeout=TIMEOUT,
                auto_decompress=False,
                read_bufsize=BUFFER,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        # The URL is sent as it is written, because another encoding would invalidate a signature.
        url = URL(uri, encoded=True)
        for _ in range(MOST_REDIRECTS + 1):
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status not in STATUSES:
                    yield response
                    return
                url = redirected(uri, url, response.headers.get("Location"), self._redirects)
        raise SourceError(
            f"{shown(uri)} redirects more than {MOST_REDIRECTS} times", cause="redirect"
        )

    async def look(self, uri: str) -> Found:
        """Request one byte, whose response shows the size and whether ranges work.

        Raises ``SourceError``.
        """
        async with self.get(uri, 0, 1, {}) as response:
            match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            # 206, or 416 for an empty file; both report the size in Content-Range.
            ranges = response.status != 200
            if ranges and match is None:
                raise SourceError(
                    f"{shown(uri)}: the server does not tell the size", cause="unsupported"
                )
            size = int(match[3]) if ranges and match else response.content_length
            if size is None:
                raise SourceError(
                    f"{shown(uri)}: the server tells no size and has no ranges", cause="unsupported"
                )
            return Found(
                size, response.headers.get("ETag"), response.headers.get("Last-Modified"), ranges
            )

    async def open(self, item: Item) -> PinnedSource:
        """Open a URL and compare it with the item. Raises ``SourceError``."""
        found = await self.look(item.uri)
        version = compare(item, found.size, (etag(found.etag), found.modified))
        # A pull needs no ranges: api.video fetches the whole file.
        if item.strategy == "stream" and not found.ranges:
            raise no_ranges(item.uri)
        return PinnedWebSource(self, item.uri, found, version)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


class WebSource(Source):
    """A file on a web server, pinned to the content that was found on opening."""

    def __init__(self, store: WebStore, uri: str, found: Found) -> None:
        self._store, self._uri, self._found = store, uri, found
        self.name: str = locate(uri).name
        self.size: int = found.size

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        """Read a range. A broken connection is resumed at the current position.

        Raises ``SourceError`` after ``TRIES`` consecutive attempts without new bytes.
        """
        position, stop, failures = start, start + size, 0
        while position < stop:
            try:
                async with aclosing(self._range(position, stop)) as blocks:
                    async for block in blocks:
                        # Progress resets the number of failures.
                        position, failures = position + len(block), 0
                        yield block
            except SourceError as error:
                failures += 1
                if not error.retryable or failures == TRIES:
                    raise
                await asyncio.sleep(0.1 * 2**failures)

    async def _range(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Read a range from one response."""
        async with self._store.get(self._uri, start, stop, self._found.pin) as response:
            self._check(response, start, stop)
            left = stop - start
            while left and (block := await response.content.readany()):
                if len(block) > left:
                    raise SourceError(
                        f"{shown(self._uri)}: the server sends more than its range",
                        cause="unsupported",
                    )
                left -= len(block)
                yield block
        if left:
            raise SourceError(
                f"{shown(self._uri)}: the range ended early", cause="unreachable", retryable=True
            )

    def _check(self, response: aiohttp.ClientResponse, start: int, stop: int) -> None:
        """Raise ``SourceError`` unless the response is the requested range of the same content."""
        if response.status == 200:
            raise no_ranges(self._uri)
        # Servers may ignore the pin headers, so compare the response as well.
        if (response.headers.get("ETag"), response.headers.get("Last-Modified")) != (
            self._found.etag,
            self._found.modified,
        ):
            raise changed(self._uri, "it is another version now")
        if response.headers.get("Content-Range") != f"bytes {start}-{stop - 1}/{self.size}":
            raise changed(self._uri, "the server gave another range, or of another size")
        if response.content_length not in (None, stop - start):
            raise SourceError(
                f"{shown(self._uri)}: the server announces other bytes than it names",
                cause="unsupported",
            )


class PinnedWebSource(PinnedSource):
    """An opened URL."""

    def __init__(self, store: WebStore, uri: str, found: Found, version: str | None) -> None:
        self._store, self._uri = store, uri
        self.source: Source = WebSource(store, uri, found)
        self.version = version

    async def address(self, seconds: float) -> str:
        """Return the URL itself, after a check that it still works.

        How long a presigned URL stays valid is known only to its creator. Raises ``SourceError``.
        """
        found = await self._store.look(self._uri)
        if found.size != self.size:
            raise changed(self._uri, "it has another size now")
        return self._uri


def no_ranges(uri: str) -> SourceError:
    """Return the error for a server that does not support byte ranges."""
    return SourceError(
        f"{shown(uri)}: the server does not serve byte ranges: download the file first, or let api.video pull it",
        cause="unsupported",
    )
