"""Sends one request through aiohttp and returns its response or a connection error.

This module contains no rules of api.video. ``watchdog`` ends requests that make no progress.
"""

import asyncio
import errno
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from attrs import define, field
from yarl import URL

from ..config import Timeouts, check_type
from ..errors import ApiConnectionError, ApiTimeoutError, ApiVideoError, ConfigurationError
from ..protocol.request import Request, merged_headers
from ..protocol.response import Response, most_bytes
from ..rate_limit.bandwidth import Bandwidth
from .connection_failures import (
    ConnectionFailure,
    explain_failure,
    explain_proxy_refusal,
    is_tls_port,
    wrong_scheme,
)
from .multipart import MultipartBody
from .network import Network, check_session
from .outage import Outage
from .sessions import Sessions
from .sockets import open_socket
from .watchdog import Watchdog

__all__ = ["Transport"]

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
LONGEST_TLS_CHECK = 2.0
"""Seconds for the check whether a server that closes connections expects TLS."""


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
    """Owns the aiohttp session, created at the first request.

    Of a caller's session, only the connector, the trace configurations and the proxy are used. Its
    default headers, credentials, cookies, base URL and middlewares belong to other requests: they
    would be sent to api.video, or make aiohttp refuse the request. The session stays open.
    """

    base_url: str
    bandwidth: Bandwidth = field(factory=Bandwidth)
    """The limit that all bodies with a file share."""
    _network: Network = field(factory=Network)
    _borrowed: aiohttp.ClientSession | None = None
    _trace_configs: Sequence[aiohttp.TraceConfig] = ()
    _own: Sessions = field(init=False)
    _closed: bool = field(default=False, init=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)
    outage: Outage = field(init=False)
    """Whether the server responds, for all requests of the client."""
    _answered: set[URL] = field(factory=set, init=False)
    """Origins that have answered."""
    refused_always: bool = field(default=False, init=False)
    """True if the server refused the last connection and has never answered. Its address is
    probably wrong, so a call does not wait long."""

    def __attrs_post_init__(self) -> None:
        """Raise ``ConfigurationError`` for a session or proxy that cannot be used."""
        check_type("trace_configs", self._trace_configs, Sequence, optional=False)
        for trace in self._trace_configs:
            check_type("trace_configs", trace, aiohttp.TraceConfig, optional=False)
        if self._borrowed is not None:
            check_session(self._borrowed)
            if self._network.proxy is None:
                self._network = self._network.with_proxy_of(self._borrowed)
        self._network.known_proxy(_parse_url(self.base_url))
        self._own = Sessions(self._create_session)
        self.outage = Outage(self._probe)

    def check_usable(self) -> None:
        """Raise ``ConfigurationError`` if the client is closed or belongs to another event loop."""
        if self._closed:
            raise ConfigurationError("this client is closed: create a new one")
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise ConfigurationError(
                "this client was used in another event loop: create one for each asyncio.run() "
                "and for each thread"
            )
        if self._borrowed is not None:
            check_session(self._borrowed, loop)
        # The session belongs to the loop in which it is created.
        self._loop = loop

    def _opened_session(self, *, alone: bool) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
        self.check_usable()
        return self._own.use(alone=alone and self._borrowed is None)

    async def _discard_idle(self) -> None:
        # The connections of a caller's session belong to the caller.
        if self._borrowed is None:
            await self._own.discard_idle()

    async def _probe(self) -> bool:
        """Return True if the server responds on a new connection."""
        try:
            url = self._url(PROBE)
            arguments = _arguments(PROBE, {}, None, Timeouts(connect=PROBE_TIMEOUT))
            async with (
                asyncio.timeout(PROBE_TIMEOUT),
                self._opened_session(alone=True) as session,
                session.request(**arguments, url=url, **await self._network.route(url)),
            ):
                return True
        except (aiohttp.ClientError, OSError):
            return False

    def _create_session(self, alone: bool) -> aiohttp.ClientSession:
        borrowed, traces = self._borrowed, list(self._trace_configs)
        if borrowed is None:
            # Some proxies close a connection after each response without saying so. A creation on
            # a closed connection may not be repeated. HTTPS goes through a tunnel instead.
            url = _parse_url(self.base_url)
            once = url.scheme == "http" and self._network.known_proxy(url) is not None
            connector = aiohttp.TCPConnector(
                limit=CONNECTIONS, force_close=alone or once, socket_factory=open_socket
            )
            return self._network.open_session(connector=connector, trace_configs=traces)
        session = self._network.open_session(
            connector=borrowed.connector,
            connector_owner=False,
            trace_configs=[*borrowed.trace_configs, *traces],
        )
        # This session owns nothing, so a client that is not closed must cause no ResourceWarning.
        weakref.finalize(self, session.detach)
        return session

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
        self.check_usable()
        url = self._url(request)
        route = await self._network.route(url)
        body = self._multipart_body(request)
        response = None
        task = asyncio.current_task()
        cancelled_before = task.cancelling() if task is not None else 0
        if self.outage.resumed(asyncio.get_running_loop().time()):
            await self._discard_idle()
        try:
            async with (
                self._opened_session(alone=alone) as session,
                Watchdog(timeouts, body, self.outage) as watchdog,
                session.request(
                    **_arguments(request, headers, body, timeouts), url=url, **route
                ) as incoming,
            ):
                watchdog.headers_arrived()
                self._note_answer(request, url, incoming.status, route["proxy"])
                response = await _response(incoming)
        except asyncio.CancelledError:
            if task is None or task.cancelling() > cancelled_before:
                raise
            # The caller did not cancel. aiohttp cancels its own writer if the response is complete
            # before the body is sent, and that cancellation arrives here.
            failure: Exception = ConnectionAbortedError(errno.ECONNABORTED, "")
        except ApiVideoError:
            raise
        except Exception as error:  # aiohttp also raises ValueError, TypeError and others.
            failure = error
        else:
            return response
        finally:
            if body is not None:
                body.end(answered=response is not None)
        # Raised outside of the handlers, so that no error of aiohttp becomes the context. Its text
        # contains the URL, which may have an upload token in its path or query, and its attributes
        # contain the Authorization header.
        if body is not None and body.failure is not None and not _from_connection(body.failure):
            raise body.failure
        sent = body is None or body.started
        lost = await self._lost(failure, request, url, route["proxy"], sent, timeouts.connect)
        raise lost from _system_error(failure)

    def _multipart_body(self, request: Request) -> MultipartBody | None:
        if request.multipart is None:
            return None
        return MultipartBody(request.multipart, self.bandwidth, request.flow)

    async def _lost(
        self,
        failure: Exception,
        request: Request,
        url: URL,
        proxy: URL | None,
        sent: bool,
        connect: float,
    ) -> ApiConnectionError:
        if isinstance(failure, RuntimeError):
            self.check_usable()  # The caller has closed the session.
        explained = await self._explain(failure, url, proxy, sent, connect)
        lost = _connection_error(explained, request)
        self.refused_always = explained.refused and not self._answered
        # A failure that no repetition can cure is no outage.
        if request.base_url is None and lost.retryable:
            self.outage.failed(asyncio.get_running_loop().time(), lost.reason)
        # The other idle connections may be dead for the same reason.
        await self._discard_idle()
        return lost

    def _url(self, request: Request) -> URL:
        address = f"{request.base_url or self.base_url}{request.path}"
        return _parse_url(f"{address}?{request.query}" if request.query else address)

    def _note_answer(self, request: Request, url: URL, status: int, proxy: URL | None) -> None:
        """Note that the server responds. Raises ``ApiConnectionError`` if a proxy refused."""
        if status == 407:
            raise _connection_error(explain_proxy_refusal(407, "", url, proxy), request)
        self._answered.add(url.origin())
        self.refused_always = False
        if request.base_url is None:
            self.outage.answered(asyncio.get_running_loop().time())

    async def _explain(
        self, failure: Exception, url: URL, proxy: URL | None, sent: bool, seconds: float
    ) -> ConnectionFailure:
        answered = url.origin() in self._answered
        explained = explain_failure(failure, url, proxy, sent=sent, answered=answered)
        # Only a server that has never answered may be another one than expected.
        doubtful = not answered and proxy is None and url.scheme == "http"
        closed = isinstance(failure, aiohttp.ServerDisconnectedError | ConnectionResetError)
        if doubtful and closed and await is_tls_port(url, min(seconds, LONGEST_TLS_CHECK)):
            return wrong_scheme(url)
        return explained

    async def close(self) -> None:
        """Close the session if this object created it.

        Raises ``ConfigurationError`` in another event loop while that of the session is open.
        """
        self._closed = True
        # If their loop is closed, the connections ended with it, and aiohttp waits for nothing.
        ended = self._loop is not None and self._loop.is_closed()
        if not ended and self._loop not in (None, asyncio.get_running_loop()):
            self._closed = False
            raise ConfigurationError(
                "this client was used in another event loop: close it there",
            )
        if not ended:
            await self.outage.aclose()
        await self._own.aclose()


def _parse_url(address: str) -> URL:
    try:
        url = URL(address, encoded=True)
        url.origin()
    except ValueError:
        raise ConfigurationError(
            "the URL of the request is not valid: check base_url, or the address of the asset"
        ) from None
    return url


def _arguments(
    request: Request,
    headers: Mapping[str, str],
    body: MultipartBody | None,
    timeouts: Timeouts,
) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "method": request.method,
        "data": _json_body(request) if body is None else body,
        "headers": merged_headers(request.headers, headers),
        "allow_redirects": False,
        "raise_for_status": False,
        "timeout": _timeout(timeouts.connect),
        "auto_decompress": True,
        "read_bufsize": READ_BUFFER,
    }
    if body is None and request.method != "GET":
        # By default, aiohttp declares an empty body of PUT and POST as an octet stream.
        arguments["skip_auto_headers"] = ("Content-Type",)
    return arguments


def _connection_error(failure: ConnectionFailure, request: Request) -> ApiConnectionError:
    kind = ApiTimeoutError if failure.timed_out else ApiConnectionError
    return kind(
        failure.text,
        delivery=failure.delivery,
        retryable=failure.retryable,
        request=request.summary,
    )


async def _response(incoming: aiohttp.ClientResponse) -> Response:
    content, cut = await _read_body(incoming)
    headers = {name.lower(): value for name, value in incoming.headers.items()}
    return Response(incoming.status, headers, content, cut)


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
    """Return the error behind an aiohttp error; None if its text may contain a token.

    aiohttp quotes the bytes of a malformed response, which may repeat the request, and a
    ``ValueError`` may quote the URL.
    """
    while isinstance(error, aiohttp.ClientError):
        error = getattr(error, "os_error", None) or error.__cause__
    if isinstance(error, ValueError) or type(error).__module__.startswith("aiohttp"):
        return None
    cause: BaseException | None = error
    while cause is not None:
        cause = cause.__cause__ or cause.__context__
        if isinstance(cause, aiohttp.ClientError):
            return None
    return error
