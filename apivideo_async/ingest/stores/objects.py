"""Objects in S3, Google Cloud Storage and Azure, read through obstore.

Each range is one GET request whose body is streamed: nothing is written to disk, and no more than
one or two blocks are in memory. Every GET requires the ETag that was found on opening, so all
ranges belong to the same content.
"""

import os
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final

from ...errors import ConfigurationError, SourceError
from ...uploads.sources.types import Source
from ..items import Item
from ..uris import Place
from .object_errors import explain
from .pinned import PinnedSource, changed, compare
from .runtime_exit import answer_of, wait_at_exit
from .unusual_keys import fault_of
from .versions import etag, is_weak

__all__ = ["ObjectStores", "content_versions"]

BLOCK: Final = 256 * 1024
"""Minimum bytes of a block. obstore appends everything that arrived together with the last of
them."""
LONGEST_SIGNATURE: Final = 7 * 24 * 3600
"""Maximum seconds that S3 and Google Cloud Storage allow for a signature."""
_CLIENT: Final[dict[str, Any]] = {
    "connect_timeout": "15s",
    "read_timeout": "60s",
    # This timeout includes the whole body, which is read at the speed of the upload.
    "timeout": "1d",
}
"""Options of obstore's HTTP client."""
_RETRY: Final = {"max_retries": 4, "retry_timeout": timedelta(seconds=45)}
_CLIENT_OPTIONS: Final = frozenset(
    {
        *(
            "allow_http",
            "allow_invalid_certificates",
            "connect_timeout",
            "default_headers",
            "http1_only",
            "http2_only",
        ),
        *(
            "proxy_url",
            "proxy_ca_certificate",
            "proxy_excludes",
            "read_timeout",
            "root_certificate",
            "timeout",
        ),
        *("user_agent", "pool_idle_timeout", "pool_max_idle_per_host"),
    }
)
"""Settings that obstore takes as options of its HTTP client instead of the store."""
_VARIABLES: Final = (
    ("skip_signature", "AWS_SKIP_SIGNATURE"),
    ("skip_signature", "GOOGLE_SKIP_SIGNATURE"),
    ("base_url", "GOOGLE_BASE_URL"),
    ("account_name", "AZURE_STORAGE_ACCOUNT_NAME"),
    ("account_key", "AZURE_STORAGE_MASTER_KEY"),
    ("account_key", "AZURE_STORAGE_ACCESS_KEY"),
    ("account_key", "AZURE_STORAGE_ACCOUNT_KEY"),
    ("sas_key", "AZURE_STORAGE_SAS_TOKEN"),
    ("sas_key", "AZURE_STORAGE_SAS_KEY"),
    ("endpoint", "AZURE_STORAGE_ENDPOINT"),
    ("use_emulator", "AZURE_STORAGE_USE_EMULATOR"),
)
"""Settings that ``exact_listing`` needs, and the environment variables in which obstore finds
them. Later entries override earlier ones."""
_ENDPOINTS: Final = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT",
    "AZURE_STORAGE_ENDPOINT",
)
"""Environment variables in which obstore finds an endpoint."""


class ObjectStores:
    """One obstore store for each bucket."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Import obstore and split ``config`` into settings of the stores and of the client.

        Raises ``ConfigurationError`` when obstore is not installed.
        """
        try:
            import obstore
            import obstore.store
        except ImportError:
            raise ConfigurationError(
                "object stores need obstore: pip install 'apivideo-async[objects]'"
            ) from None
        wait_at_exit()
        self.obstore: Any = obstore
        self._client = _CLIENT | {
            name: value for name, value in config.items() if name in _CLIENT_OPTIONS
        }
        self._config = {
            name: value for name, value in config.items() if name not in _CLIENT_OPTIONS
        }
        # obstore refuses an unencrypted endpoint unless ``allow_http`` is set. An explicit http://
        # endpoint, such as a local emulator, is a decision of the user.
        endpoints = [self._config.get("endpoint"), *map(os.environ.get, _ENDPOINTS)]
        if next(filter(None, endpoints), "").startswith("http://"):
            self._client.setdefault("allow_http", True)
        self._stores: dict[str, Any] = {}

    def __repr__(self) -> str:
        # The settings may contain credentials.
        return "ObjectStores()"

    def store(self, place: Place) -> Any:
        """Return the store of a bucket; create it on first use.

        Raises ``ConfigurationError`` for settings that obstore does not accept.
        """
        if place.store not in self._stores:
            try:
                self._stores[place.store] = self.make(place, {})
            except Exception as error:
                # The text of obstore's error may contain the settings.
                raise ConfigurationError(
                    f"{place.store} cannot be used with these settings ({type(error).__name__}): "
                    "check the endpoint, the region and the names of the settings"
                ) from None
        return self._stores[place.store]

    def make(self, place: Place, changes: Mapping[str, Any]) -> Any:
        """Create an obstore store with changed settings. Raises the errors of obstore."""
        return self.obstore.store.from_url(
            place.store,
            config={**self._config, **changes} or None,
            client_options=self._client,
            retry_config=_RETRY,
        )

    def settings(self, place: Place) -> dict[str, str]:
        """Return the settings of a bucket by obstore's names, including environment variables."""
        found = {
            name: os.environ[variable] for name, variable in _VARIABLES if os.environ.get(variable)
        }
        return found | dict(self.store(place).config)

    async def look(self, place: Place) -> Any | None:
        """Return the current metadata of an object (``ObjectMeta``); None if the key is missing.

        This requests one byte by GET. The response to a HEAD has no body, so it could not
        distinguish a missing bucket from a missing key. Raises ``SourceError``.
        """
        store = self.store(place)
        try:
            return (
                await answer_of(
                    self.obstore.get_async(store, place.path, options={"range": (0, 1)})
                )
            ).meta
        except Exception as error:
            failure = explain(error, place)
            # A range request for an empty object fails with 416, so ask with HEAD.
            if failure.cause == "empty":
                return await self._head(store, place)
            if failure.cause == "missing":
                return None
            raise failure from None

    async def _head(self, store: Any, place: Place) -> Any:
        try:
            return await answer_of(self.obstore.head_async(store, place.path))
        except Exception as error:
            raise explain(error, place) from None

    async def open(self, item: Item, place: Place) -> PinnedSource:
        """Open an object and compare it with the item. Raises ``SourceError``."""
        if not place.path:
            raise SourceError(f"{item.shown} names a bucket and no object", cause="unsupported")
        if fault := fault_of(place.path):
            raise SourceError(
                f"{item.shown} cannot be read: {fault}: rename it", cause="unsupported"
            )
        meta = await self.look(place)
        if meta is None:
            raise SourceError(f"no such object: {item.shown}", cause="missing")
        version = compare(item, meta["size"], content_versions(meta))
        return PinnedObject(ObjectSource(self.obstore, self.store(place), place, meta), version)

    def pages(self, place: Place, prefix: str | None) -> Any:
        """List the objects below a prefix, in pages of 1,000."""
        return aiter(self.obstore.list(self.store(place), prefix, chunk_size=1000))


def content_versions(meta: Any) -> tuple[str | None, ...]:
    """Return all versions of a content that the store reports, the ETag first.

    The ETag is first because listings contain no other version.
    """
    return etag(meta["e_tag"]), meta["version"], meta["last_modified"].isoformat()


class ObjectSource(Source):
    """An object, pinned to the content that it had when it was opened."""

    def __init__(self, obstore: Any, store: Any, place: Place, meta: Any) -> None:
        self._obstore, self._store, self._place = obstore, store, place
        self._pinned = _identity(meta)
        pin = {"if_match": meta["e_tag"], "version": meta["version"]}
        if is_weak(meta["e_tag"] or ""):
            # A store never accepts a weak ETag in ``If-Match``. Each response is compared with
            # ``_pinned`` in any case.
            del pin["if_match"]
        self._pin = {name: value for name, value in pin.items() if value}
        self.name: str = place.name
        self.size: int = meta["size"]

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        """Read a range.

        Raises ``SourceError`` when the content is no longer the one that was opened, when the store
        returns fewer or more bytes, or when it cannot be reached.
        """
        left = size
        try:
            options = {**self._pin, "range": (start, start + size)}
            answer = await answer_of(
                self._obstore.get_async(self._store, self._place.path, options=options)
            )
            # Some stores ignore the range or the pin, so check the response.
            if answer.range != (start, start + size) or _identity(answer.meta) != self._pinned:
                raise changed(self._uri, "the store gave another range or another version")
            blocks = answer.stream(min_chunk_size=BLOCK)
            while (block := await answer_of(anext(blocks, None))) is not None:
                left -= len(block)
                # Never pass on more than the requested bytes.
                if left < 0:
                    break
                yield block
        except SourceError:
            raise
        except Exception as error:
            failure = explain(error, self._place)
            raise (
                changed(self._uri, "it became shorter") if failure.cause == "empty" else failure
            ) from None
        if left:
            raise SourceError(
                f"{self._uri}: the store gave {'more' if left < 0 else 'fewer'} bytes than it was asked for",
                cause="unreachable",
                retryable=True,
            )

    async def sign(self, expires: timedelta) -> str | None:
        """Return a presigned URL for GET; None without credentials that can sign.

        Raises ``SourceError`` for a temporary failure.
        """
        try:
            url: str = await answer_of(
                self._obstore.sign_async(self._store, "GET", self._place.path, expires)
            )
        except Exception as error:
            failure = explain(error, self._place)
            if failure.retryable:
                raise failure from None
            return None
        return url

    @property
    def _uri(self) -> str:
        return f"{self._place.store}/{self._place.path}"


class PinnedObject(PinnedSource):
    """An opened object."""

    source: ObjectSource

    def __init__(self, source: ObjectSource, version: str | None) -> None:
        self.source = source
        self.version = version

    async def address(self, seconds: float) -> str | None:
        """Return a presigned URL that is valid for ``seconds``, at most seven days.

        Returns None without credentials that can sign.
        """
        return await self.source.sign(timedelta(seconds=min(seconds, LONGEST_SIGNATURE)))


def _identity(meta: Any) -> tuple[Any, ...]:
    """Return the metadata that must stay the same while an object is read."""
    return meta["size"], etag(meta["e_tag"]), meta["last_modified"]
