"""What to send: requests as values, and the encodings that api.video expects.

A :class:`Request` says everything about one call but who sends it: authentication, rate limits and retries are
added by the pipeline, bytes are moved by the transport.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from enum import IntEnum
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, urlsplit

from attrs import field, frozen

from .._version import __version__
from ..config import UNSET, Unset
from ..errors import ConfigurationError, RequestSummary
from ..models._masked import masked, shown
from .query import QueryValue, check_encodable, query_string
from .secrets import secrets_of

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
    "metadata_pairs",
    "origin_headers",
    "path_for",
    "query_string",
    "set_fields",
]

LimitClass: TypeAlias = Literal["uploads", "writes", "reads"]
"""The three request budgets of service.md#request-classes."""


class Priority(IntEnum):
    """Who goes first when the request budget is short."""

    NORMAL = 0
    POLL = 1
    """Somebody only waits for something to become true."""


@frozen
class FilePart:
    """The file of a multipart body: its bytes come from ``read``, which is called anew for every attempt."""

    filename: str
    size: int
    read: Callable[[], AsyncIterator[bytes | bytearray | memoryview]] = field(repr=False)
    content_type: str = "application/octet-stream"
    on_sent: Callable[[int], None] | None = field(default=None, repr=False)
    """Told how many bytes of the file were handed to the connection."""


@frozen
class Multipart:
    """One file and the fields that stand before it (service.md#multipart-bodies: fields first, then ``file``)."""

    file: FilePart
    fields: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Request:
    """One call of the API, ready to be sent any number of times."""

    operation: str = field(converter=masked)
    """Our name of it, as in service.md#operations: ``videos.list``. It is displayed, so tokens are masked here."""
    method: str
    path: str = field(repr=shown)
    """Quoted, without the query."""
    query: str = field(default="", repr=False)
    """Encoded; may hold an upload token, so it is never shown."""
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    multipart: Multipart | None = field(default=None, repr=False)
    limit_class: LimitClass | None = "reads"
    """None: not rate limited (``/auth/*``)."""
    priority: Priority = Priority.NORMAL
    flow: str = field(default="", repr=False)
    """Requests of one upload share a flow; flows take turns where requests wait. May be an upload token."""
    authenticated: bool = True
    base_url: str | None = None
    """Another host than the API's, of an asset."""
    idempotent: bool = False
    """Whether a POST does no harm when it is executed twice."""

    @property
    def repeatable(self) -> bool:
        """Whether executing it twice leaves the same state as once (GET, PUT, DELETE, HEAD)."""
        return self.idempotent or self.method in ("GET", "HEAD", "PUT", "DELETE")

    @property
    def summary(self) -> RequestSummary:
        """What errors and logs may show of it: an upload token may stand in the path, too."""
        return RequestSummary(self.method, masked(self.path), self.operation)

    @property
    def secrets(self) -> list[str]:
        """The tokens and keys that it carries; the answer may repeat them."""
        return secrets_of(self.path, self.query, self.body)


def check_text(name: str, value: object) -> None:
    """Refuse an empty id or token: it would silently mean another operation."""
    if not isinstance(value, str) or not value.strip() or value in (".", ".."):
        # Only what cannot be a secret is shown.
        raise ConfigurationError(f"{name} must be a non-empty text" + ("" if value else f", not {value!r}"))


def path_for(template: str, **parameters: str) -> str:
    """Fill ``/videos/{video_id}`` with quoted values. Raises ``ConfigurationError`` for an empty one.

    An empty id would silently turn ``DELETE /videos/{id}`` into an address of the whole collection.
    """
    for name, value in parameters.items():
        check_text(name, value)
        check_encodable(name, value)
    return template.format(**{name: quote(value, safe="") for name, value in parameters.items()})


def set_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what is ``UNSET``; ``None`` stays and becomes JSON null (service.md#null-and-absent)."""
    return {name: value for name, value in fields.items() if value is not UNSET}


def check_metadata(metadata: object) -> None:
    """Refuse what is no mapping of texts to texts."""
    if isinstance(metadata, Unset):
        return
    if not isinstance(metadata, Mapping):
        raise ConfigurationError('metadata is a mapping of texts: {"key": "value"}')
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise ConfigurationError(f"metadata takes text for keys and values, not {key!r}: {value!r}")


def metadata_pairs(metadata: Mapping[str, str] | Unset) -> list[dict[str, str]] | Unset:
    """Turn ``{"k": "v"}`` into the wire's ``[{"key": "k", "value": "v"}]``."""
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
    """Make a request with the usual headers and, unless told otherwise, its budget: GET reads, else writes."""
    sent = {"Accept": "application/json", **(headers or {})}
    if body is not None:
        sent["Content-Type"] = "application/json"
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
    """Make a GET of an asset: another host, so without credentials, and outside the request budget."""
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
    """Say who calls, on every request, ``/auth/*`` included (service.md#origin-headers)."""
    headers = {"AV-Origin-Client": f"python-async:{__version__}"}
    if app_name is not None:
        headers["AV-Origin-App"] = f"{app_name}:{app_version}"
    return headers
