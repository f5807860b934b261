"""The exceptions of this package.

::

    ApiVideoError
    ├── ConfigurationError (also ValueError)    an argument or setting cannot work; nothing was sent
    │   └── ManifestError                       a manifest has bad lines; nothing was started
    ├── ApiConnectionError                      no response: the connection failed or was lost
    │   └── ApiTimeoutError (also TimeoutError) no response in time
    ├── ApiResponseError                        a 2xx response with an unexpected body
    ├── ApiStatusError                          a response with a status other than 2xx
    │   ├── BadRequestError                     400
    │   ├── AuthenticationError                 401, and 400 from /auth/*
    │   ├── PermissionDeniedError               403
    │   ├── NotFoundError                       404
    │   ├── ConflictError                       409
    │   ├── RateLimitError                      429
    │   └── ServerError                         5xx
    ├── EncodingError                           api.video could not encode the file
    ├── UploadError                             an upload did not finish
    │   ├── SourceError (also ValueError)       the bytes to upload cannot be used
    │   └── DuplicateVideosError                several videos have the same idempotency key
    ├── LedgerError                             the ledger of an ingestion cannot be used
    ├── LeaseLostError                          another worker has taken over an item
    └── WebhookSignatureError                   a delivery without a valid signature or event

Two attributes of each class say whether an attempt may be repeated. ``retryable`` says whether a
later attempt may succeed. ``delivery`` says what the failed attempt may have done on the server:

- ``"refused"``: the server answered and did not execute the request;
- ``"not_sent"``: the request did not leave this process;
- ``"unknown"``: the server may or may not have executed the request.

An error is complete when it is raised, and is never changed afterwards; ``evolve`` returns a
changed copy. Every error can be pickled, copied and passed through a process pool with all its
attributes and notes. Its ``__cause__`` is kept if it is an error of this package. Subclasses need
no code for this, whatever arguments their ``__init__`` takes.
"""

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from attrs import field, frozen

__all__ = [
    "ApiConnectionError",
    "ApiResponseError",
    "ApiStatusError",
    "ApiTimeoutError",
    "ApiVideoError",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "Delivery",
    "DuplicateVideosError",
    "EncodingError",
    "LeaseLostError",
    "LedgerError",
    "ManifestError",
    "NotFoundError",
    "PermissionDeniedError",
    "Problem",
    "RateLimitError",
    "RequestSummary",
    "ServerError",
    "SourceError",
    "UploadError",
    "WebhookSignatureError",
    "first_failure",
    "header_number",
    "system_reason",
]

Delivery = Literal["refused", "not_sent", "unknown"]

KEPT_BODY = 8 * 1024
"""Bytes of a response body that an error keeps in ``body``."""
REQUEST_TIMEOUT = 408


@frozen(kw_only=True)
class Problem:
    """One fault that the server found in a request (RFC 7807 form, service.md#error-bodies)."""

    type: str | None = None
    title: str | None = None
    name: str | None = None
    """The faulty attribute, for example ``restreams[0][serverUrl]``."""
    status: int | None = None
    detail: str | None = None
    range: Mapping[str, Any] | None = None
    """``min`` and ``max`` allowed for a value that is out of range."""
    extra: Mapping[str, Any] = field(factory=dict)
    """Members that this version does not know."""


@frozen
class RequestSummary:
    """The parts of a request that errors show. Query, headers and body may contain secrets."""

    method: str
    path: str
    operation: str


class ApiVideoError(Exception):
    """Base class of all errors of this package."""

    retryable: bool = False
    delivery: Delivery = "refused"

    def evolve(self, **changes: Any) -> Self:
        """Return a copy with other attributes, and with the same cause, notes and traceback."""
        evolved = copy.copy(self).with_traceback(self.__traceback__)
        # This also keeps Python from showing the original as the context of the copy.
        evolved.__cause__ = self.__cause__
        vars(evolved).update(changes)
        return evolved

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild the error from ``args`` and its attributes.

        ``BaseException`` would call ``__init__`` with ``args``. This fails for every class whose
        ``__init__`` takes other parameters, and the exception is then raised in the process that
        unpickles the error, where it breaks a whole ``ProcessPoolExecutor``.
        """
        state = self._attributes()
        if isinstance(self.__cause__, ApiVideoError):
            # Other causes are left out: they may not be picklable, and an error of aiohttp may
            # contain a URL with a token.
            state["__cause__"] = self.__cause__
        return _unmade, (type(self), self.args), state

    def _attributes(self) -> dict[str, Any]:
        """Return everything that was set on the instance: attributes, notes and slots."""
        state: Any = self.__getstate__()
        attributes, slots = state if isinstance(state, tuple) else (state, None)
        return {**(attributes or {}), **(slots or {})}


def _message(reason: str, request: RequestSummary | None) -> str:
    return reason if request is None else f"{request.operation}: {reason}"


def _unmade(kind: type[ApiVideoError], args: tuple[Any, ...]) -> ApiVideoError:
    """Create an error without ``__init__``; ``BaseException.__setstate__`` adds its attributes."""
    error = kind.__new__(kind, *args)
    error.args = args  # OSError, a base of ApiTimeoutError, sets args only in __init__.
    return error


class ConfigurationError(ApiVideoError, ValueError):
    """An argument or a setting cannot work. Nothing was sent. The message says what to do.

    ``option`` is the name of the argument or setting at fault, or None.
    """

    def __init__(self, message: str, *, option: str | None = None) -> None:
        super().__init__(message)
        self.option = option


class ManifestError(ConfigurationError):
    """A manifest has bad lines: ``problems`` has the first thousand as ``(number, text)``."""

    def __init__(self, message: str, *, problems: Sequence[tuple[int, str]] = ()) -> None:
        super().__init__(message)
        self.problems: list[tuple[int, str]] = list(problems)


class ApiConnectionError(ApiVideoError):
    """No response arrived: the server was not reached, or the connection was lost.

    - ``reason``: the message without the name of the operation;
    - ``delivery``: ``"not_sent"`` if no byte of the request left this process, else ``"unknown"``;
    - ``request``: a ``RequestSummary``, or None.
    """

    def __init__(
        self,
        reason: str,
        *,
        delivery: Delivery = "unknown",
        retryable: bool = True,
        request: RequestSummary | None = None,
    ) -> None:
        super().__init__(_message(reason, request))
        self.reason = reason
        self.delivery: Delivery = delivery
        self.retryable = retryable
        self.request = request


class ApiTimeoutError(ApiConnectionError, TimeoutError):
    """No response arrived in time, or the transfer stalled."""


class ApiResponseError(ApiVideoError):
    """A 2xx response whose body does not belong to the operation.

    Examples are the page of a proxy, truncated JSON, and a body that is too large. ``reason`` is
    the message without the name of the operation. ``body`` has the first 8 KiB of the body.
    """

    delivery: Delivery = "unknown"

    def __init__(
        self,
        reason: str,
        *,
        status: int,
        body: bytes = b"",
        retryable: bool = True,
        request: RequestSummary | None = None,
    ) -> None:
        super().__init__(_message(reason, request))
        self.reason = reason
        self.status = status
        self.body: bytes = body[:KEPT_BODY]
        self.retryable = retryable
        self.request = request


class ApiStatusError(ApiVideoError):
    """A response with a status other than 2xx.

    - ``reason``: the message without the name of the operation;
    - ``status``: the HTTP status;
    - ``slug``: the stable name of the fault, which is the last segment of the problem's ``type``;
    - ``type``, ``title``, ``detail``: the texts of the problem;
    - ``name``: the faulty attribute;
    - ``range``: the allowed ``min`` and ``max``;
    - ``problems``: all faults that the server reported;
    - ``headers``: the response headers, with lower-case names;
    - ``body``: the first 8 KiB of the body;
    - ``request``: a ``RequestSummary``, or None.

    Tokens and keys that the response repeats are replaced by ``***``.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int,
        slug: str | None = None,
        problem: Problem | None = None,
        problems: tuple[Problem, ...] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        request: RequestSummary | None = None,
    ) -> None:
        super().__init__(_message(reason, request))
        problem = problem or Problem()
        self.reason = reason
        self.status = status
        # 408: the server did not receive the whole request in time, so it did not execute it.
        self.retryable = self.retryable or status == REQUEST_TIMEOUT
        self.slug = slug
        self.type: str | None = problem.type
        self.title: str | None = problem.title
        self.name: str | None = problem.name
        self.detail: str | None = problem.detail
        self.range: Mapping[str, Any] | None = problem.range
        self.problems = problems
        self.headers: Mapping[str, str] = dict(headers or {})  # A mapping proxy cannot be pickled.
        self.body: bytes = body[:KEPT_BODY]
        self.request = request


class BadRequestError(ApiStatusError):
    """400: the request is not valid; ``problems`` has an entry for each fault."""


class AuthenticationError(ApiStatusError):
    """401, or 400 from ``/auth/*``: the key or token is wrong or has expired.

    This concerns API keys, access tokens and upload tokens. See service.md#refused-credentials.
    """


class PermissionDeniedError(ApiStatusError):
    """403: the account is not allowed to do this."""


class NotFoundError(ApiStatusError):
    """404: the resource or the URL does not exist."""


class ConflictError(ApiStatusError):
    """409: the state of the resource does not allow the request, such as a second summary."""


class RateLimitError(ApiStatusError):
    """429: too many requests. This one was not executed (service.md#too-many-requests)."""

    retryable = True

    @property
    def retry_after(self) -> float | None:
        """Seconds until the window resets, from the response headers; None if they lack it."""
        return header_number(self.headers.get("x-ratelimit-retry-after"))


class ServerError(ApiStatusError):
    """5xx: the server failed. It may have executed the request before."""

    retryable = True
    delivery: Delivery = "unknown"


class EncodingError(ApiVideoError):
    """Every quality of the video failed: api.video cannot read the file as a video."""

    def __init__(self, message: str, *, video_id: str) -> None:
        super().__init__(message)
        self.video_id = video_id


class UploadError(ApiVideoError):
    """An upload did not finish.

    The server keeps the bytes that it has received. A later call sends only the rest.

    - ``video_id``: the container, or None if it is not known;
    - ``ledger``: a ``LedgerSnapshot`` of the accepted chunks, or None;
    - ``outcome``: ``"unknown"`` if the server may have executed the last request, ``"failed"`` if
      it refused the request or was not reached.

    ``__cause__`` is the error that ended the upload.
    """

    _slug: str | None = None
    _status: int | None = None

    def __init__(
        self,
        message: str,
        *,
        video_id: str | None = None,
        ledger: Any = None,
        outcome: Literal["failed", "unknown"] = "failed",
    ) -> None:
        super().__init__(message)
        self.video_id = video_id
        self.ledger = ledger
        self.outcome = outcome

    @property
    def slug(self) -> str | None:
        """The server's name of the fault, if a response of the server ended the upload."""
        return getattr(self.__cause__, "slug", self._slug)

    @property
    def status(self) -> int | None:
        """The status of the response that ended the upload, or None."""
        return getattr(self.__cause__, "status", self._status)

    def _attributes(self) -> dict[str, Any]:
        # A process pool replaces the cause by the traceback of the other process, so the values
        # that the properties read from the cause are stored, too.
        stored = {} if self.__cause__ is None else {"_slug": self.slug, "_status": self.status}
        return {**super()._attributes(), **stored}


class SourceError(UploadError, ValueError):
    """The bytes to upload cannot be used.

    They are missing, empty, unreadable, too many, or changed while they were read.

    - ``cause``: one word for the reason, or None: missing, unreadable, empty, changed, credentials,
      bucket, expired, redirect, unreachable or unsupported.
    - ``retryable``: True if a store failed in a way that may be temporary.
    """

    def __init__(
        self,
        message: str,
        *,
        cause: str | None = None,
        retryable: bool = False,
        video_id: str | None = None,
        ledger: Any = None,
    ) -> None:
        super().__init__(message, video_id=video_id, ledger=ledger)
        self.cause = cause
        self.retryable = retryable


class DuplicateVideosError(UploadError):
    """Several videos, ``video_ids``, have one idempotency key. The user must delete all but one."""

    def __init__(self, message: str, *, video_ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.video_ids: tuple[str, ...] = tuple(video_ids)

    @classmethod
    def of(cls, key: str, video_ids: Sequence[str]) -> "DuplicateVideosError":
        """Build the error for ``video_ids``, which all have ``key``."""
        ids = ", ".join(video_ids)
        return cls(
            f"several videos carry the idempotency key {key!r} ({ids}): delete all but one",
            video_ids=video_ids,
        )


class LedgerError(ApiVideoError):
    """The ledger of an ingestion is missing, has no room, or is of another version."""


class LeaseLostError(ApiVideoError):
    """Another worker took over an item. This worker must do nothing more for it."""

    delivery: Delivery = "not_sent"


class WebhookSignatureError(ApiVideoError):
    """A webhook delivery with a wrong signature or body. Do not trust it, and answer 400."""


STATUS_ERRORS: Mapping[int, type[ApiStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}
"""Error classes by status. 5xx is :class:`ServerError`, others are :class:`ApiStatusError`."""


def first_failure(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of an exception group, at any depth of nesting."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def header_number(text: str | None) -> float | None:
    """Parse a header with a number of at least 0. Returns None for other texts."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def system_reason(error: BaseException) -> str:
    """Describe an error of the operating system without the address that asyncio adds to it."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    # Failed name lookups have negative numbers on Linux; only the exception has their text.
    return getattr(error, "strerror", None) or type(error).__name__
