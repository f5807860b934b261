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

Two attributes of each error say whether an attempt may be repeated. ``retryable``: a later attempt
may succeed. ``delivery``: what became of the request. ``"refused"``: the server did not execute it;
``"not_sent"``: it did not leave this process; ``"unknown"``: the server may have executed it.

An error is complete when it is raised; ``evolve`` returns a changed copy. Errors of any subclass
can be pickled, copied and passed through a process pool with all attributes and notes, and with a
``__cause__`` that is an error of this package.
"""

import copy
import copyreg
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from attrs import field, frozen

from .rate_limit.headers import asked_wait

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
]

Delivery = Literal["refused", "not_sent", "unknown"]

KEPT_BODY = 8 * 1024  # Bytes.


@frozen(kw_only=True)
class Problem:
    """One fault that the server found in a request (RFC 7807 form, service.md#error-bodies)."""

    type: str | None = None
    title: str | None = None
    name: str | None = None
    """The faulty attribute, for example ``restreams[0][serverUrl]``."""
    status: int | None = None
    detail: str | None = None
    range: Mapping[str, Any] | None = field(default=None, hash=False)
    """``min`` and ``max`` allowed for a value that is out of range."""
    extra: Mapping[str, Any] = field(factory=dict, hash=False)
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
        # ``BaseException`` would call ``__init__`` with ``args``, which fails for every class whose
        # ``__init__`` takes other parameters. OSError sets ``args`` only in its ``__init__``.
        state = {**self._attributes(), "args": self.args}
        if isinstance(self.__cause__, ApiVideoError):
            # Other causes may not be picklable, and those of aiohttp may contain a token.
            state["__cause__"] = self.__cause__
        return copyreg.__newobj__, (type(self), *self.args), state  # type: ignore[attr-defined]

    def _attributes(self) -> dict[str, Any]:
        state: Any = self.__getstate__()  # Attributes, notes and slots.
        attributes, slots = state if isinstance(state, tuple) else (state, None)
        return {**(attributes or {}), **(slots or {})}


def _message(reason: str, request: RequestSummary | None) -> str:
    return reason if request is None else f"{request.operation}: {reason}"


class ConfigurationError(ApiVideoError, ValueError):
    """An argument or a setting cannot work. Nothing was sent. ``option`` is its name or None."""

    def __init__(self, message: str, *, option: str | None = None) -> None:
        super().__init__(message)
        self.option = option


class ManifestError(ConfigurationError):
    """A manifest has bad lines: ``problems`` has the first thousand as ``(number, text)``."""

    def __init__(self, message: str, *, problems: Sequence[tuple[int, str]] = ()) -> None:
        super().__init__(message)
        self.problems: list[tuple[int, str]] = list(problems)


class ApiConnectionError(ApiVideoError):
    """No response: the server was not reached, or the connection was lost.

    ``delivery`` is ``"not_sent"`` if no byte of the request left this process, else ``"unknown"``.
    ``reason`` is the message without the operation, ``request`` a ``RequestSummary`` or None.
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
    """A 2xx response with an unexpected body: a proxy's page, truncated JSON, or too many bytes.

    ``body`` has the first 8 KiB. ``reason`` is the message without the operation.
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

    - ``reason``: the message without the operation; ``request``: a ``RequestSummary``, or None;
    - ``status``, ``headers`` (with lower-case names), ``body`` (the first 8 KiB): the response;
    - ``slug``: the stable name of the fault, which is the last segment of the problem's ``type``;
    - ``type``, ``title``, ``detail``, ``name``, ``range``: the members of its :class:`Problem`;
    - ``problems``: all faults that the server reported.

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
        self.retryable: bool = self.retryable or status == 408
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

    @property
    def retry_after(self) -> float | None:
        """Seconds that the headers ask to wait, or None (service.md#rate-limit-headers)."""
        return asked_wait(self.status, self.headers)


class BadRequestError(ApiStatusError):
    """400: the request is not valid; ``problems`` has an entry for each fault."""


class AuthenticationError(ApiStatusError):
    """401, or 400 from ``/auth/*``: a wrong key or token (service.md#refused-credentials)."""


class PermissionDeniedError(ApiStatusError):
    """403: the account is not allowed to do this."""


class NotFoundError(ApiStatusError):
    """404: the resource or the URL does not exist."""


class ConflictError(ApiStatusError):
    """409: the state of the resource does not allow the request, such as a second summary."""


class RateLimitError(ApiStatusError):
    """429: too many requests. This one was not executed (service.md#too-many-requests)."""

    retryable = True


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
    """An upload did not finish. The server keeps its bytes, and a later call sends only the rest.

    - ``video_id``: the container, or None if it is not known;
    - ``ledger``: a ``LedgerSnapshot`` of the accepted chunks, or None;
    - ``outcome``: ``"unknown"`` if the server may have executed the last request;
    - ``__cause__``: the error that ended the upload.
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
    """The bytes to upload cannot be used: they are missing, empty, unreadable, too many or changed.

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
    def of(cls, key: str, video_ids: Sequence[str]) -> Self:
        """Build the error for ``video_ids``, which all have ``key``."""
        text = f"several videos have the idempotency key {key!r} ({', '.join(video_ids)})"
        return cls(f"{text}: delete all but one", video_ids=video_ids)


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


def first_failure(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of an exception group, at any depth of nesting."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
