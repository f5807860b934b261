"""Object keys that obstore cannot address, and the translation of obstore's errors.

Keys. obstore removes a slash at either end of a key. It refuses empty parts, the parts ``.`` and
``..``, and control characters. Reading such a key could return another object, so these keys are
reported and left out.

Errors. obstore has classes for some failures of a read, and ``GenericError`` for the others and for
all failures of a listing. Its errors have no attributes, so the HTTP status, the store's error code
and failures without a response are recognised in the text (``_PATTERNS``). The text itself is never
shown or logged: it contains URLs, and may contain the id of the access key.
"""

import re
from collections.abc import Collection
from typing import Final

from ...errors import SourceError
from ..uris import Location

__all__ = ["escape_key", "key_fault", "plain_key", "source_error"]

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def key_fault(key: str) -> str | None:
    """Return the reason why obstore cannot read a key; None if it can."""
    if key.startswith("/") or key.endswith("/"):
        return "its key begins or ends with a slash"
    parts = key.split("/")
    if "" in parts:
        return "its key has an empty part (two slashes in a row)"
    if "." in parts or ".." in parts:
        return "its key has a part that is a dot or two dots"
    return "its key has a control character" if _CONTROL.search(key) else None


def plain_key(key: str) -> str:
    """Return a key without the parts that obstore refuses, for comparison with patterns."""
    return "/".join(part for part in key.split("/") if part not in ("", ".", ".."))


def escape_key(key: str) -> str:
    """Return a key on one line, with an escape for each character that is not printable."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in key
    )


_PATTERNS: Final = {
    "status": re.compile(r"status code: (\d{3})"),
    "code": re.compile(r"<Code>(\w{1,60})</Code>"),
    # The key in the error about a key that obstore cannot address.
    "key": re.compile(r'Path "(.*?)"(?: contained|: Encountered)', re.DOTALL),
    "no bucket": re.compile(r"bucket does not exist"),
    "other region": re.compile(r"Received redirect|following redirect"),
    # A failed attempt to get credentials from the environment or from a metadata server.
    "no credentials": re.compile(
        r"169\.254\.|/latest/(?:api/token|meta-data)|metadata\.google|/oauth2/|securetoken"
        r"|(?:no|missing|could not load|unable to load)[^\n]{0,40}credential"
        r"|MissingAccessKey|MissingSecretAccessKey|CredentialsError",
        re.IGNORECASE,
    ),
    # The store ignored the requested range.
    "wrong range": re.compile(
        r"non-partial|Requested \d+\.\.\d+, got|content.?range", re.IGNORECASE
    ),
}
"""The texts in obstore's errors that identify a failure (obstore 0.11 and 0.12)."""

_CODES: Final = {
    "NoSuchBucket": "no bucket",
    "InvalidBucketName": "no bucket",
    "ContainerNotFound": "no bucket",
    "ContainerBeingDeleted": "no bucket",
    "ExpiredToken": "expired",
    "TokenRefreshRequired": "expired",
    "InvalidAccessKeyId": "denied",
    "SignatureDoesNotMatch": "denied",
}
_STATUSES: Final = {
    301: "other region",
    307: "other region",
    308: "other region",
    401: "denied",
    403: "denied",
    404: "missing",
    408: "unreachable",
    412: "changed",
    416: "empty",
    429: "unreachable",
}
_MESSAGES: Final = {
    "changed": ("changed", "{uri} changed while it was read: run the ingestion again to list it"),
    "key": ("unsupported", "{uri} cannot be read: {fault}: rename it"),
    "no bucket": ("bucket", "there is no bucket {store}: check its name, and the endpoint"),
    "other region": ("bucket", "the bucket {store} is in another region: set AWS_REGION"),
    "no credentials": ("credentials", "no credentials for {store} were found: set {variables}"),
    "expired": ("credentials", "the credentials for {store} have expired: get new ones"),
    "denied": (
        "credentials",
        "{store} refuses these credentials: check them ({variables}) and their permissions",
    ),
    "missing": ("missing", "no such object: {uri}"),
    "empty": ("empty", "{uri} is empty (0 bytes): there is nothing to upload"),
    "wrong range": ("unreadable", "{store} does not return the range that was requested"),
    "unreachable": ("unreachable", "{store} cannot be reached or fails: try again later"),
    "unreadable": ("unreadable", "{uri} cannot be read"),
}
"""The ``cause`` and the message of each failure."""
_VARIABLES: Final = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, AWS_REGION)",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
}
"""Environment variables with the credentials for a store."""
_AZURE_VARIABLES: Final = "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"


def source_error(error: Exception, location: Location) -> SourceError:
    """Return the ``SourceError`` for a failure of an object or bucket, with advice."""
    text = str(error).partition("Debug source:")[0]
    found = {name: match for name, pattern in _PATTERNS.items() if (match := pattern.search(text))}
    status = int(found["status"][1]) if "status" in found else None
    code = found["code"][1] if "code" in found else ""
    failure = _failure(error, found.keys(), status, code)
    key = found["key"][1] if failure == "key" and "key" in found else location.path
    cause, message = _MESSAGES[failure]
    message = message.format(
        store=location.store,
        uri=f"{location.store}/{escape_key(key)}" if key else location.store,
        fault=key_fault(key) or "its key is unusual",
        variables=_VARIABLES.get(location.scheme, _AZURE_VARIABLES),
    )
    facts = " ".join(str(fact) for fact in (status, code) if fact)
    message = f"{message} ({facts})" if facts else message
    return SourceError(message, cause=cause, retryable=cause == "unreachable")


def _failure(error: Exception, found: Collection[str], status: int | None, code: str) -> str:
    """Return the failure, a key of ``_MESSAGES``; ``found`` are the patterns that matched.

    The order matters: a missing bucket and a missing object have the same status and class.
    """
    from obstore import exceptions

    if isinstance(error, exceptions.PreconditionError):
        return "changed"
    # A read raises ValueError for a key that obstore cannot address, a listing InvalidPathError.
    if isinstance(error, exceptions.InvalidPathError | ValueError):
        return "key"
    if code in _CODES:
        return _CODES[code]
    if status == 404 and "no bucket" in found:
        return "no bucket"
    if isinstance(error, exceptions.NotFoundError | FileNotFoundError):
        return "missing"
    if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
        return "denied"
    for name in ("other region", "no credentials"):
        if name in found:
            return name
    return _failure_of_response(found, status)


def _failure_of_response(found: Collection[str], status: int | None) -> str:
    if status in _STATUSES:
        return _STATUSES[status]
    if "wrong range" in found:
        return "wrong range"
    # Without a status, no response arrived.
    return "unreachable" if status is None or status >= 500 else "unreadable"
