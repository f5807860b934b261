"""Failures of items: errors that occur only in ingestion, and how failures are classified."""

from ..errors import (
    ApiConnectionError,
    ApiStatusError,
    ApiTimeoutError,
    ApiVideoError,
    SourceError,
    UploadError,
)

__all__ = [
    "DefectError",
    "GoneError",
    "OutageError",
    "PullError",
    "SizeMismatchError",
    "cause_of",
    "is_temporary",
]


class OutageError(ApiVideoError):
    """api.video was unavailable for longer than ``IngestOptions.outage_timeout``.

    It ends an ingestion or a worker. No item has failed for this reason: the next run continues.
    """


class DefectError(ApiVideoError):
    """An unexpected exception. Other items may still succeed, so it fails only one item."""


class PullError(UploadError):
    """api.video did not fetch the item within ``pull_timeout``."""


class SizeMismatchError(UploadError):
    """The complete video has another number of bytes than the source."""


class GoneError(ApiVideoError):
    """The container whose id is in the ledger no longer exists on the server."""


_CAUSES: tuple[tuple[type[ApiVideoError], str], ...] = (
    (PullError, "pull"),
    (SizeMismatchError, "size"),
    (ApiTimeoutError, "timeout"),
    (ApiConnectionError, "connection"),
    (GoneError, "gone"),
    (DefectError, "defect"),
    (UploadError, "upload"),
)
"""Causes of failures. The first class that fits decides."""


def cause_of(error: BaseException) -> str:
    """Return one word for a failure, by which failures are counted."""
    if isinstance(error, SourceError):
        return error.cause or "source"
    if isinstance(error, ApiStatusError):
        return error.slug or str(error.status)
    cause = next((cause for kind, cause in _CAUSES if isinstance(error, kind)), "other")
    if cause == "upload" and error.__cause__ is not None:
        return cause_of(error.__cause__)
    return cause


def is_temporary(error: ApiVideoError) -> bool:
    """Return True if a later attempt may succeed."""
    if isinstance(error, SourceError):
        return error.retryable
    if isinstance(error, PullError | SizeMismatchError):
        return False
    # The client does not retry a timeout of the request budget; an ingestion has time.
    return error.retryable or isinstance(error, UploadError | ApiConnectionError | GoneError)
