"""Which requests of web browsers the emulator accepts. No I/O.

A browser connects to 127.0.0.1 on behalf of every page that it shows, whoever wrote the page. Three rules:

- `Host` must name this emulator. A page can let its own host name resolve to 127.0.0.1 (DNS rebinding). The browser
  then treats the emulator as part of the page's origin, but still sends the page's host name. An IP address in `Host`
  cannot be rebound. Ports are not compared: a forwarded port differs from the one that the emulator listens on.
- `/` and `/_emulator/*` need no key, so they accept no request that a page of another origin sent. Their answers have
  no CORS headers. The API itself keeps CORS, as the service has it for delegated uploads and players; it needs a key.
- No request that a page sent makes the emulator call a URL (`sent_by_page`): the answer could be read through the API.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

from aiohttp import web

Host: TypeAlias = str | IPv4Address | IPv6Address

_HOST = r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)"
_AUTHORITY = re.compile(rf"{_HOST}(?::([0-9]*))?", re.ASCII | re.IGNORECASE)
_ORIGIN = re.compile(rf"(https?)://{_HOST}(?::([0-9]+))?", re.ASCII)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
CONTROL_HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Against `<img>`, `<script>` and `<iframe>` in browsers that send neither `Origin` nor `Sec-Fetch-Site` with them."""


class AllowedHosts:
    """The names and addresses that `Host` may have: of this machine, the one listened on, and those allowed.

    An emulator that listens on all interfaces accepts any IP address.
    """

    def __init__(self, listening_on: str, allowed: Iterable[str]) -> None:
        if isinstance(allowed, str):
            raise TypeError("allowed_hosts takes a list of host names, not one text")
        own = _host(listening_on)
        self._known = {"localhost", own, *map(_allowed, allowed)}
        self._any_address = own == "" or (not isinstance(own, str) and own.is_unspecified)

    def accept(self, request: web.Request) -> bool:
        """Whether a request names this emulator. Browsers always send `Host`, so one without it is no page's."""
        names = request.headers.getall("Host", [])
        if names and request.host not in names:  # "GET http://name/ HTTP/1.1" overrides `Host` (RFC 9112 §3.2.2).
            names = [*names, request.host]
        return all(map(self._accepts, names))

    def _accepts(self, authority: str) -> bool:
        match = _AUTHORITY.fullmatch(authority)
        if match is None:
            return False
        host = _host(match[1])
        return host in self._known or (not isinstance(host, str) and (host.is_loopback or self._any_address))


def _allowed(text: str) -> Host:
    match = _AUTHORITY.fullmatch(f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text)
    if match is None or match[2] is not None:
        raise ValueError(f"allowed_hosts takes host names and IP addresses without scheme and port, not {text!r}")
    return _host(match[1])


def _host(text: str) -> Host:
    """Return the address that a text is, or the name in small letters without the dot of the root."""
    name = text.strip("[]").lower().removesuffix(".")
    try:
        address = ip_address(name)
    except ValueError:
        return name
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def sent_by_page(request: web.Request) -> bool:
    """Whether a script of a web page sent a request. Browsers add `Origin` to each request that is no plain GET."""
    return "Origin" in request.headers


def may_control(request: web.Request) -> bool:
    """Whether a request for `/` or `/_emulator/*` comes from no page, from one of the emulator, or from the user.

    The user follows links and types addresses; the page with the link cannot read what the browser then shows.
    """
    if not all(_is_own(origin, request) for origin in request.headers.getall("Origin", [])):
        return False
    if request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}:
        return True
    shown = (request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest"))
    return request.method == "GET" and "Origin" not in request.headers and shown == ("navigate", "document")


def _is_own(origin: str, request: web.Request) -> bool:
    """Whether an origin is the one that the request was sent to; "null" (a sandbox, a file) is not."""
    page, own = _ORIGIN.fullmatch(origin), _AUTHORITY.fullmatch(request.headers.get("Host", ""))
    if page is None or own is None:
        return False
    default = _DEFAULT_PORTS[page[1]]
    return (page[1], _host(page[2]), page[3] or default) == (request.scheme, _host(own[1]), own[2] or default)
