"""How connections leave this machine: the proxy, the certificates, and the sessions of aiohttp.

aiohttp takes proxies from the environment with ``trust_env``, but then also sends the passwords of
``~/.netrc`` to every server without an ``Authorization`` header, and fails if there is one. Every
session of this package is therefore opened by ``Network.open_session`` without ``trust_env``, and
``Network.route`` selects the proxy of each request.
"""

import asyncio
import ipaddress
import os
import re
import ssl
import sys
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import aiohttp
from attrs import evolve, field, frozen
from yarl import URL

from ..errors import ApiConnectionError, ConfigurationError
from ..text import is_sendable
from .connection_failures import explain_failure

__all__ = ["Network", "check_reachable", "check_session", "make_ssl_context", "parse_proxy"]

_HOST_AND_PORT: Final = re.compile(r"(\[[^\]]*\]|[^:]*):(\d+)")
_FORM: Final = "write http://host:port, with user:password@ before the host if it requires them"


def parse_proxy(value: object, name: str = "proxy", *, option: str | None = "proxy") -> URL:
    """Return the URL of a proxy. Raises ``ConfigurationError`` for one that cannot work.

    ``name`` is the argument or variable that has the value. The message never shows the value,
    because it may contain a password.
    """

    def wrong(reason: str) -> ConfigurationError:
        return ConfigurationError(f"{name} {reason}", option=option)

    if not isinstance(value, str):
        raise wrong(f"must be a text such as http://host:port, not {type(value).__name__}")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", value)
    if scheme is None:
        raise wrong(f"has no scheme: {_FORM}")
    if scheme[1].lower().startswith("socks"):
        raise wrong(
            "is a SOCKS proxy, which is not supported: use an HTTP proxy, or pass a session with "
            "the connector of the package aiohttp-socks (ApiVideoClient(session=...))"
        )
    if scheme[1].lower() not in ("http", "https"):
        raise wrong(f"must begin with http:// or https://: {_FORM}")
    try:
        url = URL(value)
        fits = bool(url.host) and url.port != 0 and url.path == "/" and not url.query_string
        # A host that DNS cannot encode fails here and not at the first request.
        url.host_port_subcomponent, url.user, url.password  # noqa: B018
    except (ValueError, UnicodeError):
        fits = False
    if not fits or value != "".join(value.split()) or not is_sendable(value):
        raise wrong(f"is not the URL of a proxy: {_FORM}")
    return url


def _is_bypassed(url: URL, exceptions: str) -> bool:
    """Whether ``NO_PROXY`` names the host: ``*``, a host, a domain, host:port, or a network."""
    host = (url.host or "").lower().rstrip(".")
    for entry in re.split(r"[,\s]+", exceptions.lower()):
        with_port = _HOST_AND_PORT.fullmatch(entry)
        if with_port and int(with_port[2]) != url.port:
            continue
        name = (with_port[1] if with_port else entry).strip("[]")
        if name == "*":
            return True
        name = name.removeprefix("*").strip(".")
        if name and (host == name or host.endswith(f".{name}") or _in_network(host, name)):
            return True
    return False


def _in_network(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


@frozen(kw_only=True)
class Network:
    """The proxy and the certificates of all connections of a client or of the sources.

    - ``proxy``: URL of an HTTP proxy for every request, or None.
    - ``trust_env``: without ``proxy``, use HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in
      upper or lower case; on macOS and Windows also the settings of the system.
    - ``ssl_context``: replaces the default, which trusts the certificates of the system, or those
      that SSL_CERT_FILE and SSL_CERT_DIR name.
    """

    proxy: str | None = field(default=None, repr=False)
    trust_env: bool = False
    ssl_context: ssl.SSLContext | None = None
    _proxy_url: URL | None = field(init=False, repr=False)

    @_proxy_url.default
    def _parse(self) -> URL | None:
        return None if self.proxy is None else parse_proxy(self.proxy)

    def __attrs_post_init__(self) -> None:
        """Raise ``ConfigurationError`` for values of other types."""
        if not isinstance(self.trust_env, bool):
            raise ConfigurationError("trust_env must be True or False", option="trust_env")
        if not isinstance(self.ssl_context, ssl.SSLContext | None):
            raise ConfigurationError(
                "ssl_context must be an ssl.SSLContext, such as ssl.create_default_context() makes",
                option="ssl_context",
            )

    def with_proxy_of(self, session: aiohttp.ClientSession) -> "Network":
        """Return a copy with the proxy of a session, which has no public attribute for it."""
        proxy: Any = getattr(session, "_default_proxy", None)
        user = getattr(session, "_default_proxy_auth", None)
        if proxy is not None and user is not None:
            proxy = URL(proxy).with_user(user.login).with_password(user.password)
        trust_env = self.trust_env or session.trust_env
        return evolve(self, proxy=None if proxy is None else str(proxy), trust_env=trust_env)

    def known_proxy(self, url: URL) -> URL | None:
        """Return ``proxy``, or the proxy that the environment variables name for a URL, or None.

        A proxy without a scheme is taken as an HTTP proxy, as by curl. Raises
        ``ConfigurationError`` for one that cannot work.
        """
        if self._proxy_url is not None or not self.trust_env:
            return self._proxy_url
        return _proxy_from(urllib.request.getproxies_environment(), url)

    async def proxy_for(self, url: URL) -> URL | None:
        """Return ``known_proxy``, or the proxy of the system (macOS and Windows)."""
        known = self.known_proxy(url)
        system = self.trust_env and sys.platform in ("darwin", "win32")
        if known is not None or not system or urllib.request.getproxies_environment():
            return known
        # The exceptions of the system may need a name lookup, which blocks.
        return _proxy_from(await asyncio.to_thread(_system_proxies, url.host or ""), url)

    async def route(self, url: URL) -> dict[str, Any]:
        """Return the arguments of aiohttp that select proxy and certificates for a URL."""
        return {
            "proxy": await self.proxy_for(url),
            "ssl": self.ssl_context or default_ssl_context(),
        }

    def open_session(self, **options: Any) -> aiohttp.ClientSession:
        """Open a session that sends neither cookies nor credentials of its own."""
        # A cookie of one server must not change the response to another request.
        return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), **options)


def _proxy_from(proxies: Mapping[str, str], url: URL) -> URL | None:
    if not proxies or _is_bypassed(url, proxies.get("no", "")):
        return None
    for kind in (url.scheme, "all"):
        if value := proxies.get(kind, "").strip():
            if "://" not in value:
                value = f"http://{value}"
            return parse_proxy(value, f"the environment variable {kind.upper()}_PROXY", option=None)
    return None


def _system_proxies(host: str) -> dict[str, str]:
    return {} if urllib.request.proxy_bypass(host) else urllib.request.getproxies()


def default_ssl_context() -> ssl.SSLContext | bool:
    """Return the context for ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``; True for that of aiohttp."""
    # aiohttp makes its context when it is imported, perhaps before the variables were set.
    places = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return _context_for(*places) if any(places) else True


@lru_cache(maxsize=4)
def _context_for(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    return ssl.create_default_context()


def make_ssl_context(
    ca_file: str | os.PathLike[str] | None = None,
    client_cert: str | os.PathLike[str] | None = None,
    client_key: str | os.PathLike[str] | None = None,
) -> ssl.SSLContext | None:
    """Make a context that also trusts ``ca_file`` and identifies itself with ``client_cert``.

    All are PEM files; ``ca_file`` may be a folder. The key may be part of ``client_cert``. Returns
    None without arguments. Raises ``ConfigurationError`` for files that cannot be used.
    """
    if client_key is not None and client_cert is None:
        raise ConfigurationError("client_key needs client_cert", option="client_key")
    if ca_file is None and client_cert is None:
        return None
    context = ssl.create_default_context()
    if ca_file is not None:
        _check_readable(ca_file, "ca_file")
        folder = Path(ca_file).is_dir()
        cafile, capath = (None, ca_file) if folder else (ca_file, None)
        _load("ca_file", ca_file, lambda: context.load_verify_locations(cafile, capath))
    if client_cert is not None:
        _check_readable(client_cert, "client_cert")
        if client_key is not None:
            _check_readable(client_key, "client_key")
        # OpenSSL would ask for the password of an encrypted key on the terminal.
        _load(
            "client_cert",
            client_cert,
            lambda: context.load_cert_chain(client_cert, client_key, password=lambda: ""),
        )
    return context


def _check_readable(path: str | os.PathLike[str], option: str) -> None:
    try:
        if not Path(path).is_dir():
            with Path(path).open("rb"):
                pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"{option} {path} cannot be read: {reason}", option=option
        ) from None


def _load(option: str, path: str | os.PathLike[str], load: Any) -> None:
    try:
        load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError.
        reason = (getattr(error, "reason", None) or type(error).__name__).replace("_", " ").lower()
        raise ConfigurationError(
            f"{option} {path} is not a PEM file that can be used ({reason}); "
            "the key must belong to the certificate and must not be encrypted"
            if option == "client_cert"
            else f"{option} {path} contains no certificates in PEM format ({reason})",
            option=option,
        ) from None


async def check_reachable(network: Network, base_url: str, seconds: float = 5.0) -> str | None:
    """Check that the server, or the proxy for it, accepts TCP connections. Sends nothing.

    Returns the origin of the proxy, or None. Raises ``ApiConnectionError``.
    """
    url = URL(base_url)
    proxy = await network.proxy_for(url)
    place = proxy or url
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(place.host, place.port)
    except OSError as error:  # TimeoutError is a subclass.
        failure = explain_failure(error, url, proxy, sent=False)
        raise ApiConnectionError(
            failure.text, delivery=failure.delivery, retryable=failure.retryable
        ) from error
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return None if proxy is None else str(proxy.origin())


def check_session(session: object, loop: asyncio.AbstractEventLoop | None = None) -> None:
    """Raise ``ConfigurationError`` unless a session of the caller can be used, also in ``loop``."""
    if not isinstance(session, aiohttp.ClientSession):
        raise ConfigurationError(
            f"session must be an aiohttp.ClientSession, not {type(session).__name__}",
            option="session",
        )
    if session.closed:
        raise ConfigurationError("session is closed: open a new one", option="session")
    # ``ClientSession.loop`` exists but is deprecated.
    own = getattr(session, "_loop", None)
    if loop is not None and own not in (None, loop):
        raise ConfigurationError(
            "session belongs to another event loop: create it in the loop that uses the client",
            option="session",
        )
