"""Requests and responses of bucket listings as pure functions: ``ListObjectsV2``, ``List Blobs``.

The string to sign for Azure is specified in "Authorize with Shared Key" in its documentation.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, unquote_plus, urlencode, urlsplit
from xml.etree import ElementTree

from attrs import frozen

from ..stores.pinned import normalise_etag
from ..uris import Location

__all__ = ["ListPage", "azure_request", "parse_azure_page", "parse_s3_page", "s3_query"]

AZURE_VERSION: Final = "2021-12-02"
"""The first version of the service that escapes names which XML cannot contain."""
_AZURE_EMULATOR: Final = {
    # The account of Azurite, the local emulator. Its key is published in Microsoft's documentation
    # and protects nothing.
    "account_name": "devstoreaccount1",
    "account_key": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KB"
    "HBeksoGMGw==",
    "endpoint": "http://127.0.0.1:10000/devstoreaccount1",
}
# Characters that XML cannot contain, although some stores write them. They are replaced by DEL, so
# that the page can be parsed; ``key_fault`` rejects keys with either character.
_NOT_XML: Final = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bcef]|1[\da-f]));",
    re.IGNORECASE,
)


@frozen
class ListPage:
    """One page of a listing."""

    objects: list[dict[str, Any]]
    """The objects, in the form of obstore's ``ObjectMeta``."""
    next_token: str
    """The token of the next page; empty on the last page."""


def s3_query(prefix: str, after: str, token: str, limit: int) -> str:
    """Return the query of a ``ListObjectsV2`` request."""
    return _query(
        {
            "list-type": "2",
            "encoding-type": "url",
            "max-keys": str(limit),
            "prefix": prefix,
            "continuation-token": token,
            # The token contains the position, so ``start-after`` is only for the first page.
            "start-after": "" if token else after,
        }
    )


def azure_request(
    location: Location, settings: Mapping[str, Any], prefix: str, token: str, limit: int
) -> tuple[str, dict[str, str]]:
    """Return the URL and the headers of a ``List Blobs`` request.

    ``settings`` use obstore's names. Raises ``ValueError`` if there is no account name, or neither
    an account key nor a shared access signature.
    """
    if str(settings.get("use_emulator", "")).lower() in ("true", "1"):
        settings = {**_AZURE_EMULATOR, **settings}
    # The URI is az://container or abfss://container@account.dfs.core.windows.net.
    container, _, host = location.store.partition("://")[2].partition("@")
    account = str(settings.get("account_name") or host.partition(".")[0])
    if not account:
        raise ValueError("the account name is missing")
    base = str(settings.get("endpoint") or f"https://{account}.blob.core.windows.net").rstrip("/")
    pairs = {
        "comp": "list",
        "restype": "container",
        "maxresults": str(limit),
        "prefix": prefix,
        "marker": token,
    }
    url = f"{base}/{quote(container)}?{_query(pairs)}"
    headers = {"x-ms-version": AZURE_VERSION}
    if settings.get("sas_key"):
        return f"{url}&{str(settings['sas_key']).lstrip('?')}", headers
    if not settings.get("account_key"):
        raise ValueError("neither an account key nor a shared access signature is set")
    headers["x-ms-date"] = format_datetime(datetime.now(UTC), usegmt=True)
    # The string to sign: the method, eleven standard headers, which are all empty here, the x-ms
    # headers, the resource, and the query parameters in alphabetical order.
    lines = [
        "GET",
        *[""] * 11,
        *(f"{name}:{headers[name]}" for name in sorted(headers)),
        f"/{account}{urlsplit(url).path}",
        *(f"{name}:{pairs[name]}" for name in sorted(pairs) if pairs[name]),
    ]
    try:
        key = base64.b64decode(str(settings["account_key"]), validate=True)
    except binascii.Error:
        raise ValueError("the account key is not base64") from None
    digest = hmac.digest(key, "\n".join(lines).encode(), hashlib.sha256)
    headers["Authorization"] = f"SharedKey {account}:{base64.b64encode(digest).decode()}"
    return url, headers


def _query(pairs: Mapping[str, str]) -> str:
    given = {name: value for name, value in pairs.items() if value}
    return urlencode(given, quote_via=quote, safe="")


def parse_s3_page(body: bytes) -> ListPage:
    """Parse a ``ListObjectsV2`` response. Raises ``ValueError`` or ``OverflowError``."""
    root = _parse_xml(body)
    # The request asks for URL encoding, because XML cannot contain all characters of keys.
    decode = unquote_plus if _text(root, "EncodingType") == "url" else str
    objects = [
        _object(
            decode(_text(each, "Key")),
            _text(each, "Size"),
            _text(each, "ETag"),
            datetime.fromisoformat(_text(each, "LastModified")),
        )
        for each in root.findall("{*}Contents")
    ]
    if _text(root, "IsTruncated").lower() != "true":
        return ListPage(objects, "")
    token = _text(root, "NextContinuationToken")
    if not token:
        raise ValueError("the page is truncated and has no continuation token")
    return ListPage(objects, token)


def parse_azure_page(body: bytes) -> ListPage:
    """Parse a ``List Blobs`` response. Raises ``ValueError`` or ``OverflowError``."""
    root = _parse_xml(body)
    objects = []
    for each in root.iterfind("Blobs/Blob"):
        name, properties = each.find("Name"), each.find("Properties")
        if name is None or properties is None:
            raise ValueError("a blob has no name or no properties")
        key = name.text or ""
        objects.append(
            _object(
                unquote_plus(key) if name.get("Encoded") == "true" else key,
                _text(properties, "Content-Length"),
                _text(properties, "Etag"),
                parsedate_to_datetime(_text(properties, "Last-Modified")),
            )
        )
    return ListPage(objects, root.findtext("NextMarker") or "")


def _object(key: str, size: str, etag: str, modified: datetime) -> dict[str, Any]:
    return {
        "path": key,
        "size": int(size),
        "e_tag": normalise_etag(etag),
        "version": None,
        "last_modified": modified,
    }


def _parse_xml(body: bytes) -> ElementTree.Element:
    # No store sends a DTD, and entities in one could expand without limit.
    if b"<!DOCTYPE" in body:
        raise ValueError("the response has a document type definition")
    try:
        return ElementTree.fromstring(_NOT_XML.sub(b"\x7f", body))  # noqa: S314
    except ElementTree.ParseError:
        raise ValueError("the response is not XML") from None


def _text(element: ElementTree.Element, name: str) -> str:
    """Return the text of a child element in any namespace; empty if there is none."""
    return element.findtext(f"{{*}}{name}") or ""
