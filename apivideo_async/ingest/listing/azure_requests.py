"""List requests for Azure Blob Storage, signed by account key or shared access signature.

The string to sign is specified in "Authorize with Shared Key" in Azure's documentation.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from ..uris import Place

__all__ = ["azure_request"]

VERSION: Final = "2021-12-02"
"""The first version of the service that escapes names which XML cannot contain."""
_EMULATOR: Final = {
    # The account of Azurite, the local emulator. Its key is published in Microsoft's documentation
    # and protects nothing.
    "account_name": "devstoreaccount1",
    "account_key": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "endpoint": "http://127.0.0.1:10000/devstoreaccount1",
}
_PAIRS: Final = {"comp": "list", "restype": "container"}
"""The query of every list request."""


def azure_request(
    place: Place, settings: Mapping[str, Any], prefix: str, marker: str, limit: int
) -> tuple[str, dict[str, str]]:
    """Return the URL and the headers of the request for one page.

    ``settings`` use obstore's names. Raises ``ValueError`` if there is no account name, or neither
    an account key nor a shared access signature.
    """
    if str(settings.get("use_emulator", "")).lower() in ("true", "1"):
        settings = {**_EMULATOR, **settings}
    container, account = _names(place, settings)
    if not account:
        raise ValueError("no account name")
    base = str(settings.get("endpoint") or f"https://{account}.blob.core.windows.net").rstrip("/")
    pairs = {**_PAIRS, "maxresults": str(limit)}
    pairs |= {name: value for name, value in (("prefix", prefix), ("marker", marker)) if value}
    url = f"{base}/{quote(container)}?{urlencode(pairs, quote_via=quote, safe='')}"
    if settings.get("sas_key"):
        return f"{url}&{str(settings['sas_key']).lstrip('?')}", {"x-ms-version": VERSION}
    if not settings.get("account_key"):
        raise ValueError("neither an account key nor a shared access signature")
    headers = {
        "x-ms-date": format_datetime(datetime.now(UTC), usegmt=True),
        "x-ms-version": VERSION,
    }
    resource = f"/{account}{urlsplit(url).path}"
    # The string to sign: the method, eleven standard headers, which are all empty here, the x-ms
    # headers, the resource, and the query parameters in alphabetical order.
    lines = ["GET", *[""] * 11, *(f"{name}:{headers[name]}" for name in sorted(headers)), resource]
    lines += [f"{name}:{pairs[name]}" for name in sorted(pairs)]
    try:
        key = base64.b64decode(str(settings["account_key"]), validate=True)
    except binascii.Error:
        raise ValueError("an account key that is not base64") from None
    signature = base64.b64encode(
        hmac.digest(key, "\n".join(lines).encode(), hashlib.sha256)
    ).decode()
    return url, {**headers, "Authorization": f"SharedKey {account}:{signature}"}


def _names(place: Place, settings: Mapping[str, Any]) -> tuple[str, str]:
    """Return container and account.

    The address is ``az://container`` or ``abfss://container@account.dfs.core.windows.net``.
    """
    container, _, host = place.store.partition("://")[2].partition("@")
    return container, str(settings.get("account_name") or host.partition(".")[0])
