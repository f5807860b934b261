"""Opening what is to be ingested, wherever it is.

Local files are opened by their descriptor, objects through obstore, everything else over HTTP with byte ranges. What
was opened is pinned: if its content changes while it is read, that is an error and never a broken video.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..items import Item
from ..uris import OBJECT_SCHEMES, WEB_SCHEMES, locate
from .local import open_local
from .pinned import Original
from .redirects import Redirects, check_redirects
from .web import WebStore

if TYPE_CHECKING:
    from .objects import ObjectStores

__all__ = ["Original", "Stores"]


class Stores:
    """Everything that items are read from: one per process, it keeps connections. Use it with ``async with``."""

    def __init__(self, *, config: Mapping[str, Any] | None = None, redirects: Redirects = "same-origin") -> None:
        """Set up; connections are opened when they are needed.

        ``config``: obstore settings such as ``endpoint`` or ``allow_http``; the rest comes from the environment.
        ``redirects``: which redirects of web servers are followed: ``same-origin`` (scheme, host and port stay the
        same), or ``any`` (to every server that this machine reaches, so only for trusted sources). Raises
        ``ConfigurationError`` for any other value.
        """
        self._config = dict(config or {})
        self._objects: ObjectStores | None = None
        self._web = WebStore(check_redirects(redirects))

    def __repr__(self) -> str:
        return "Stores()"  # The settings may hold credentials.

    @property
    def objects(self) -> "ObjectStores":
        """The object stores; raises ``ConfigurationError`` when obstore is missing."""
        if self._objects is None:
            from .objects import ObjectStores

            self._objects = ObjectStores(self._config)
        return self._objects

    async def open(self, item: Item) -> Original:
        """Open a source, and compare it with what the item says about it.

        Raises ``SourceError`` with its ``cause``; ``retryable`` tells what may pass by itself.
        """
        place = locate(item.uri)
        if place.scheme in OBJECT_SCHEMES:
            return await self.objects.open(item, place)
        if place.scheme in WEB_SCHEMES:
            return await self._web.open(item)
        return await open_local(item, place)

    async def aclose(self) -> None:
        """Close connections."""
        await self._web.aclose()

    async def __aenter__(self) -> "Stores":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
