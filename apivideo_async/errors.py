"""Everything this package raises.

::

    ApiVideoError
    ├── ConfigurationError (also ValueError)    an argument or setting cannot work; nothing was sent
    │   └── ManifestError                       a manifest has bad lines; nothing was started
    ├── ApiConnectionError                      no answer: the connection failed or was lost
    │   └── ApiTimeoutError (also TimeoutError) no answer in time
    ├── ApiResponseError                        a 2xx answer that is not what the operation returns
    ├── ApiStatusError                          an answer other than 2xx
    │   ├── BadRequestError                     400
    │   ├── AuthenticationError                 401, and 400 from /auth/*
    │   ├── PermissionDeniedError               403
    │   ├── NotFoundError                       404
    │   ├── ConflictError                       409
    │   ├── RateLimitError                      429
    │   └── ServerError                         5xx
    ├── EncodingError                           api.video could not encode the file
    ├── UploadError                             an upload did not finish
    │   ├── SourceError (also ValueError)       the bytes to upload are missing, empty, too many or changed
    │   └── DuplicateVideosError                several videos carry one idempotency key
    ├── LedgerError                             the ledger of an ingestion cannot be used
    ├── LeaseLostError                          another worker has taken an item over
    └── WebhookSignatureError                   a delivery that api.video did not sign, or that is no event

Each class carries its own verdict for retries: ``retryable`` says whether a later attempt may succeed, and
``delivery`` what the failed attempt may have done to the server:

- ``"refused"``: the server gave a verdict and executed nothing;
- ``"not_sent"``: the request never left;
- ``"unknown"``: it may or may not have been executed.

Every error survives ``pickle``, ``copy`` and a process pool with all its attributes and notes, and with a ``__cause__``
that is an error of this tree. Subclasses need no code for that, whatever arguments their ``__init__`` takes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

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
]

Delivery = Literal["refused", "not_sent", "unknown"]

KEPT_BODY = 8 * 1024
"""Bytes of an answer that an error keeps in ``body``."""


@frozen(kw_only=True)
class Problem:
    """One fault that the server found in a request (RFC 7807 shape, service.md#error-bodies)."""

    type: str | None = None
    title: str | None = None
    name: str | None = None
    """The faulty attribute, for example ``restreams[0][serverUrl]``."""
    status: int | None = None
    detail: str | None = None
    range: Mapping[str, Any] | None = None
    """Allowed ``min`` and ``max`` of a value that is out of range."""
    extra: Mapping[str, Any] = field(factory=dict)
    """Members that this version does not know."""


@frozen
class RequestSummary:
    """What was asked, without anything secret: no query, headers or body."""

    method: str
    path: str
    operation: str


class ApiVideoError(Exception):
    """The root of every error of this package."""

    retryable: bool = False
    delivery: Delivery = "refused"

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from ``args`` and the attributes.

        ``BaseException`` would call ``__init__`` with ``args``, which fails for every class with other parameters. The
        exception is then raised in the process that unpickles, where it breaks a whole ``ProcessPoolExecutor``.
        """
        state = self._attributes()
        if isinstance(self.__cause__, ApiVideoError):
            # Other causes may not be picklable, and an error of aiohttp may hold an address with a token.
            state["__cause__"] = self.__cause__
        return _unmade, (type(self), self.args), state

    def _attributes(self) -> dict[str, Any]:
        """Everything that was set on the instance, notes and slots of subclasses included."""
        state: Any = self.__getstate__()
        attributes, slots = state if isinstance(state, tuple) else (state, None)
        return {**(attributes or {}), **(slots or {})}


def _unmade(kind: type[ApiVideoError], args: tuple[Any, ...]) -> ApiVideoError:
    """Make an error without calling ``__init__``; its attributes are restored by ``BaseException.__setstate__``."""
    error = kind.__new__(kind, *args)
    error.args = args  # OSError, a base of ApiTimeoutError, sets them in __init__ only.
    return error


class ConfigurationError(ApiVideoError, ValueError):
    """An argument or a setting cannot work. Raised before anything is sent; the message says what to do."""


class ManifestError(ConfigurationError):
    """A manifest cannot be used; ``problems`` has its bad lines as ``(line, text)``, the first thousand of them."""

    def __init__(self, message: str, *, problems: Sequence[tuple[int, str]] = ()) -> None:
        super().__init__(message)
        self.problems: list[tuple[int, str]] = list(problems)


class ApiConnectionError(ApiVideoError):
    """No answer came: the server was not reached, or the connection broke.

    ``delivery`` is ``"not_sent"`` when no byte of the request left, else ``"unknown"``.
    """

    retryable = True

    def __init__(self, message: str, *, delivery: Delivery = "unknown", request: RequestSummary | None = None) -> None:
        super().__init__(message)
        self.delivery: Delivery = delivery
        self.request = request


class ApiTimeoutError(ApiConnectionError, TimeoutError):
    """No answer came in time, or the transfer stood still for too long."""


class ApiResponseError(ApiVideoError):
    """The server said 2xx, but the body is not what this operation returns (a proxy's page, cut JSON, too many bytes).

    ``body`` has its first 8 KiB.
    """

    retryable = True
    delivery: Delivery = "unknown"

    def __init__(self, message: str, *, status: int, body: bytes = b"", request: RequestSummary | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = body[:KEPT_BODY]
        self.request = request


class ApiStatusError(ApiVideoError):
    """The server answered with a status other than 2xx.

    Attributes: ``status``, ``slug`` (last segment of the problem's ``type``, the stable name of the fault),
    ``type``, ``title``, ``name`` (the faulty attribute), ``detail``, ``problems`` (every fault found),
    ``headers`` (lower-case names), ``body`` (the first 8 KiB) and ``request``. Tokens and keys that the answer
    repeats are replaced by ``***``.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        slug: str | None = None,
        problem: Problem | None = None,
        problems: tuple[Problem, ...] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        request: RequestSummary | None = None,
    ) -> None:
        super().__init__(message)
        problem = problem or Problem()
        self.status = status
        self.slug = slug
        self.type: str | None = problem.type
        self.title: str | None = problem.title
        self.name: str | None = problem.name
        self.detail: str | None = problem.detail
        self.range: Mapping[str, Any] | None = problem.range
        self.problems = problems
        self.headers: Mapping[str, str] = dict(headers or {})  # A proxy of a mapping cannot be pickled.
        self.body = body[:KEPT_BODY]
        self.request = request


class BadRequestError(ApiStatusError):
    """400: the request is not valid; ``problems`` names each fault."""


class AuthenticationError(ApiStatusError):
    """401, or 400 from ``/auth/*``: the key, access token or upload token is wrong or expired.

    See service.md#refused-credentials.
    """


class PermissionDeniedError(ApiStatusError):
    """403: the account may not do this."""


class NotFoundError(ApiStatusError):
    """404: no such resource, or no such address."""


class ConflictError(ApiStatusError):
    """409: the resource is in a state that does not allow this (a summary exists already)."""


class RateLimitError(ApiStatusError):
    """429: too many requests in this window. The request was not executed (service.md#too-many-requests)."""

    retryable = True

    @property
    def retry_after(self) -> float | None:
        """Seconds until the window resets, as the server said, or None."""
        try:
            seconds = float(self.headers["x-ratelimit-retry-after"])
        except (KeyError, ValueError):
            return None
        return seconds if 0 <= seconds < float("inf") else None


class ServerError(ApiStatusError):
    """5xx: the server failed; whether it had executed the request is not known."""

    retryable = True
    delivery: Delivery = "unknown"


class EncodingError(ApiVideoError):
    """Every quality of the video failed: the file is no video that api.video can read."""

    def __init__(self, message: str, *, video_id: str) -> None:
        super().__init__(message)
        self.video_id = video_id


class UploadError(ApiVideoError):
    """An upload did not finish. What the server holds stays there: a later call sends only the rest.

    Attributes: ``video_id`` (None when no container is known), ``ledger`` (a ``LedgerSnapshot`` of what was
    accepted, or None) and ``outcome``: ``"failed"`` when the server refused or was never reached,
    ``"unknown"`` when the last request may have been executed. The cause is chained as ``__cause__``.
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
        """The server's name of the fault, when the cause is an answer of the server."""
        return getattr(self.__cause__, "slug", self._slug)

    @property
    def status(self) -> int | None:
        """The status of the answer that ended the upload, if one did."""
        return getattr(self.__cause__, "status", self._status)

    def _attributes(self) -> dict[str, Any]:
        # A process pool replaces the cause by the traceback of the other process.
        if self.__cause__ is not None:
            self._slug, self._status = self.slug, self.status
        return super()._attributes()


class SourceError(UploadError, ValueError):
    """The bytes to upload are not usable: missing, empty, not readable, too many, or changed while read.

    ``cause`` is one word for it, where there is one: missing, unreadable, empty, changed, credentials, bucket, expired,
    redirect, unreachable or unsupported. ``retryable`` is True when a store failed in a way that may pass.
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
    """Several videos carry one idempotency key, in ``video_ids``: a person has to say which one stays."""

    def __init__(self, message: str, *, video_ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.video_ids: tuple[str, ...] = tuple(video_ids)

    @classmethod
    def of(cls, key: str, video_ids: Sequence[str]) -> "DuplicateVideosError":
        """Describe them."""
        ids = ", ".join(video_ids)
        return cls(f"several videos carry the idempotency key {key!r} ({ids}): delete all but one", video_ids=video_ids)


class LedgerError(ApiVideoError):
    """The ledger of an ingestion cannot be used: no database, no room, or made by another version."""


class LeaseLostError(ApiVideoError):
    """The lease of an item ended and another worker took it over: nothing more may be done for it here."""

    delivery: Delivery = "not_sent"


class WebhookSignatureError(ApiVideoError):
    """A webhook delivery whose signature does not match, or whose body is no event: do not trust it, answer 400."""


STATUS_ERRORS: Mapping[int, type[ApiStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}
"""Which class a status is raised as; 5xx is :class:`ServerError`, any other :class:`ApiStatusError`."""


def first_failure(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give the first error of a task group, however deep the groups are nested."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
