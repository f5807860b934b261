"""The edge: one request in, one answer or one connection error out. Nothing here knows api.video.

There is no total timeout. While the body goes out, the transfer may not stand still (``stall``); once it is out,
the answer must come within ``response``.
"""

import asyncio
import errno
import os
import ssl
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import aiohttp
from yarl import URL

from ..config import Timeouts
from ..errors import ApiConnectionError, ApiTimeoutError, ConfigurationError, Delivery
from ..protocol.request import Request
from ..protocol.response import Response, most_bytes
from .multipart import MultipartBody
from .watchdog import Watchdog

__all__ = ["Transport"]

READ_BUFFER = 64 * 1024
"""Bytes of an answer that aiohttp reads ahead."""
CONNECTIONS = 0
"""No limit: who waits for a connection cannot be told from who waits for an answer. Callers bound themselves."""


class Transport:
    """Owns the aiohttp session: made in the running loop at the first request, closed only if made here."""

    def __init__(
        self,
        base_url: str,
        *,
        session: aiohttp.ClientSession | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.base_url = base_url
        self._session = session
        self._owned = session is None
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._proxy = proxy
        self._trust_env = trust_env
        self._trace_configs = list(trace_configs)
        self._ssl: Any = ssl_context or True

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ConfigurationError("this client is closed: make a new one")
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise ConfigurationError("this client was used in another event loop: make one for each asyncio.run()")
        self._loop = loop
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=self._trust_env,
                trace_configs=self._trace_configs,
            )
        return self._session

    async def send(self, request: Request, headers: Mapping[str, str], timeouts: Timeouts) -> Response:
        """Send once, with more headers.

        Raises ``ApiConnectionError`` or ``ApiTimeoutError``, or what reading the file raised. An answer larger than
        ``protocol.response.most_bytes`` is cut.
        """
        body = MultipartBody(request.multipart) if request.multipart is not None else None
        watchdog = Watchdog(timeouts, body)
        task = asyncio.current_task()
        asked_before = task.cancelling() if task is not None else 0
        try:
            async with watchdog:
                return await self._exchange(request, {**request.headers, **headers}, body, watchdog, timeouts)
        except asyncio.CancelledError:
            if task is None or task.cancelling() > asked_before:
                raise
            # The caller did not cancel: aiohttp cancelled its own writer when the server was done early, and waited.
            failure: Exception = ConnectionAbortedError(errno.ECONNABORTED, "")
        except (aiohttp.ClientError, OSError) as error:
            failure = error
        # Raised outside of the handlers, so that no error of aiohttp becomes the context: their texts hold the address,
        # which may have an upload token in its path or query, and their attributes the Authorization header.
        if body is not None and body.failure is not None and not _from_connection(body.failure):
            raise body.failure
        raise self._translated(failure, request, sent=body is None or body.started) from _system_error(failure)

    async def _exchange(
        self,
        request: Request,
        headers: Mapping[str, str],
        body: MultipartBody | None,
        watchdog: Watchdog,
        timeouts: Timeouts,
    ) -> Response:
        address = f"{request.base_url or self.base_url}{request.path}" + (f"?{request.query}" if request.query else "")
        async with self._open().request(
            request.method,
            URL(address, encoded=True),
            data=body if body is not None else request.body,
            headers=headers,
            # aiohttp would call an empty body of PUT and POST an octet stream.
            skip_auto_headers=None if body is not None or request.method == "GET" else ("Content-Type",),
            allow_redirects=False,
            raise_for_status=False,
            proxy=self._proxy,
            ssl=self._ssl,
            timeout=_timeout(timeouts.connect),
            # A borrowed session may have other defaults; the limit of the body relies on these.
            auto_decompress=True,
            read_bufsize=READ_BUFFER,
        ) as answer:
            watchdog.answering()
            content, cut = await _body_of(answer)
            received = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status, received, content, cut)

    def _translated(self, error: Exception, request: Request, *, sent: bool) -> ApiConnectionError:
        where = f"{request.operation}: {URL(request.base_url or self.base_url).origin()}"
        unreached = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
        delivery: Delivery = "not_sent" if unreached or not sent else "unknown"
        if isinstance(error, TimeoutError):
            what = "no connection in time" if unreached else str(error) or "no answer in time"
            return ApiTimeoutError(f"{where}: {what}", delivery=delivery, request=request.summary)
        what = "cannot be reached" if unreached else "the connection was lost"
        return ApiConnectionError(f"{where} {what} ({_reason(error)})", delivery=delivery, request=request.summary)

    async def close(self) -> None:
        """Close the session if it was made here; a borrowed one is left as it is."""
        self._closed = True
        if self._session is not None and self._owned:
            await self._session.close()


async def _body_of(answer: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """Read the body, at most ``most_bytes`` of it, and tell whether that was less than everything.

    aiohttp decompresses a block at a time, of a few hundred KiB, so an answer that expands a thousandfold is noticed
    before it takes memory. ``content_length`` and ``total_raw_bytes`` count what is on the wire.
    """
    most = most_bytes(answer.status)
    content = bytearray()
    if answer.status < 300 and (answer.content_length or 0) > most:
        answer.close()
        return b"", True
    async for block in answer.content.iter_any():
        content += block
        if max(len(content), answer.content.total_raw_bytes) > most:
            answer.close()
            return bytes(content[:most]), True
    return bytes(content), False


@lru_cache
def _timeout(connect: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect)


def _from_connection(error: BaseException) -> bool:
    return isinstance(error, aiohttp.ClientError | ConnectionError | asyncio.CancelledError)


def _system_error(error: BaseException | None) -> BaseException | None:
    """Find the error of the operating system or of TLS behind an error of aiohttp; None when there is none."""
    while isinstance(error, aiohttp.ClientError):
        error = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error.__cause__
    link: BaseException | None = error
    while link is not None:
        link = link.__cause__ or link.__context__
        if isinstance(link, aiohttp.ClientError):
            return None
    return error


def _reason(error: Exception) -> str:
    # aiohttp's texts may hold the whole address; its query may hold an upload token.
    cause = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    number = getattr(cause, "errno", None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    return os.strerror(number) if isinstance(number, int) and number > 0 else type(cause).__name__
