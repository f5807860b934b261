"""Decide which requests from web browsers the emulator accepts. No I/O.

A browser connects to 127.0.0.1 for any page that it shows, including pages of unknown authors.
Three rules limit what such a page can do:

- ``Host`` must name this emulator. A page can make its own host name resolve to 127.0.0.1 (DNS
  rebinding). The browser then treats the emulator as part of the page's origin, but it still sends
  the page's host name in ``Host``. An IP address in ``Host`` cannot be rebound. Ports are not
  compared, because a forwarded port differs from the port that the emulator listens on.
- ``/`` and ``/_emulator/*`` need no key, so they refuse every request that a page of another origin
  sent. Their responses have no CORS headers. The API itself needs a key, and all its responses have
  the CORS headers of the service, which delegated uploads and players use.
- A request that a page sent never makes the emulator call a URL (``sent_by_page``). Otherwise the
  page could read the response of that URL through the API.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

from aiohttp import web

__all__ = [
    "CONTROL_HEADERS",
    "CORS_HEADERS",
    "PREFLIGHT_HEADERS",
    "AllowedHosts",
    "may_control",
    "sent_by_page",
]

Host: TypeAlias = str | IPv4Address | IPv6Address

_HOST = r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)"
_AUTHORITY = re.compile(rf"{_HOST}(?::([0-9]*))?", re.ASCII | re.IGNORECASE)
_ORIGIN = re.compile(rf"(https?)://{_HOST}(?::([0-9]+))?", re.ASCII)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
# For ``/`` and ``/_emulator/*``: other pages cannot embed the responses, also in browsers that send
# neither ``Origin`` nor ``Sec-Fetch-Site`` for ``<img>``.
CONTROL_HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# Scripts of other origins can read only those response headers that are exposed here.
CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Length, Content-Range, "
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Retry-After",
}
# ``Access-Control-Allow-Private-Network`` is absent: pages of other networks need no access.
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Range, Content-Type, Range, "
    "AV-Origin-Client, AV-Origin-App, AV-Origin-Sdk",
    "Access-Control-Max-Age": "600",
}


class AllowedHosts:
    """The host names and addresses that a ``Host`` header may have.

    These are the names of this machine, the host that the emulator listens on (for all interfaces:
    any IP address), and ``allowed``. Raises ``TypeError`` if ``allowed`` is a text, ``ValueError``
    if an entry has a scheme or port.
    """

    def __init__(self, listening_on: str, allowed: Iterable[str]) -> None:
        if isinstance(allowed, str):
            raise TypeError("allowed_hosts takes a list of host names, not one text")
        own = _host(listening_on)
        self._known = {"localhost", own, *map(_allowed_host, allowed)}
        # An empty ``host`` listens on all interfaces too.
        self._any_address = own == "" or (not isinstance(own, str) and own.is_unspecified)

    def accept(self, request: web.Request) -> bool:
        """Return whether the request names this emulator.

        A request without ``Host`` is accepted: browsers always send it, so it is not from a page.
        """
        # All ``Host`` headers must be acceptable, so that a second header cannot hide the first.
        names = request.headers.getall("Host", [])
        # A request line such as "GET http://name/ HTTP/1.1" overrides ``Host`` (RFC 9112 §3.2.2).
        if names and request.host not in names:
            names = [*names, request.host]
        return all(map(self._accepts, names))

    def _accepts(self, authority: str) -> bool:
        match = _AUTHORITY.fullmatch(authority)
        if match is None:
            return False
        host = _host(match[1])
        return host in self._known or (
            not isinstance(host, str) and (host.is_loopback or self._any_address)
        )


def _allowed_host(text: str) -> Host:
    # An IPv6 address in ``allowed_hosts`` may be written without brackets.
    bare_ipv6 = text.count(":") > 1 and not text.startswith("[")
    match = _AUTHORITY.fullmatch(f"[{text}]" if bare_ipv6 else text)
    if match is None or match[2] is not None:
        raise ValueError(
            f"allowed_hosts takes host names and IP addresses without scheme and port, not {text!r}"
        )
    return _host(match[1])


def _host(text: str) -> Host:
    """Return the IP address (IPv4 if mapped to IPv6), or the lower-case name without final dot."""
    name = text.strip("[]").lower().removesuffix(".")
    try:
        address = ip_address(name)
    except ValueError:
        return name
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def sent_by_page(request: web.Request) -> bool:
    """Return whether a script of a web page sent the request (never a plain GET)."""
    return "Origin" in request.headers


def may_control(request: web.Request) -> bool:
    """Return whether a request for ``/`` or ``/_emulator/*`` is accepted.

    Accepted are programs, the emulator's own pages, and a user who follows a link or types an
    address. A page that contains the link cannot read the response.
    """
    if not all(_is_own(origin, request) for origin in request.headers.getall("Origin", [])):
        return False
    if request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}:
        return True
    # A top-level navigation from another site: the user followed a link.
    fetch = (request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest"))
    return (
        request.method == "GET" and not sent_by_page(request) and fetch == ("navigate", "document")
    )


def _is_own(origin: str, request: web.Request) -> bool:
    """Return whether ``origin`` is that of the request. ``null`` (a local file) never is."""
    # The URL in the browser can differ from the address that the emulator listens on, for example
    # behind a forwarded port. ``Host`` states the address in the browser.
    page, own = _ORIGIN.fullmatch(origin), _AUTHORITY.fullmatch(request.headers.get("Host", ""))
    if page is None or own is None:
        return False
    default = _DEFAULT_PORTS[page[1]]
    return (page[1], _host(page[2]), page[3] or default) == (
        request.scheme,
        _host(own[1]),
        own[2] or default,
    )
