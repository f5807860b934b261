"""Explains why a request got no response: the one function for client, ingestion and CLI.

``explain_failure`` converts the error of aiohttp or of the operating system to a text, and says
what became of the request and whether a later attempt may succeed. It reacts to the class and the
number of an error, because the texts differ between systems and versions. Texts of aiohttp are not
used: they may contain the whole URL, whose query may contain an upload token.

Some failures mean that the address or a setting is wrong, for example an unknown host name or a
server that speaks no TLS. They are final, unless the server has already answered: then the network
has failed, and a later attempt may succeed. A certificate that is not accepted is always final.
"""

import asyncio
import errno
import os
import re
import socket
import ssl
from contextlib import suppress
from typing import Final

import aiohttp
from attrs import frozen
from yarl import URL

from ..errors import Delivery
from ..text import clean

__all__ = [
    "ConnectionFailure",
    "explain_failure",
    "explain_proxy_refusal",
    "is_tls_port",
    "system_reason",
    "wrong_scheme",
]

_LONGEST_REASON: Final = 200
_USE_HTTPS: Final = " speaks TLS on this port: use an https:// address"
_REFUSED: Final = "Connection refused"
_REASONS: Final = {
    # Windows has other numbers, for which ``os.strerror`` knows no text.
    **dict.fromkeys((errno.ECONNREFUSED, 10061), _REFUSED),
    **dict.fromkeys((errno.ECONNRESET, 10054), "Connection reset by peer"),
    **dict.fromkeys((errno.ECONNABORTED, 10053), "Software caused connection abort"),
    **dict.fromkeys((errno.ETIMEDOUT, 10060), "Connection timed out"),
    **dict.fromkeys((errno.ENETUNREACH, 10051), "Network is unreachable"),
    **dict.fromkeys((errno.EHOSTUNREACH, 10065), "No route to host"),
}
_NUMBERS: Final = {
    # asyncio raises some of these without a number.
    ConnectionRefusedError: errno.ECONNREFUSED,
    ConnectionResetError: errno.ECONNRESET,
    ConnectionAbortedError: errno.ECONNABORTED,
    BrokenPipeError: errno.EPIPE,
    TimeoutError: errno.ETIMEDOUT,
}
_UNKNOWN_HOST: Final = frozenset(
    {
        *(getattr(socket, name, None) for name in ("EAI_NONAME", "EAI_NODATA")),
        *(-2, -5),  # Linux.
        *(7, 8),  # macOS. As numbers of the operating system, they mean something else.
        *(11001, 11004),  # Windows.
    }
)
"""Numbers of a name lookup whose result is that there is no such host."""
_NOT_TLS: Final = re.compile(
    "WRONG_VERSION_NUMBER|HTTP_REQUEST|HTTPS_PROXY_REQUEST|RECORD_LAYER_FAILURE|UNKNOWN_PROTOCOL"
    "|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE|BAD_RECORD_TYPE|INVALID_RECORD"
)
_TLS_VERSION: Final = re.compile(
    "UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_PROTOCOLS_AVAILABLE|WRONG_SSL_VERSION|NO_SHARED_CIPHER"
)
_REFUSED_BY_SERVER: Final = re.compile("ALERT|CERTIFICATE_REQUIRED")
_LARGE_HEADERS: Final = ("Got more than", "Too many headers", "too long", "too large")
_CLOCK: Final = (9, 10)
_OTHER_NAME: Final = (62, 63, 64)
_TLS_ALERT: Final = r"\x15\x03"
"""The first bytes of the alert of a TLS server that receives plain text, as aiohttp shows them."""


@frozen
class ConnectionFailure:
    """A request without a response."""

    text: str
    """What happened and what to do. It begins with the origin of the URL."""
    delivery: Delivery
    retryable: bool
    timed_out: bool = False
    refused: bool = False
    """True if nothing listens at the address."""


def explain_failure(
    error: BaseException,
    url: URL,
    proxy: URL | None = None,
    *,
    sent: bool = True,
    answered: bool = False,
) -> ConnectionFailure:
    """Explain why a request to ``url`` through ``proxy`` got no response.

    ``sent`` is False if no byte of the request left this process. ``answered`` is True if the
    server has answered an earlier request.
    """
    place = _Place(url.origin(), proxy, error)
    unreached = not sent or isinstance(
        error,
        aiohttp.ClientConnectorError
        | aiohttp.ConnectionTimeoutError
        | aiohttp.ClientHttpProxyError
        | socket.gaierror,
    )
    delivery: Delivery = "not_sent" if unreached else "unknown"
    if isinstance(error, TimeoutError):
        text = "no connection in time" if unreached else str(error) or "no response in time"
        return ConnectionFailure(f"{place}: {text}", delivery, retryable=True, timed_out=True)
    cause = _system_error(error)
    text, final = (
        _certificate(cause)
        or _tls(cause)
        or _unknown_host(error, cause)
        or _proxy(error, place)
        or _not_http(error, url)
        or _other(error, cause, unreached=unreached)
    )
    # A server that has answered cannot explain these: both were decided in this attempt.
    always = isinstance(cause, ssl.SSLCertVerificationError) or isinstance(
        error, aiohttp.ClientHttpProxyError
    )
    return ConnectionFailure(
        f"{place}{text}",
        delivery,
        retryable=not final or (answered and not always),
        refused=unreached and system_reason(cause) == _REFUSED,
    )


class _Place:
    """The beginning of a message: the origin, or the proxy if it is at fault."""

    def __init__(self, origin: URL, proxy: URL | None, error: BaseException) -> None:
        host = getattr(error, "host", None)
        self.of_proxy: bool = proxy is not None and (
            isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError)
            or (host is not None and host == proxy.raw_host and host != origin.raw_host)
        )
        self.origin = origin
        self.proxy = proxy

    def __str__(self) -> str:
        if self.proxy is None:
            return str(self.origin)
        shown = self.proxy.origin()
        return f"the proxy {shown}" if self.of_proxy else f"{self.origin} (proxy {shown})"


_Explanation = tuple[str, bool]
"""The text, and whether the failure is final."""


def _certificate(cause: BaseException) -> _Explanation | None:
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return None
    message = clean(cause.verify_message or str(cause), _LONGEST_REASON).rstrip(".")
    return (
        f" cannot be reached: its certificate is not accepted ({message}): {_advice(cause)}",
        True,
    )


def _advice(cause: ssl.SSLCertVerificationError) -> str:
    if cause.verify_code in _CLOCK:
        return "check the clock of this machine"
    if cause.verify_code in _OTHER_NAME:
        return "check the address: the server has the certificate of another name"
    return _authority_advice()


def _authority_advice() -> str:
    """Return what to do about a certificate of an unknown authority."""
    file = os.environ.get("SSL_CERT_FILE")
    if file and not os.access(file, os.R_OK):
        return f"SSL_CERT_FILE names a file that cannot be read ({clean(file, _LONGEST_REASON)})"
    return (
        "if a proxy of your network or a private authority signed it, trust its CA certificate "
        "with SSL_CERT_FILE, --ca-file or ssl_context"
    )


def _tls(cause: BaseException) -> _Explanation | None:
    if not isinstance(cause, ssl.SSLError):
        return None
    # ``errno`` of an SSLError is a number of OpenSSL.
    reason = getattr(cause, "reason", None) or type(cause).__name__
    shown = clean(reason.replace("_", " ").lower(), _LONGEST_REASON)
    if _NOT_TLS.search(reason):
        return f" does not speak TLS on this port ({shown}): use an http:// address", True
    if _TLS_VERSION.search(reason):
        return f" supports no TLS version that this machine supports ({shown})", True
    if _REFUSED_BY_SERVER.search(reason):
        advice = "it may require a client certificate (--client-cert, ssl_context)"
        return f" refused the TLS connection ({shown}): {advice}", True
    return f" cannot be reached: the TLS connection failed ({shown})", False


def _unknown_host(error: BaseException, cause: BaseException) -> _Explanation | None:
    lookup = isinstance(error, aiohttp.ClientConnectorDNSError)
    if not lookup and not isinstance(cause, socket.gaierror | UnicodeError):
        return None
    # Not ``os.strerror``: the numbers of name lookups are others.
    reason = clean(getattr(cause, "strerror", None) or str(cause), _LONGEST_REASON)
    number = getattr(cause, "errno", None)
    if number is None:  # c-ares has no numbers of the system.
        unknown = "not found" in reason.lower() or isinstance(cause, UnicodeError)
    else:
        unknown = number in _UNKNOWN_HOST
    advice = ": check the address and the network" if unknown else ""
    return f" cannot be reached: its host name cannot be resolved ({reason}){advice}", unknown


def _proxy(error: BaseException, place: _Place) -> _Explanation | None:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _proxy_refusal(error.status, error.message, place.origin, place.proxy)
    return None


def explain_proxy_refusal(
    status: int, reason: str, url: URL, proxy: URL | None
) -> ConnectionFailure:
    """Explain the response with which a proxy refused to forward a request."""
    shown = "a proxy" if proxy is None else f"the proxy {proxy.origin()}"
    text, final = _proxy_refusal(status, reason, url.origin(), proxy)
    return ConnectionFailure(f"{shown}{text}", "not_sent", retryable=not final)


def wrong_scheme(url: URL) -> ConnectionFailure:
    """Explain that the port of an ``http://`` URL speaks TLS."""
    return ConnectionFailure(f"{url.origin()}{_USE_HTTPS}", "not_sent", retryable=False)


def _proxy_refusal(status: int, reason: str, origin: URL, proxy: URL | None) -> _Explanation:
    shown = clean(f"{status} {reason}", _LONGEST_REASON)
    if status in (401, 407):  # Tinyproxy sends 401 for a wrong password.
        given = proxy is not None and proxy.user is not None
        verb = (
            "refused the user name and password" if given else "requires a user name and password"
        )
        return f" {verb} ({shown}): write them as http://user:password@host:port", True
    later = status >= 500 or status in (408, 429)
    return f" refused the connection to {origin} ({shown})", not later


def _not_http(error: BaseException, url: URL) -> _Explanation | None:
    if not isinstance(error, aiohttp.ClientResponseError):
        return None
    message = error.message
    if any(text in message for text in _LARGE_HEADERS):
        text = "the headers of the response are too large; is this the address of api.video?"
        return f": {text}", True
    if _TLS_ALERT in message and url.scheme == "http":
        return _USE_HTTPS, True
    return " sent a response that is not valid HTTP: check host and port", True


def _other(error: BaseException, cause: BaseException, *, unreached: bool) -> _Explanation:
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return ": the connection was closed without a response", False
    if isinstance(error, aiohttp.ClientPayloadError):
        return ": the response is incomplete or cannot be decompressed", False
    reason = system_reason(cause)
    if isinstance(error, aiohttp.ClientError | OSError):
        text = (
            f" cannot be reached ({reason})"
            if unreached
            else f": the connection was lost ({reason})"
        )
        return text, isinstance(error, aiohttp.InvalidURL)
    # An exception that aiohttp does not document, such as a ValueError: its text may contain
    # headers, and a second attempt would raise it again.
    return f": the request failed ({type(error).__name__})", True


def _system_error(error: BaseException) -> BaseException:
    """Return the error of the operating system or of TLS that an error of aiohttp wraps."""
    for wrapped in (
        getattr(error, "os_error", None),
        getattr(error, "certificate_error", None),
        error.__cause__ if isinstance(error, aiohttp.ClientOSError) else None,
    ):
        if isinstance(wrapped, Exception) and not isinstance(wrapped, aiohttp.ClientError):
            return wrapped
    return error


def system_reason(error: BaseException) -> str:
    """Describe an error of the operating system without the address that asyncio adds to it."""
    number: int | None = getattr(error, "errno", None)
    if number is None:
        number = next(
            (number for kind, number in _NUMBERS.items() if isinstance(error, kind)), None
        )
    lookup = isinstance(error, socket.gaierror | ssl.SSLError)
    if number is not None and number in _REASONS and not lookup:
        return _REASONS[number]
    if number is not None and number in errno.errorcode and not lookup:
        return os.strerror(number)
    # The text of aiohttp contains the URL, and its query may contain a token.
    text = None if isinstance(error, aiohttp.ClientError) else getattr(error, "strerror", None)
    return clean(str(text or type(error).__name__), _LONGEST_REASON)


async def is_tls_port(url: URL, seconds: float) -> bool:
    """Whether the port of an ``http://`` URL speaks TLS, which is tried within ``seconds``.

    Some TLS servers close a connection with plain text without a response, so only a handshake can
    show the reason. The certificate is not verified and nothing is sent.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with suppress(OSError):  # Also TimeoutError and ssl.SSLError.
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(url.host, url.port, ssl=context)
        writer.transport.abort()
        return True
    return False
