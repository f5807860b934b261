"""Objects in S3, Google Cloud Storage and Azure, read through obstore.

Each range is one GET request whose body is streamed, with one or two blocks in memory. Every GET
requires the ETag that was found on opening, so all ranges belong to the same content.
"""

import os
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final

from ...errors import ConfigurationError, SourceError
from ...http.network import Network
from ...uploads.sources.types import Source, valid_name
from ..items import Item
from ..uris import Location
from .object_errors import key_fault, source_error
from .pinned import PinnedSource, changed_error, check_version, is_weak, normalise_etag
from .runtime_exit import await_obstore, wait_at_exit

__all__ = ["ObjectStores", "content_versions"]

BLOCK: Final = 256 * 1024
"""Minimum bytes of a block. obstore appends all data that arrived with the last of them."""
PAGE: Final = 1000
"""Objects in a page of a listing."""
MAX_SIGNATURE: Final = 7 * 24 * 3600
"""Maximum validity in seconds of a signature of S3 and Google Cloud Storage."""
_CLIENT: Final[dict[str, Any]] = {
    "connect_timeout": "15s",
    "read_timeout": "60s",
    # This timeout includes the whole body, which is read at the speed of the upload.
    "timeout": "1d",
}
_RETRY: Final = {"max_retries": 4, "retry_timeout": timedelta(seconds=45)}
_CLIENT_OPTIONS: Final = frozenset(
    {
        "allow_http",
        "allow_invalid_certificates",
        "connect_timeout",
        "default_headers",
        "http1_only",
        "http2_only",
        "pool_idle_timeout",
        "pool_max_idle_per_host",
        "proxy_ca_certificate",
        "proxy_excludes",
        "proxy_url",
        "read_timeout",
        "root_certificate",
        "timeout",
        "user_agent",
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

    def __init__(self, config: Mapping[str, Any], network: Network | None = None) -> None:
        """Raises ``ConfigurationError`` when obstore is not installed."""
        try:
            import obstore
            import obstore.store
        except ImportError:
            raise ConfigurationError(
                "object stores need obstore: pip install 'apivideo-async[objects]'"
            ) from None
        wait_at_exit()
        self.obstore: Any = obstore
        self.network: Network = network or Network(trust_env=True)
        """For requests that obstore cannot send."""
        self._stores: dict[str, Any] = {}
        self._client = dict(_CLIENT)
        self._config: dict[str, Any] = {}
        for name, value in config.items():
            options = self._client if name in _CLIENT_OPTIONS else self._config
            options[name] = value
        # Without ``allow_http``, obstore refuses an http:// endpoint, such as a local emulator,
        # which the user has named explicitly.
        endpoints = [self._config.get("endpoint"), *map(os.environ.get, _ENDPOINTS)]
        if next(filter(None, endpoints), "").startswith("http://"):
            self._client.setdefault("allow_http", True)

    def __repr__(self) -> str:
        # The settings may contain credentials.
        return "ObjectStores()"

    def store(self, location: Location) -> Any:
        """Return the store of a bucket. Raises ``ConfigurationError`` for unusable settings."""
        if location.store not in self._stores:
            try:
                self._stores[location.store] = self.create(location, {})
            except Exception as error:
                # The text of obstore's error may contain the settings.
                raise ConfigurationError(
                    f"{location.store} cannot be used with these settings "
                    f"({type(error).__name__}): check the endpoint, the region and the names of "
                    "the settings"
                ) from None
        return self._stores[location.store]

    def create(self, location: Location, changes: Mapping[str, Any]) -> Any:
        """Create an obstore store with changed settings. Raises the errors of obstore."""
        return self.obstore.store.from_url(
            location.store,
            config={**self._config, **changes} or None,
            client_options=self._client,
            retry_config=_RETRY,
        )

    def settings(self, location: Location) -> dict[str, str]:
        """Return the settings of a bucket by obstore's names, including environment variables."""
        found = {
            name: os.environ[variable] for name, variable in _VARIABLES if os.environ.get(variable)
        }
        return found | dict(self.store(location).config)

    def list_pages(self, location: Location, prefix: str | None) -> AsyncIterator[Any]:
        """List the objects below a prefix, in pages."""
        return aiter(self.obstore.list(self.store(location), prefix, chunk_size=PAGE))

    async def find(self, location: Location) -> Any | None:
        """Return the current metadata of an object (``ObjectMeta``); None if the key is missing.

        This requests one byte by GET, because the response to a HEAD has no body that would
        distinguish a missing bucket from a missing key. Raises ``SourceError``.
        """
        store = self.store(location)
        try:
            response = await await_obstore(
                self.obstore.get_async(store, location.path, options={"range": (0, 1)})
            )
        except Exception as error:
            failure = source_error(error, location)
        else:
            return response.meta
        if failure.cause == "missing":
            return None
        if failure.cause != "empty":
            raise failure
        # A range request for an empty object fails with 416, so ask with HEAD.
        try:
            return await await_obstore(self.obstore.head_async(store, location.path))
        except Exception as error:
            raise source_error(error, location) from None

    async def open(self, item: Item, location: Location) -> PinnedSource:
        """Open an object and compare it with the item. Raises ``SourceError``."""
        if not location.path:
            raise SourceError(f"{item.shown} is a bucket and not an object", cause="unsupported")
        if fault := key_fault(location.path):
            text = f"{item.shown} cannot be read: {fault}: rename it"
            raise SourceError(text, cause="unsupported")
        meta = await self.find(location)
        if meta is None:
            raise SourceError(f"no such object: {item.shown}", cause="missing")
        version = check_version(item, meta["size"], content_versions(meta))
        source = ObjectSource(self.obstore, self.store(location), location, meta)
        return PinnedObject(source, version)


def content_versions(meta: Any) -> tuple[str | None, ...]:
    """Return all versions that the store reports; the ETag first, because listings contain it."""
    return normalise_etag(meta["e_tag"]), meta["version"], meta["last_modified"].isoformat()


class ObjectSource(Source):
    """An object, pinned to the content that it had when it was opened."""

    def __init__(self, obstore: Any, store: Any, location: Location, meta: Any) -> None:
        self._obstore = obstore
        self._store = store
        self._location = location
        self._pinned = _content(meta)
        self._pin_options = {}
        # A store never accepts a weak ETag. Each response is compared with ``_pinned`` as well.
        if meta["e_tag"] and not is_weak(meta["e_tag"]):
            self._pin_options["if_match"] = meta["e_tag"]
        if meta["version"]:
            self._pin_options["version"] = meta["version"]
        self._uri = f"{location.store}/{location.path}"
        self.name: str = valid_name(location.name)
        self.size: int = meta["size"]

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        """Read a range.

        Raises ``SourceError`` for changed content, a wrong number of bytes, or a failed connection.
        """
        left = size
        try:
            options = {**self._pin_options, "range": (start, start + size)}
            response = await await_obstore(
                self._obstore.get_async(self._store, self._location.path, options=options)
            )
            # Some stores ignore the range or the pin, so check the response.
            if response.range != (start, start + size) or _content(response.meta) != self._pinned:
                raise changed_error(self._uri, "the store returned another range or version")
            blocks = response.stream(min_chunk_size=BLOCK)
            while (block := await await_obstore(anext(blocks, None))) is not None:
                left -= len(block)
                # Never pass on more than the requested bytes.
                if left < 0:
                    break
                yield block
        except SourceError:
            raise
        except Exception as error:
            failure = source_error(error, self._location)
            if failure.cause == "empty":
                failure = changed_error(self._uri, "it is shorter now")
            raise failure from None
        if left:
            amount = "more" if left < 0 else "fewer"
            text = f"{self._uri}: the store returned {amount} bytes than requested"
            raise SourceError(text, cause="unreachable", retryable=True)

    async def sign(self, expires: timedelta) -> str | None:
        """Return a presigned URL for GET; None without credentials that can sign.

        Raises ``SourceError`` for a temporary failure.
        """
        try:
            url: str = await await_obstore(
                self._obstore.sign_async(self._store, "GET", self._location.path, expires)
            )
        except Exception as error:
            failure = source_error(error, self._location)
            if failure.retryable:
                raise failure from None
            return None
        return url


class PinnedObject(PinnedSource):
    """An opened object."""

    source: ObjectSource

    async def pull_url(self, seconds: float) -> str | None:
        """Return a URL valid for ``seconds``, at most seven days; None if it cannot be signed."""
        return await self.source.sign(timedelta(seconds=min(seconds, MAX_SIGNATURE)))


def _content(meta: Any) -> tuple[Any, ...]:
    """Return the metadata that must stay the same while an object is read."""
    return meta["size"], normalise_etag(meta["e_tag"]), meta["last_modified"]
