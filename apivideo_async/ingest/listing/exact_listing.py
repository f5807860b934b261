"""Lists buckets with the package's own requests, which return each key exactly as stored.

``object_pages`` uses this listing where obstore cannot address a key.

S3 and Google Cloud Storage respond to a presigned GET of the bucket with ``ListObjectsV2``. obstore
signs such a URL if the query is part of the bucket's name, whatever kind the credentials are; the
tests compare the signature with that of botocore. obstore appends the path of an object, so the
signed query ends with ``x-id=/list``, which S3 ignores.

Azure has no such URL. Its requests are signed with the account key or a shared access signature
(``azure_requests``).
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote, unquote_plus, urlencode
from xml.etree import ElementTree

import aiohttp
from attrs import frozen
from yarl import URL

from ..stores.runtime_exit import answer_of
from ..stores.versions import etag
from ..uris import Place
from .azure_requests import azure_request

if TYPE_CHECKING:
    from ..stores.objects import ObjectStores

__all__ = ["ExactListing", "UnlistedError"]

TIMEOUT: Final = aiohttp.ClientTimeout(total=120, sock_connect=15, sock_read=60)
LARGEST: Final = 16 * 1024 * 1024
"""Maximum bytes of a page. A thousand of the longest keys take about 4 MiB."""
TRIES: Final = 4
"""Attempts for each page."""
SIGNED: Final = timedelta(minutes=10)
"""Validity of a presigned list request."""
_AZURE: Final = frozenset({"az", "abfs", "abfss"})
_SIGNATURE: Final = re.compile(r"&X-Amz-[^&]*")
"""The parameters of a signature in a presigned URL."""
# Characters that XML cannot contain. A store that writes them anyway has a key that obstore cannot
# address. They are replaced by DEL, which obstore cannot address either, so ``fault_of`` still
# rejects the key.
_NOT_XML: Final = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bcef]|1[\da-f]));",
    re.IGNORECASE,
)


class UnlistedError(Exception):
    """The store did not return a list. ``retryable``: the failure may be temporary."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


@frozen
class _Page:
    """One page of a listing."""

    objects: list[dict[str, Any]]
    """The objects, in the form of obstore's ``ObjectMeta``."""
    following: str
    """The token of the next page; empty on the last page."""


class ExactListing:
    """Lists one bucket. Use it with ``async with``."""

    def __init__(self, stores: "ObjectStores", place: Place) -> None:
        self._stores = stores
        self._place = place
        self._settings = stores.settings(place)
        self._session: aiohttp.ClientSession | None = None

    async def pages(
        self, prefix: str, after: str, *, limit: int = 1000
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Yield pages of the keys that begin with ``prefix`` and come after ``after``.

        Objects have the form of obstore's ``ObjectMeta``. ``limit`` is the number of keys in a
        page. Raises ``UnlistedError``.
        """
        token, seen = "", set[str]()
        while True:
            page = await self._page(prefix, after, token, limit)
            # Requests to Azure have no parameter for ``after``, so filter here.
            if page.objects and (
                objects := [each for each in page.objects if each["path"] > after]
            ):
                yield objects
            token = page.following
            if not token:
                return
            # A store that repeats a token would make the listing endless.
            if token in seen:
                raise UnlistedError("the store gives the same page again")
            seen.add(token)

    async def _page(self, prefix: str, after: str, token: str, limit: int) -> _Page:
        """Request and parse one page. Raises ``UnlistedError``."""
        azure = self._place.scheme in _AZURE
        if azure:
            try:
                url, headers = azure_request(self._place, self._settings, prefix, token, limit)
            except ValueError as error:
                raise UnlistedError(
                    f"these credentials cannot sign a list request: {error}"
                ) from None
        else:
            url, headers = await self._signed(_query(prefix, after, token, limit)), {}
        try:
            root = _parsed(await self._get(url, headers))
            return (_azure_page if azure else _s3_page)(root)
        except (ElementTree.ParseError, ValueError, OverflowError) as error:
            raise UnlistedError(
                f"the store's list cannot be read ({type(error).__name__})"
            ) from None

    async def _signed(self, query: str) -> str:
        """Return the presigned URL of a list request.

        Where signing is switched off (``skip_signature``), the URL has no signature.
        """
        place, unsigned = (
            self._place,
            self._settings.get("skip_signature", "").lower() in ("true", "1"),
        )
        bucket = f"{place.store.partition('://')[2]}?{query}"
        if unsigned and place.scheme == "gs":
            base = self._settings.get("base_url") or "https://storage.googleapis.com"
            return f"{str(base).rstrip('/')}/{bucket}"
        settings: dict[str, Any] = {"bucket": f"{bucket}&x-id="}
        if place.scheme == "s3":
            settings["virtual_hosted_style_request"] = False
        if unsigned:
            # obstore creates URLs only by signing, so sign with placeholder credentials and remove
            # the signature below.
            settings |= {
                "skip_signature": False,
                "access_key_id": "none",
                "secret_access_key": "none",
            }
        try:
            store = self._stores.make(place, settings)
            url: str = await answer_of(
                self._stores.obstore.sign_async(store, "GET", "list", SIGNED)
            )
        except Exception as error:
            raise UnlistedError(
                f"these credentials cannot sign a list request ({type(error).__name__})"
            ) from None
        return _SIGNATURE.sub("", url) if unsigned else url

    async def _get(self, url: str, headers: dict[str, str]) -> bytes:
        """Request a URL, and repeat after temporary failures."""
        for attempt in range(TRIES):
            try:
                return await self._once(url, headers)
            except UnlistedError as error:
                if not error.retryable or attempt == TRIES - 1:
                    raise
            await asyncio.sleep(0.1 * 2**attempt)
        raise AssertionError  # pragma: no cover

    async def _once(self, url: str, headers: dict[str, str]) -> bytes:
        """Request a URL once and return the body. Raises ``UnlistedError``."""
        assert self._session is not None  # noqa: S101
        try:
            # The URL is sent as it was signed. Redirects are not followed, because credentials must
            # not be sent to another server.
            async with self._session.get(
                URL(url, encoded=True), headers=headers, allow_redirects=False
            ) as response:
                if response.status != 200:
                    later = response.status in (408, 429) or response.status >= 500
                    raise UnlistedError(
                        f"the store answers {response.status} to a list request", retryable=later
                    )
                body = bytearray()
                async for block in response.content.iter_chunked(64 * 1024):
                    body += block
                    if len(body) > LARGEST:
                        raise UnlistedError("the store's list is too long")
                return bytes(body)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UnlistedError(
                f"the store cannot be reached ({type(error).__name__})", retryable=True
            ) from None

    async def __aenter__(self) -> Self:
        jar = aiohttp.DummyCookieJar()
        self._session = aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=jar, trust_env=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()


def _query(prefix: str, after: str, token: str, limit: int) -> str:
    """Return the query of a ``ListObjectsV2`` request."""
    pairs = {
        "list-type": "2",
        "encoding-type": "url",
        "max-keys": str(limit),
        "prefix": prefix,
        "continuation-token": token,
        # The token contains the position, so ``start-after`` is only for the first page.
        "start-after": "" if token else after,
    }
    return urlencode(
        {name: value for name, value in pairs.items() if value}, quote_via=quote, safe=""
    )


def _parsed(body: bytes) -> ElementTree.Element:
    """Parse a response. Raises ``ValueError`` or ``ElementTree.ParseError``."""
    # No store sends a DTD, and entities in one could expand without limit.
    if b"<!DOCTYPE" in body:
        raise ValueError
    return ElementTree.fromstring(_NOT_XML.sub(b"\x7f", body))  # noqa: S314


def _text(element: ElementTree.Element, name: str) -> str:
    """Return the text of a child element in any namespace; empty if there is none."""
    return element.findtext(f"{{*}}{name}") or ""


def _s3_page(root: ElementTree.Element) -> _Page:
    """Read the page of a ``ListObjectsV2`` response."""
    # The request asks for URL encoding, because XML cannot contain all characters of keys.
    decoded = unquote_plus if _text(root, "EncodingType") == "url" else str
    objects = [
        {
            "path": decoded(_text(each, "Key")),
            "size": int(_text(each, "Size")),
            "e_tag": etag(_text(each, "ETag")),
            "version": None,
            "last_modified": datetime.fromisoformat(_text(each, "LastModified")),
        }
        for each in root.findall("{*}Contents")
    ]
    more = _text(root, "IsTruncated").lower() == "true"
    return _Page(objects, _text(root, "NextContinuationToken") if more else "")


def _azure_page(root: ElementTree.Element) -> _Page:
    """Read the page of a ``List Blobs`` response."""
    objects = []
    for each in root.iterfind("Blobs/Blob"):
        name, about = each.find("Name"), each.find("Properties")
        if name is None or about is None:
            raise ValueError
        text = name.text or ""
        objects.append(
            {
                "path": unquote_plus(text) if name.get("Encoded") == "true" else text,
                "size": int(_text(about, "Content-Length")),
                "e_tag": etag(_text(about, "Etag")),
                "version": None,
                "last_modified": parsedate_to_datetime(_text(about, "Last-Modified")),
            }
        )
    return _Page(objects, root.findtext("NextMarker") or "")
