"""Sends one request through aiohttp and returns its response or a connection error.

This module contains no rules of api.video. ``watchdog`` ends requests that make no progress.
"""

import asyncio
import errno
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import lru_cache
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from attrs import define, field
from yarl import URL

from ..config import Timeouts
from ..errors import ApiConnectionError, ApiTimeoutError, ConfigurationError, Delivery
from ..protocol.request import Request
from ..protocol.response import Response, most_bytes
from ..rate_limit.bandwidth import Bandwidth
from .multipart import MultipartBody
from .outage import Outage
from .sessions import Sessions
from .sockets import open_socket
from .watchdog import Watchdog

__all__ = ["Transport", "system_reason"]

READ_BUFFER = 64 * 1024
"""Bytes of a response that aiohttp reads ahead."""
CONNECTIONS = 0
"""No limit, because a wait for a connection would count as a wait for the response."""
PROBE_TIMEOUT = 4.0
"""Seconds in which a probe must get a response."""
PROBE: Final = Request(
    operation="probe", method="HEAD", path="/", limit_class=None, authenticated=False
)
"""Any response shows that the server can be reached."""


class _ReportedBody(aiohttp.BytesPayload):
    """A body that reports when it was passed to the connection."""

    def __init__(self, content: bytes, on_sent: Callable[[], None]) -> None:
        super().__init__(content)
        self._on_sent = on_sent

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        await super().write_with_length(writer, content_length)
        self._on_sent()


def _json_body(request: Request) -> bytes | _ReportedBody | None:
    if request.body is None or request.on_body_sent is None:
        return request.body
    return _ReportedBody(request.body, request.on_body_sent)


@define(eq=False, kw_only=True)
class Transport:
    """Owns the aiohttp session, created at the first request. A caller's session stays open."""

    base_url: str
    bandwidth: Bandwidth = field(factory=Bandwidth)
    """The limit that all bodies with a file share."""
    _session: aiohttp.ClientSession | None = None
    _proxy: str | None = None
    _trust_env: bool = False
    _trace_configs: Sequence[aiohttp.TraceConfig] = ()
    _ssl_context: ssl.SSLContext | None = None
    _own: Sessions = field(init=False)
    _closed: bool = field(default=False, init=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)
    outage: Outage = field(init=False)
    """Whether the server responds, for all requests of the client."""

    def __attrs_post_init__(self) -> None:
        self._own = Sessions(self._create_session)
        self.outage = Outage(self._probe)

    def _create_session(self, alone: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS, force_close=alone, socket_factory=open_socket
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=self._trust_env,
            trace_configs=list(self._trace_configs),
        )

    def _opened_session(self, *, alone: bool) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
        if self._closed:
            raise ConfigurationError("this client is closed: create a new one")
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise ConfigurationError(
                "this client was used in another event loop: create one for each asyncio.run()"
            )
        # The session belongs to the loop in which it is created.
        self._loop = loop
        if self._session is not None:
            return nullcontext(self._session)
        return self._own.use(alone=alone)

    async def _probe(self) -> bool:
        """Return True if the server responds on a new connection."""
        try:
            arguments = self._arguments(PROBE, {}, None, Timeouts(connect=PROBE_TIMEOUT))
            async with (
                asyncio.timeout(PROBE_TIMEOUT),
                self._opened_session(alone=True) as session,
                session.request(**arguments),
            ):
                return True
        except (aiohttp.ClientError, OSError):
            return False

    async def send(
        self,
        request: Request,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        *,
        alone: bool = False,
    ) -> Response:
        """Send a request once, with additional headers.

        ``alone``: use a new connection, unless the session belongs to the caller.

        A body larger than ``protocol.response.most_bytes`` is cut. Raises ``ApiConnectionError``,
        ``ApiTimeoutError`` or the error of reading the file. Raises ``ConfigurationError`` if the
        transport is closed or belongs to another event loop.
        """
        body = None
        if request.multipart is not None:
            body = MultipartBody(request.multipart, self.bandwidth, request.flow)
        task = asyncio.current_task()
        cancelled_before = task.cancelling() if task is not None else 0
        clock = asyncio.get_running_loop().time
        if self.outage.resumed(clock()):
            await self._own.discard_idle()
        try:
            async with (
                self._opened_session(alone=alone) as session,
                Watchdog(timeouts, body, self.outage) as watchdog,
                session.request(**self._arguments(request, headers, body, timeouts)) as incoming,
            ):
                watchdog.headers_arrived()
                if request.base_url is None:
                    self.outage.answered(clock())
                content, cut = await _read_body(incoming)
                received = {name.lower(): value for name, value in incoming.headers.items()}
                return Response(incoming.status, received, content, cut)
        except asyncio.CancelledError:
            if task is None or task.cancelling() > cancelled_before:
                raise
            # The caller did not cancel. aiohttp cancels its own writer if the response is complete
            # before the body is sent, and that cancellation arrives here.
            failure: Exception = ConnectionAbortedError(errno.ECONNABORTED, "")
        except (aiohttp.ClientError, OSError) as error:
            failure = error
        finally:
            if body is not None:
                body.end()
        # Raised outside of the handlers, so that no error of aiohttp becomes the context. Its text
        # contains the URL, which may have an upload token in its path or query, and its attributes
        # contain the Authorization header.
        if body is not None and body.failure is not None and not _from_connection(body.failure):
            raise body.failure
        sent = body is None or body.started
        lost = self._connection_error(failure, request, sent=sent)
        if request.base_url is None:
            self.outage.failed(clock(), lost.reason)
        # The other idle connections may be dead for the same reason.
        await self._own.discard_idle()
        raise lost from _system_error(failure)

    def _arguments(
        self,
        request: Request,
        headers: Mapping[str, str],
        body: MultipartBody | None,
        timeouts: Timeouts,
    ) -> dict[str, Any]:
        address = f"{request.base_url or self.base_url}{request.path}"
        if request.query:
            address = f"{address}?{request.query}"
        arguments = {
            "method": request.method,
            "url": URL(address, encoded=True),
            "data": _json_body(request) if body is None else body,
            "headers": {**request.headers, **headers},
            "allow_redirects": False,
            "raise_for_status": False,
            "proxy": self._proxy,
            "ssl": self._ssl_context or True,
            "timeout": _timeout(timeouts.connect),
            # The caller's session may have other defaults, but the size limit relies on these.
            "auto_decompress": True,
            "read_bufsize": READ_BUFFER,
        }
        if body is None and request.method != "GET":
            # By default, aiohttp declares an empty body of PUT and POST as an octet stream.
            arguments["skip_auto_headers"] = ("Content-Type",)
        return arguments

    def _connection_error(
        self, error: Exception, request: Request, *, sent: bool
    ) -> ApiConnectionError:
        """Convert an error of aiohttp. ``sent`` is True if a part of the body may have left."""
        origin = URL(request.base_url or self.base_url).origin()
        unreached = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
        delivery: Delivery = "not_sent" if unreached or not sent else "unknown"
        kind = ApiConnectionError
        if isinstance(error, TimeoutError):
            kind = ApiTimeoutError
            reason = "no connection in time" if unreached else str(error) or "no response in time"
            text = f"{origin}: {reason}"
        elif unreached:
            text = f"{origin} cannot be reached ({_reason(error)})"
        else:
            text = f"{origin}: the connection was lost ({_reason(error)})"
        return kind(text, delivery=delivery, request=request.summary)

    async def close(self) -> None:
        """Close the session if this object created it."""
        self._closed = True
        await self.outage.aclose()
        await self._own.aclose()


async def _read_body(incoming: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """Read at most ``most_bytes`` of a body. Returns it, and whether it was cut."""
    most = most_bytes(incoming.status)
    content = bytearray()
    # A 2xx body that is announced as too large is not read at all. The beginning of an error page
    # is useful for the message.
    if incoming.status < 300 and (incoming.content_length or 0) > most:
        incoming.close()
        return b"", True
    # aiohttp decompresses blocks of a few hundred KiB, so a response that expands a thousandfold is
    # detected before it takes much memory. ``total_raw_bytes`` counts before decompression.
    async for block in incoming.content.iter_any():
        content += block
        if max(len(content), incoming.content.total_raw_bytes) > most:
            incoming.close()
            return bytes(content[:most]), True
    return bytes(content), False


@lru_cache
def _timeout(connect: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect)


def _from_connection(error: BaseException) -> bool:
    return isinstance(error, aiohttp.ClientError | ConnectionError | asyncio.CancelledError)


def _system_error(error: BaseException | None) -> BaseException | None:
    """Return the OS or TLS error behind an aiohttp error; None if a cause may contain a token."""
    while isinstance(error, aiohttp.ClientError):
        error = _wrapped_error(error) or error.__cause__
    cause: BaseException | None = error
    while cause is not None:
        cause = cause.__cause__ or cause.__context__
        if isinstance(cause, aiohttp.ClientError):
            return None
    return error


def _reason(error: Exception) -> str:
    # Texts of aiohttp may contain the whole URL, whose query may contain an upload token.
    cause = _wrapped_error(error) or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    return system_reason(cause)


def _wrapped_error(error: BaseException) -> BaseException | None:
    return getattr(error, "os_error", None) or getattr(error, "certificate_error", None)


def system_reason(error: BaseException) -> str:
    """Describe an error of the operating system without the address that asyncio adds to it."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    # Failed name lookups have negative numbers on Linux; only the exception has their text.
    return getattr(error, "strerror", None) or type(error).__name__
