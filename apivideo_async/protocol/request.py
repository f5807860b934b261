"""Requests as values, and their encodings.

A :class:`Request` describes one call. The pipeline adds authentication, rate limiting and retries,
and the transport sends the bytes.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from enum import IntEnum
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, quote, urlsplit

from attrs import field, frozen

from .._version import __version__
from ..config import UNSET, Unset
from ..errors import ConfigurationError, RequestSummary
from ..models._tokens import mask_tokens, masked_repr, path_tokens
from ..text import check_sendable
from .query import QueryValue, query_string

__all__ = [
    "FilePart",
    "LimitClass",
    "Multipart",
    "Priority",
    "QueryValue",
    "Request",
    "asset_request",
    "build_request",
    "check_metadata",
    "check_text",
    "merged_headers",
    "metadata_pairs",
    "origin_headers",
    "path_for",
    "query_string",
    "set_fields",
]

LimitClass: TypeAlias = Literal["uploads", "writes", "reads"]
"""The three request budgets (service.md#request-classes)."""

_SECRET_PARAMETERS = ("token", "avh", "streamkey")
_SECRET_MEMBER = re.compile(rb'"(?:apiKey|refreshToken|streamKey|token)"\s*:\s*"([^"\\]+)"')


class Priority(IntEnum):
    """Order of requests when the request budget is short. Lower values go first."""

    NORMAL = 0
    POLL = 1
    """Requests that read a status until it changes."""


@frozen
class FilePart:
    """The file of a multipart body: ``size`` bytes, which ``read`` returns for each attempt."""

    filename: str = field(validator=lambda _, __, name: check_sendable("the file name", name))
    size: int
    read: Callable[[], AsyncIterator[bytes | bytearray | memoryview]] = field(repr=False)
    content_type: str = "application/octet-stream"
    on_sent: Callable[[int], None] | None = field(default=None, repr=False)
    """Called with a number of bytes whenever bytes of the file were passed to the connection."""
    on_start: Callable[[Callable[[], int]], None] | None = field(default=None, repr=False)
    """Called when a body of this file begins, with a function that returns how many bytes of the
    file have left this machine in that body."""


@frozen
class Multipart:
    """A file and the form fields, which are sent before it (service.md#multipart-bodies)."""

    file: FilePart
    fields: Mapping[str, str] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Raise ``ConfigurationError`` for a name or value that cannot be sent."""
        for name, value in self.fields.items():
            check_sendable("the name of a field", name)
            check_sendable(name, value, option=name)


@frozen(kw_only=True)
class Request:
    """One call of the API, which can be sent any number of times."""

    operation: str = field(converter=mask_tokens)
    """As in service.md#operations: ``videos.list``. It is displayed, so tokens are masked."""
    method: str
    path: str = field(repr=masked_repr)
    """Percent-encoded, without the query."""
    query: str = field(default="", repr=False)
    """Encoded query. It may contain an upload token, so it is never displayed."""
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    multipart: Multipart | None = field(default=None, repr=False)
    limit_class: LimitClass | None = "reads"
    """None: not rate limited (``/auth/*``, assets)."""
    priority: Priority = Priority.NORMAL
    flow: str = field(default="", repr=False)
    """Waiting flows, such as uploads, take turns. It may be a token, so it is never displayed."""
    authenticated: bool = True
    base_url: str | None = None
    """Base URL of an asset; None: that of the API."""
    idempotent: bool = False
    """True for a POST that does no harm when it is executed twice."""
    on_body_sent: Callable[[], None] | None = field(default=None, repr=False)
    """Called when ``body`` was passed to the connection."""

    @property
    def repeatable(self) -> bool:
        """Whether executing the request twice leaves the same state as executing it once."""
        return self.idempotent or self.method in ("GET", "HEAD", "PUT", "DELETE")

    @property
    def summary(self) -> RequestSummary:
        """The parts of the request that errors and logs may show. Tokens in the path are masked."""
        return RequestSummary(self.method, mask_tokens(self.path), self.operation)

    @property
    def secrets(self) -> list[str]:
        """The tokens and keys in path, query and JSON body. The response may repeat them."""
        parameters = parse_qsl(self.query)
        members = _SECRET_MEMBER.findall(self.body or b"")
        return [
            *path_tokens(self.path),
            *(value for name, value in parameters if name.lower() in _SECRET_PARAMETERS),
            *(value.decode("utf-8", "replace") for value in members),
        ]


def check_text(name: str, value: object) -> None:
    """Raise ``ConfigurationError`` for an id that cannot be sent or that changes the operation.

    The latter are empty texts, ``.`` and ``..``.
    """
    if not isinstance(value, str) or not value.strip() or value in (".", ".."):
        # The message shows only empty values, because others may be secrets.
        shown = "" if value else f", not {value!r}"
        raise ConfigurationError(f"{name} must be a non-empty text{shown}", option=name)
    check_sendable(name, value, option=name)


def merged_headers(*several: Mapping[str, str]) -> dict[str, str]:
    """Merge headers, whose names are compared without case. The last value of a name wins."""
    merged: dict[str, tuple[str, str]] = {}
    for headers in several:
        for name, value in headers.items():
            merged[name.lower()] = (name, value)
    return dict(merged.values())


def path_for(template: str, **parameters: str) -> str:
    """Insert percent-encoded values into a path. Raises the errors of ``check_text``."""
    for name, value in parameters.items():
        check_text(name, value)
    return template.format(**{name: quote(value, safe="") for name, value in parameters.items()})


def set_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are not ``UNSET``. ``None`` stays (service.md#null-and-absent)."""
    return {name: value for name, value in fields.items() if value is not UNSET}


def check_metadata(metadata: object) -> None:
    """Raise ``ConfigurationError`` if ``metadata`` is not a mapping of texts to texts."""
    if isinstance(metadata, Unset):
        return
    if not isinstance(metadata, Mapping):
        raise ConfigurationError(
            'metadata must be a mapping of texts, such as {"key": "value"}', option="metadata"
        )
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise ConfigurationError(
                f"keys and values of metadata must be texts, not {key!r}: {value!r}",
                option="metadata",
            )


def metadata_pairs(metadata: Mapping[str, str] | Unset) -> list[dict[str, str]] | Unset:
    """Convert ``{"k": "v"}`` to the JSON form ``[{"key": "k", "value": "v"}]``."""
    if isinstance(metadata, Unset):
        return UNSET
    check_metadata(metadata)
    return [{"key": key, "value": value} for key, value in metadata.items()]


def build_request(
    operation: str,
    method: str,
    path: str,
    *,
    query: Mapping[str, QueryValue] | None = None,
    body: bytes | None = None,
    multipart: Multipart | None = None,
    headers: Mapping[str, str] | None = None,
    limit_class: LimitClass | None = None,
    priority: Priority = Priority.NORMAL,
    flow: str = "",
) -> Request:
    """Create a request. By default, a GET uses the budget of reads, and others that of writes."""
    # Headers of the caller win, except the content type of a JSON body.
    content_type = {} if body is None else {"Content-Type": "application/json"}
    sent = merged_headers({"Accept": "application/json"}, headers or {}, content_type)
    return Request(
        operation=operation,
        method=method,
        path=path,
        query=query_string(query) if query else "",
        headers=sent,
        body=body,
        multipart=multipart,
        limit_class=limit_class or ("reads" if method == "GET" else "writes"),
        priority=priority,
        flow=flow,
    )


def asset_request(operation: str, address: str) -> Request:
    """Create a GET of an asset on another host, without credentials and request budget."""
    # The URL is used as received and is not encoded again: it may contain a signature or token.
    parts = urlsplit(address)
    return Request(
        operation=operation,
        method="GET",
        path=parts.path,
        query=parts.query,
        base_url=f"{parts.scheme}://{parts.netloc}",
        limit_class=None,
        authenticated=False,
    )


def origin_headers(app_name: str | None, app_version: str | None) -> dict[str, str]:
    """Return the headers that every request has (service.md#origin-headers)."""
    headers = {"AV-Origin-Client": f"python-async:{__version__}"}
    if app_name is not None:
        headers["AV-Origin-App"] = f"{app_name}:{app_version}"
    return headers
