"""Requests for operations without a method: checks the arguments of ``client.request``."""

import re
from collections.abc import Mapping
from typing import Any

from ..config import UNSET
from ..errors import ConfigurationError
from .json_body import as_json
from .query import QueryValue
from .request import Request, build_request

__all__ = ["raw_request"]

_METHOD = re.compile(r"[A-Za-z]{1,20}")
# Printable ASCII without spaces: nothing that could end the request line.
_PATH = re.compile(r"/[!-~]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Neither control characters, which could start another header, nor surrogates.
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")
_RESERVED = frozenset(
    {
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that the client or aiohttp sets. Other values would break the request or the connection,
or send it with other credentials."""


def raw_request(
    method: str,
    path: str,
    *,
    query: Mapping[str, QueryValue] | None = None,
    json: Any = UNSET,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """Build a request. Messages of ``ConfigurationError`` omit the values, which may be secrets."""
    if not _fits(_METHOD, method):
        raise ConfigurationError("method must be one word, such as GET", option="method")
    if not _fits(_PATH, path) or "?" in path or "#" in path:
        raise ConfigurationError(
            "path must start with / and be percent-encoded, without host, query and fragment: "
            "use base_url=... of the client, and query={...}",
            option="path",
        )
    _check_headers({} if headers is None else headers)
    if query is not None and not isinstance(query, Mapping):
        raise ConfigurationError("query must be a mapping", option="query")
    method = method.upper()
    body = None if json is UNSET else as_json(json)
    return build_request(f"{method} {path}", method, path, query=query, body=body, headers=headers)


def _check_headers(headers: object) -> None:
    if not isinstance(headers, Mapping) or not all(
        _fits(_HEADER_NAME, name) and _fits(_HEADER_VALUE, value) for name, value in headers.items()
    ):
        raise ConfigurationError(
            "headers must be a mapping of names to texts of one line", option="headers"
        )
    if reserved := sorted(name for name in headers if name.lower() in _RESERVED):
        raise ConfigurationError(
            f"headers must not contain {', '.join(reserved)}: the client sets them",
            option="headers",
        )


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
