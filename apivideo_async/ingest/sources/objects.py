"""Objects in S3, Google Cloud Storage and Azure, through obstore.

Every range is one GET whose body flows through: nothing is stored, and no more is in memory than a block or two. The
ETag that was found first is demanded with every GET, so all ranges are of one content.
"""

import os
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final

from ...errors import ConfigurationError, SourceError
from ...uploads.sources import Source
from ..items import Item
from .addresses import Place
from .object_errors import explain
from .original import Original, changed, compare

__all__ = ["ObjectStores", "content_versions"]

BLOCK: Final = 256 * 1024
"""Bytes of a block at least; obstore adds what came with the last of them."""
LONGEST_SIGNATURE: Final = 7 * 24 * 3600
"""Seconds that S3 and Google allow at most."""
_CLIENT: Final[dict[str, Any]] = {
    "connect_timeout": "15s",
    "read_timeout": "60s",
    "timeout": "1d",  # It counts the whole body, which flows no faster than the upload.
}
_RETRY: Final = {"max_retries": 4, "retry_timeout": timedelta(seconds=45)}
_CLIENT_OPTIONS: Final = frozenset(
    {
        *("allow_http", "allow_invalid_certificates", "connect_timeout", "default_headers", "http1_only", "http2_only"),
        *("proxy_url", "proxy_ca_certificate", "proxy_excludes", "read_timeout", "root_certificate", "timeout"),
        *("user_agent", "pool_idle_timeout", "pool_max_idle_per_host"),
    }
)
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT")


class ObjectStores:
    """One obstore store for each bucket."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        try:
            import obstore
            import obstore.store
        except ImportError:
            raise ConfigurationError("object stores need obstore: pip install 'apivideo-async[objects]'") from None
        self._obstore: Any = obstore
        self._client = _CLIENT | {name: value for name, value in config.items() if name in _CLIENT_OPTIONS}
        self._config = {name: value for name, value in config.items() if name not in _CLIENT_OPTIONS}
        endpoints = [self._config.get("endpoint"), *map(os.environ.get, _ENDPOINTS)]
        if next(filter(None, endpoints), "").startswith("http://"):
            self._client.setdefault("allow_http", True)
        self._stores: dict[str, Any] = {}

    def __repr__(self) -> str:
        return "ObjectStores()"  # The settings may hold credentials.

    def store(self, place: Place) -> Any:
        """Give the store of a bucket. Raises ``ConfigurationError`` for settings that it does not know."""
        if place.store not in self._stores:
            try:
                self._stores[place.store] = self._obstore.store.from_url(
                    place.store, config=self._config or None, client_options=self._client, retry_config=_RETRY
                )
            except Exception as error:
                # obstore's own text may show the settings.
                raise ConfigurationError(
                    f"{place.store} cannot be used with these settings ({type(error).__name__}): "
                    "check the endpoint, the region and the names of the settings"
                ) from None
        return self._stores[place.store]

    async def look(self, place: Place) -> Any | None:
        """Describe an object as it is now (obstore's ``ObjectMeta``); None: there is no such key.

        One byte is asked for, because the answer to a HEAD has no body that would tell a missing bucket from a key.
        Raises ``SourceError``.
        """
        store = self.store(place)
        try:
            return (await self._obstore.get_async(store, place.path, options={"range": (0, 1)})).meta
        except Exception as error:
            failure = explain(error, place)
            if failure.cause == "empty":
                return await self._head(store, place)
            if failure.cause == "missing":
                return None
            raise failure from None

    async def _head(self, store: Any, place: Place) -> Any:
        try:
            return await self._obstore.head_async(store, place.path)
        except Exception as error:
            raise explain(error, place) from None

    async def open(self, item: Item, place: Place) -> Original:
        """Open an object. Raises ``SourceError``."""
        if not place.path:
            raise SourceError(f"{item.shown} names a bucket and no object", cause="unsupported")
        meta = await self.look(place)
        if meta is None:
            raise SourceError(f"no such object: {item.shown}", cause="missing")
        version = compare(item, meta["size"], content_versions(meta))
        return ObjectOriginal(ObjectSource(self._obstore, self.store(place), place, meta), version)

    def pages(self, place: Place, prefix: str | None) -> AsyncIterator[Any]:
        """List what is below a prefix, a thousand at a time."""
        pages: AsyncIterator[Any] = self._obstore.list(self.store(place), prefix, chunk_size=1000)
        return pages


def content_versions(meta: Any) -> tuple[str | None, ...]:
    """Give the names of a content: listings know the ETag only, so it comes first."""
    return meta["e_tag"], meta["version"], meta["last_modified"].isoformat()


class ObjectSource(Source):
    """An object, pinned to what it was when it was opened."""

    def __init__(self, obstore: Any, store: Any, place: Place, meta: Any) -> None:
        self._obstore, self._store, self._place = obstore, store, place
        self._pinned = _identity(meta)
        self._pin = {
            name: value for name, value in (("if_match", meta["e_tag"]), ("version", meta["version"])) if value
        }
        self.name: str = place.name
        self.size: int = meta["size"]

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        """Read a range; raises ``SourceError`` when it is not the object that was opened."""
        left = size
        try:
            answer = await self._obstore.get_async(
                self._store, self._place.path, options={**self._pin, "range": (start, start + size)}
            )
            if answer.range != (start, start + size) or _identity(answer.meta) != self._pinned:
                raise changed(self._uri, "the store gave another range or another version")
            async for block in answer.stream(min_chunk_size=BLOCK):
                left -= len(block)
                if left < 0:
                    break
                yield block
        except SourceError:
            raise
        except Exception as error:
            failure = explain(error, self._place)
            raise (changed(self._uri, "it became shorter") if failure.cause == "empty" else failure) from None
        if left:
            raise SourceError(
                f"{self._uri}: the store gave {'more' if left < 0 else 'fewer'} bytes than it was asked for",
                cause="unreachable",
                retryable=True,
            )

    async def sign(self, expires: timedelta) -> str | None:
        """Make a URL for GET; None: there are no credentials that can sign. Raises ``SourceError`` when it may pass."""
        try:
            url: str = await self._obstore.sign_async(self._store, "GET", self._place.path, expires)
        except Exception as error:
            failure = explain(error, self._place)
            if failure.retryable:
                raise failure from None
            return None
        return url

    @property
    def _uri(self) -> str:
        return f"{self._place.store}/{self._place.path}"


class ObjectOriginal(Original):
    """An opened object."""

    source: ObjectSource

    def __init__(self, source: ObjectSource, version: str | None) -> None:
        self.source = source
        self.version = version

    async def address(self, seconds: float) -> str | None:
        """Sign a URL, for seven days at most; None without credentials that can sign."""
        return await self.source.sign(timedelta(seconds=min(seconds, LONGEST_SIGNATURE)))


def _identity(meta: Any) -> tuple[Any, ...]:
    return meta["size"], meta["e_tag"], meta["last_modified"]
