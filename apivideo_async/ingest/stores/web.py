"""Files on web servers, including presigned URLs: byte ranges, pinned by ETag or date."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

import aiohttp
from attrs import frozen
from yarl import URL

from ...errors import ApiVideoError, SourceError
from ...http.connection_failures import (
    ConnectionFailure,
    explain_failure,
    explain_proxy_refusal,
)
from ...http.network import Network
from ...protocol.stated_reason import stated_reason
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

    def __init__(self, redirects: Redirects, network: Network) -> None:
        self._redirects = redirects
        self._network = network
        self._session: aiohttp.ClientSession | None = None
        self._answered: set[URL] = set()
        """Origins that have answered."""

    @asynccontextmanager
    async def get(
        self, uri: str, start: int, stop: int, pin_headers: dict[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Request the bytes from ``start`` to before ``stop``. Raises ``SourceError``."""
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        async with self._follow(uri, headers | pin_headers) as response:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise unsupported_error(uri, "the server compresses it, so byte ranges are useless")
            if response.status not in (200, 206, 416):
                body = await response.content.read(ERROR_BODY)
                raise _status_error(uri, response, body)
            yield response

    @asynccontextmanager
    async def _follow(
        self, uri: str, headers: dict[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a GET and follow the redirects that are allowed; aiohttp would follow all."""
        if self._session is None:
            self._session = self._network.open_session(
                timeout=TIMEOUT, auto_decompress=False, read_bufsize=BUFFER
            )
        # ``encoded``: another encoding would invalidate a signature.
        url = _as_written(web_url(uri))
        for _ in range(MOST_REDIRECTS + 1):
            async with self._respond(uri, url, headers) as response:
                if response.status not in STATUSES:
                    yield response
                    return
                header = response.headers.get("Location")
                url = redirect_target(uri, url, header, self._redirects)
        raise SourceError(
            f"{shown(uri)} redirects more than {MOST_REDIRECTS} times", cause="redirect"
        )

    @asynccontextmanager
    async def _respond(
        self, uri: str, url: URL, headers: dict[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one GET. Raises ``SourceError``, also for failures while the body is read."""
        assert self._session is not None  # noqa: S101
        route = await self._network.route(url)
        origin, proxy = url.origin(), route["proxy"]
        try:
            async with self._session.get(
                url, headers=headers, allow_redirects=False, **route
            ) as response:
                if response.status == 407:
                    raise _unreachable(uri, explain_proxy_refusal(407, "", url, proxy))
                self._answered.add(origin)
                yield response
        except ApiVideoError:
            raise
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            answered = origin in self._answered
            raise _unreachable(uri, explain_failure(error, url, proxy, answered=answered)) from None

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


def _as_written(uri: str) -> URL:
    try:
        url = URL(uri, encoded=True)
        url.origin()
    except (ValueError, UnicodeError):
        raise unsupported_error(uri, "this is not a valid URL") from None
    return url


def _unreachable(uri: str, failure: ConnectionFailure) -> SourceError:
    # The query may contain a signature, so ``shown`` leaves it out.
    text = f"{shown(uri)}: {failure.text}"
    return SourceError(text, cause="unreachable", retryable=failure.retryable)


def _status_error(uri: str, response: aiohttp.ClientResponse, body: bytes) -> SourceError:
    """Return the error for an HTTP status, with advice. ``body`` is the start of the response."""
    url, status = shown(uri), response.status
    stated = stated_reason(status, body, response.headers.get("Content-Type", ""))
    # A signature may be repeated in the body of a refusal.
    reason = f"{status}, {stated}" if stated and not is_signed(uri) else str(status)
    if is_signed(uri) and (status in (401, 403) or (status == 400 and b"xpired" in body)):
        # Some stores respond 400 to an expired URL, with an error code that contains ``Expired``.
        cause = "expired"
        text = f"{url}: the presigned URL has expired or was never valid ({status}): sign it again"
    elif status in (401, 403):
        cause = "credentials"
        text = f"{url}: access denied ({reason}): use a presigned URL, or make the file public"
    elif status in (404, 410):
        cause = "missing"
        text = f"{url} does not exist ({status})"
    elif status == 412:
        cause = "changed"
        text = f"{url} changed while it was read: run the ingestion again to list it"
    elif status in (408, 425, 429) or status >= 500:
        cause = "unreachable"
        text = f"{url}: the server failed ({reason}): try again later"
    else:
        cause = "unreadable"
        text = f"{url} cannot be read: the server responded with status {reason}"
    return SourceError(text, cause=cause, retryable=cause == "unreachable")
