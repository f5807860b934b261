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
from ...uploads.sources.types import Source, valid_name
from ..items import Item
from ..uris import is_signed, parse_uri, shown, unsupported_error, web_url
from .pinned import PinnedSource, changed_error, check_version, is_weak, normalise_etag
from .redirects import MOST_REDIRECTS, STATUSES, Redirects, redirect_target

__all__ = ["WebStore"]

TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=60)
"""Seconds; no total, because a body is read at the speed of the upload."""
BUFFER: Final = 256 * 1024
"""Approximate bytes buffered for each range; blocks are at most twice as large."""
TRIES: Final = 4
"""Consecutive attempts without new bytes after which a range fails."""
ERROR_BODY: Final = 4096
"""Bytes of an error response that are read."""
_SIZE: Final = re.compile(r"bytes (?:\d+-\d+|\*)/(\d+)")


@frozen
class FileInfo:
    """What a server reports about a file."""

    size: int
    etag: str | None
    modified: str | None
    has_ranges: bool
    """True if the server supports byte ranges."""

    @property
    def pin_headers(self) -> dict[str, str]:
        """Request headers that make the server refuse if the content has changed."""
        if self.etag is not None and not is_weak(self.etag):
            return {"If-Match": self.etag}
        return {"If-Unmodified-Since": self.modified} if self.modified else {}


class WebStore:
    """Connections to web servers."""

    def __init__(self, redirects: Redirects) -> None:
        self._redirects = redirects
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def get(
        self, uri: str, start: int, stop: int, pin_headers: dict[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Request the bytes from ``start`` to before ``stop``. Raises ``SourceError``."""
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        try:
            async with self._follow(uri, headers | pin_headers) as response:
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise unsupported_error(
                        uri, "the server compresses it, so byte ranges are useless"
                    )
                if response.status not in (200, 206, 416):
                    body = await response.content.read(ERROR_BODY)
                    raise _status_error(uri, response.status, body)
                yield response
        except SourceError:
            raise
        except aiohttp.InvalidURL:
            raise unsupported_error(uri, "this is not a valid URL") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The text of aiohttp's error may contain the query, and with it a signature.
            name = type(error).__name__
            text = f"{shown(uri)} cannot be reached, or the connection broke ({name})"
            raise SourceError(text, cause="unreachable", retryable=True) from None

    @asynccontextmanager
    async def _follow(
        self, uri: str, headers: dict[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a GET and follow the redirects that are allowed; aiohttp would follow all."""
        if self._session is None:
            # Sources do not share cookies: a cookie of one must not change the response to another.
            self._session = aiohttp.ClientSession(
                timeout=TIMEOUT,
                auto_decompress=False,
                read_bufsize=BUFFER,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        # ``encoded``: another encoding would invalidate a signature.
        url = URL(web_url(uri), encoded=True)
        for _ in range(MOST_REDIRECTS + 1):
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status not in STATUSES:
                    yield response
                    return
                header = response.headers.get("Location")
                url = redirect_target(uri, url, header, self._redirects)
        raise SourceError(
            f"{shown(uri)} redirects more than {MOST_REDIRECTS} times", cause="redirect"
        )

    async def inspect(self, uri: str) -> FileInfo:
        """Request one byte; the response shows the size and whether ranges work."""
        async with self.get(uri, 0, 1, {}) as response:
            # 206, or 416 for an empty file; both report the size in Content-Range.
            has_ranges = response.status != 200
            if has_ranges:
                match = _SIZE.fullmatch(response.headers.get("Content-Range", ""))
                size = int(match[1]) if match else None
            else:
                size = response.content_length
            if size is None:
                raise unsupported_error(uri, "the server does not report its size")
            headers = response.headers
            return FileInfo(size, headers.get("ETag"), headers.get("Last-Modified"), has_ranges)

    async def open(self, item: Item) -> PinnedSource:
        """Open a URL and compare it with the item. Raises ``SourceError``."""
        info = await self.inspect(item.uri)
        version = check_version(item, info.size, (normalise_etag(info.etag), info.modified))
        # A pull needs no ranges: api.video fetches the whole file.
        if item.strategy == "stream" and not info.has_ranges:
            raise _no_ranges(item.uri)
        return PinnedWebSource(WebSource(self, item.uri, info), version)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


class WebSource(Source):
    """A file on a web server, pinned to the content that it had when it was opened."""

    def __init__(self, store: WebStore, uri: str, info: FileInfo) -> None:
        self.store = store
        self.uri = uri
        self._info = info
        self.name: str = valid_name(parse_uri(uri).name)
        self.size: int = info.size

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
        async with self.store.get(self.uri, start, stop, self._info.pin_headers) as response:
            self._check(response, start, stop)
            left = stop - start
            while left and (block := await response.content.readany()):
                if len(block) > left:
                    raise unsupported_error(self.uri, "the server sent more bytes than requested")
                left -= len(block)
                yield block
        if left:
            text = f"{shown(self.uri)}: the response ended too early"
            raise SourceError(text, cause="unreachable", retryable=True)

    def _check(self, response: aiohttp.ClientResponse, start: int, stop: int) -> None:
        """Raise ``SourceError`` unless the response is the requested range of the same content."""
        if response.status == 200:
            raise _no_ranges(self.uri)
        headers, info = response.headers, self._info
        # Servers may ignore the pin headers, so compare the response as well.
        if (headers.get("ETag"), headers.get("Last-Modified")) != (info.etag, info.modified):
            raise changed_error(self.uri, "its ETag or modification time is different")
        if headers.get("Content-Range") != f"bytes {start}-{stop - 1}/{self.size}":
            raise changed_error(self.uri, "the server sent another range, or its size changed")
        if response.content_length not in (None, stop - start):
            raise unsupported_error(self.uri, "the response has another length than its range")


class PinnedWebSource(PinnedSource):
    """An opened URL."""

    source: WebSource

    async def pull_url(self, seconds: float) -> str:
        """Return the URL itself, whose validity is unknown. Raises ``SourceError`` if it fails."""
        info = await self.source.store.inspect(self.source.uri)
        if info.size != self.size:
            raise changed_error(self.source.uri, "its size is different")
        return web_url(self.source.uri)


def _no_ranges(uri: str) -> SourceError:
    advice = "download the file first, or let api.video pull it"
    return unsupported_error(uri, f"the server does not serve byte ranges: {advice}")


def _status_error(uri: str, status: int, body: bytes) -> SourceError:
    """Return the error for an HTTP status, with advice. ``body`` is the start of the response."""
    url = shown(uri)
    if is_signed(uri) and (status in (401, 403) or (status == 400 and b"xpired" in body)):
        # Some stores respond 400 to an expired URL, with an error code that contains ``Expired``.
        cause = "expired"
        text = f"{url}: the presigned URL has expired or was never valid ({status}): sign it again"
    elif status in (401, 403):
        cause = "credentials"
        text = f"{url}: access denied ({status}): use a presigned URL, or make the file public"
    elif status in (404, 410):
        cause = "missing"
        text = f"{url} does not exist ({status})"
    elif status == 412:
        cause = "changed"
        text = f"{url} changed while it was read: run the ingestion again to list it"
    elif status in (408, 425, 429) or status >= 500:
        cause = "unreachable"
        text = f"{url}: the server failed ({status}): try again later"
    else:
        cause = "unreadable"
        text = f"{url} cannot be read: the server responded with status {status}"
    return SourceError(text, cause=cause, retryable=cause == "unreachable")
