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
    "advice_for",
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


_ADVICE: dict[str, str] = {
    "missing": "Put the sources back, and retry the items. Or correct the list of sources, and "
    "skip the items with `apivideo ingest skip`.",
    "unreadable": "Make the sources readable for the user of this program. Then retry the items.",
    "empty": "Replace the sources by complete files, and retry the items. Or skip them with "
    "`apivideo ingest skip`.",
    "changed": "Retry the items when no program writes to their sources any more. If the video has "
    "bytes of the old content: ingest the source again, delete the video, and skip the item with "
    "`apivideo ingest skip`.",
    "credentials": "Set credentials that may read the sources. Then retry the items.",
    "expired": "Ingest the sources again with new signed URLs.",
    "bucket": "Correct the name or the region of the bucket. Then ingest its objects again.",
    "redirect": "Use the final URLs of the sources, or allow redirects to them (--redirects any).",
    "unreachable": "Check the network and the server of the sources. Then retry the items.",
    "unsupported": "Correct the sources as the message says, and ingest them again.",
    "source": "Correct the sources as the message says. Then retry the items.",
    "pull": "Check that api.video can fetch the URLs, or use --strategy stream. Then retry.",
    "size": "Delete the videos: they differ from their sources. Then retry the items.",
    "timeout": "Check the network to api.video. Then retry the items.",
    "connection": "Check the network to api.video. Then retry the items.",
    "gone": "The videos were deleted before they were complete. Retry the items.",
    "duplicate": "Delete all but one of the videos of each key. Then retry with --quarantined.",
    "defect": "This is a defect of this program: report it with the message. Then retry the items.",
    "400": "api.video may be unable to read these files as videos: play them, and replace damaged "
    "ones. Or correct the field that the message names. Then retry the items.",
    "forbidden": "Check the permissions of the account and of the API key. Then retry the items.",
    "403": "Check the permissions of the account and of the API key, and whether a proxy refuses "
    "the requests. Then retry the items.",
    "resource-not-found": "Correct the ids that the fields name, such as a player. Then retry.",
    "too-many-requests": "Other programs use the same API key. Reduce their requests, and retry.",
}
"""What to do about failures, by their cause."""
_API_ADVICE: tuple[tuple[str, str], ...] = (
    ("authentication-", "Set a valid API key. Then retry the items."),
    ("authorization-", "Ask api.video why the account may not do this. Then retry the items."),
    ("5", "api.video failed. Retry the items later."),
)
"""The same for codes of API errors and for statuses, by the start of the cause."""


def advice_for(cause: str) -> str:
    """Return a sentence or two that say what to do about the failures with a cause."""
    default = (
        "Correct what the message names: a field of the video, or a file that api.video cannot "
        "read. Then retry the items."
    )
    found = (advice for start, advice in _API_ADVICE if cause.startswith(start))
    return _ADVICE.get(cause) or next(found, default)


def is_temporary(error: ApiVideoError) -> bool:
    """Return True if a later attempt may succeed."""
    if isinstance(error, SourceError):
        return error.retryable
    if isinstance(error, PullError | SizeMismatchError):
        return False
    # The client does not retry a timeout of the request budget; an ingestion has time.
    return error.retryable or isinstance(error, UploadError | ApiConnectionError | GoneError)
