"""Lists a bucket with the package's own requests, where obstore cannot address a key.

S3 and Google Cloud Storage respond to a presigned GET of the bucket with ``ListObjectsV2``. obstore
signs such a URL, with credentials of any kind, if the query is part of the bucket's name; the tests
compare the signature with that of botocore. obstore appends the path of an object, so the signed
query ends with ``x-id=/list``, which S3 ignores.

Requests to Azure are signed with the account key or a shared access signature.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import aiohttp
from yarl import URL

from ...http.connection_failures import explain_failure
from ..stores.runtime_exit import await_obstore
from ..uris import Location
from .list_requests import ListPage, azure_request, parse_azure_page, parse_s3_page, s3_query

if TYPE_CHECKING:
    from ..stores.objects import ObjectStores

__all__ = ["ExactListing", "ListingError"]

TIMEOUT: Final = aiohttp.ClientTimeout(total=120, sock_connect=15, sock_read=60)
MAX_PAGE: Final = 16 * 1024 * 1024
"""Maximum bytes of a page. A thousand of the longest keys take about 4 MiB."""
TRIES: Final = 4
"""Attempts for each page."""
SIGNATURE_LIFETIME: Final = timedelta(minutes=10)
_AZURE: Final = frozenset({"az", "abfs", "abfss"})
_SIGNATURE: Final = re.compile(r"&X-Amz-[^&]*")


class ListingError(Exception):
    """The store did not return a list. ``retryable``: the failure may be temporary."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class ExactListing:
    """Lists one bucket. Use it with ``async with``."""

    def __init__(self, stores: "ObjectStores", location: Location) -> None:
        self._stores = stores
        self._location = location
        self._settings = stores.settings(location)
        self._session: aiohttp.ClientSession | None = None

    async def pages(
        self, prefix: str, after: str, *, limit: int = 1000
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Yield pages of ``limit`` keys that begin with ``prefix`` and come after ``after``.

        Objects have the form of obstore's ``ObjectMeta``. Raises ``ListingError``.
        """
        token = ""
        seen: set[str] = set()
        while True:
            page = await self._page(prefix, after, token, limit)
            # Requests to Azure have no parameter for ``after``, so filter here.
            objects = [each for each in page.objects if each["path"] > after]
            if objects:
                yield objects
            token = page.next_token
            if not token:
                return
            # A store that repeats a token would make the listing endless.
            if token in seen:
                raise ListingError("the store returned the same page again")
            seen.add(token)

    async def _page(self, prefix: str, after: str, token: str, limit: int) -> ListPage:
        if self._location.scheme in _AZURE:
            parse = parse_azure_page
            try:
                url, headers = azure_request(self._location, self._settings, prefix, token, limit)
            except ValueError as error:
                raise _cannot_sign(str(error)) from None
        else:
            parse = parse_s3_page
            url, headers = await self._sign(s3_query(prefix, after, token, limit)), {}
        body = await self._get(url, headers)
        try:
            return parse(body)
        except (ValueError, OverflowError) as error:
            raise ListingError(f"the store's list cannot be read: {error}") from None

    async def _sign(self, query: str) -> str:
        """Return the presigned URL of a list request; unsigned with ``skip_signature``."""
        location = self._location
        unsigned = self._settings.get("skip_signature", "").lower() in ("true", "1")
        bucket = f"{location.store.partition('://')[2]}?{query}"
        if unsigned and location.scheme == "gs":
            base = self._settings.get("base_url") or "https://storage.googleapis.com"
            return f"{base.rstrip('/')}/{bucket}"
        settings: dict[str, Any] = {"bucket": f"{bucket}&x-id="}
        if location.scheme == "s3":
            settings["virtual_hosted_style_request"] = False
        if unsigned:
            # obstore creates URLs only by signing: use placeholders and remove the signature below.
            settings |= dict.fromkeys(("access_key_id", "secret_access_key"), "none")
            settings["skip_signature"] = False
        try:
            store = self._stores.create(location, settings)
            url: str = await await_obstore(
                self._stores.obstore.sign_async(store, "GET", "list", SIGNATURE_LIFETIME)
            )
        except Exception as error:
            raise _cannot_sign(type(error).__name__) from None
        return _SIGNATURE.sub("", url) if unsigned else url

    async def _get(self, url: str, headers: dict[str, str]) -> bytes:
        """Request a URL, and repeat after temporary failures. Raises ``ListingError``."""
        for attempt in range(1, TRIES):
            try:
                return await self._get_once(url, headers)
            except ListingError as error:
                if not error.retryable:
                    raise
            await asyncio.sleep(0.05 * 2**attempt)
        return await self._get_once(url, headers)

    async def _get_once(self, url: str, headers: dict[str, str]) -> bytes:
        assert self._session is not None  # noqa: S101
        # The URL is sent as it was signed. A redirect could send credentials to another server.
        address = URL(url, encoded=True)
        route = await self._stores.network.route(address)
        try:
            async with self._session.get(
                address, headers=headers, allow_redirects=False, **route
            ) as response:
                if response.status != 200:
                    raise ListingError(
                        f"the store responded to a list request with status {response.status}",
                        retryable=response.status in (408, 429) or response.status >= 500,
                    )
                body = bytearray()
                async for block in response.content.iter_chunked(64 * 1024):
                    body += block
                    if len(body) > MAX_PAGE:
                        raise ListingError("the store's list is too long")
                return bytes(body)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = explain_failure(error, address, route["proxy"])
            raise ListingError(failure.text, retryable=failure.retryable) from None

    async def __aenter__(self) -> Self:
        self._session = self._stores.network.open_session(timeout=TIMEOUT)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.close()


def _cannot_sign(reason: str) -> ListingError:
    return ListingError(f"these credentials cannot sign a list request: {reason}")
