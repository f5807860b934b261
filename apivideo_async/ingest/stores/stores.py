"""Opens the source of an item, wherever it is stored.

Local files are opened by descriptor, objects through obstore, and all other sources over HTTP with
byte ranges. An opened source is pinned: a change of its content while it is read raises an error,
so it never produces a corrupt video.
"""

import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...http.network import Network
from ..items import Item
from ..uris import OBJECT_SCHEMES, WEB_SCHEMES, parse_uri
from .local import open_local
from .pinned import PinnedSource
from .redirects import Redirects, check_redirects
from .web import WebStore

if TYPE_CHECKING:
    from .objects import ObjectStores

__all__ = ["PinnedSource", "Stores"]


class Stores:
    """The connections to all sources of a process. Use it with ``async with``."""

    def __init__(
        self,
        *,
        config: Mapping[str, Any] | None = None,
        redirects: Redirects = "same-origin",
        proxy: str | None = None,
        trust_env: bool = True,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Create the stores. Connections are opened on first use.

        ``config``: obstore settings such as ``endpoint`` or ``allow_http``; environment variables
        supply the rest. ``redirects``: which redirects of web servers are followed. ``same-origin``
        keeps scheme, host and port. ``any`` allows every server that this machine reaches, so use
        it only with trusted sources. ``proxy``: URL of an HTTP proxy; without it, and with
        ``trust_env``, the variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY apply. ``ssl_context``:
        certificates for web servers; object stores use those of the system. Raises
        ``ConfigurationError`` for values that cannot work.
        """
        self._network = Network(proxy=proxy, trust_env=trust_env, ssl_context=ssl_context)
        self._config = dict(config or {})
        if proxy is not None:
            self._config.setdefault("proxy_url", proxy)
        self._objects: ObjectStores | None = None
        self._web = WebStore(check_redirects(redirects), self._network)

    def __repr__(self) -> str:
        # The settings may contain credentials.
        return "Stores()"

    @property
    def objects(self) -> "ObjectStores":
        """The object stores. Raises ``ConfigurationError`` when obstore is not installed."""
        # obstore is an optional dependency, so import it only when it is needed.
        if self._objects is None:
            from .objects import ObjectStores

            self._objects = ObjectStores(self._config, self._network)
        return self._objects

    async def open(self, item: Item) -> PinnedSource:
        """Open a source and compare it with its item. Raises ``SourceError`` with a ``cause``."""
        location = parse_uri(item.uri)
        if location.scheme in OBJECT_SCHEMES:
            return await self.objects.open(item, location)
        if location.scheme in WEB_SCHEMES:
            return await self._web.open(item)
        return await open_local(item, location)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._web.aclose()

    async def __aenter__(self) -> "Stores":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
