"""Translates obstore's errors into ``SourceError``.

obstore has few error classes, so the HTTP status and the store's error code are read from the text
of the error. The text itself is never shown or logged: it contains URLs, and a store's message
about a wrong signature contains the id of the access key.
"""

import re
from typing import Final

from ...errors import SourceError
from ..uris import Place
from .unusual_keys import fault_of, printable

__all__ = ["explain"]

_STATUS: Final = re.compile(r"status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>(\w{1,60})</Code>")
_NO_CREDENTIALS: Final = re.compile(
    r"169\.254\.|/latest/(?:api/token|meta-data)|metadata\.google|/oauth2/|securetoken"
    r"|(?:no|missing|could not load|unable to load)[^\n]{0,40}credential"
    r"|MissingAccessKey|MissingSecretAccessKey|CredentialsError",
    re.IGNORECASE,
)
"""Errors of an attempt to get credentials from the environment or a metadata server."""
_KEY: Final = re.compile(r'Path "(.*?)"(?: contained|: Encountered)', re.DOTALL)
"""The key in obstore's message about a key that it cannot address."""
_WRONG_RANGE: Final = re.compile(r"non-partial|Requested \d+\.\.\d+, got|[Cc]ontent.?[Rr]ange")
"""Errors of a store that ignored the requested range."""
_BUCKET: Final = frozenset(
    {"NoSuchBucket", "InvalidBucketName", "ContainerNotFound", "ContainerBeingDeleted"}
)
_DENIED: Final = frozenset({"PermissionDeniedError", "UnauthenticatedError"})
_HOW: Final = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, AWS_REGION)",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}


def explain(error: Exception, place: Place) -> SourceError:
    """Return the ``SourceError`` for a failure of an object or bucket, with advice."""
    text = str(error).split("Debug source:")[0]
    status, code = _STATUS.search(text), _CODE.search(text)
    number, word = int(status[1]) if status else None, code[1] if code else ""
    cause, sentence = _verdict(type(error).__name__, text, number, word, place)
    facts = " ".join(str(fact) for fact in (number, word) if fact)
    return SourceError(
        f"{sentence} ({facts})" if facts else sentence,
        cause=cause,
        retryable=cause == "unreachable",
    )


def _verdict(kind: str, text: str, status: int | None, code: str, place: Place) -> tuple[str, str]:
    """Return the cause and the sentence. The order of the checks matters."""
    where = f"{place.store}/{place.path}" if place.path else place.store
    # The pinned ETag did not match.
    if kind == "PreconditionError" or status == 412:
        return (
            "changed",
            f"{where} changed while it was read: run the ingestion again, which lists it anew",
        )
    if kind in ("InvalidPathError", "ValueError"):
        named = _KEY.search(text)
        where = f"{place.store}/{printable(named[1])}" if named else where
        return (
            "unsupported",
            f"{where} cannot be read: {(named and fault_of(named[1])) or 'its key is unusual'}: rename it",
        )
    # Check access before 404: a missing bucket and a missing object have the same status.
    access = _access(kind, text, status, code, place)
    if access is not None:
        return access
    if kind in ("FileNotFoundError", "NotFoundError") or status == 404:
        return "missing", f"no such object: {where}"
    if status == 416:
        return "empty", f"{where} is empty (0 bytes): there is nothing to upload"
    if _WRONG_RANGE.search(text):
        return "unreadable", f"{place.store} does not give the range that it is asked for"
    # Without a status, no response arrived.
    if status is None or status in (408, 429) or status >= 500:
        return "unreachable", f"{place.store} cannot be reached or fails: try again later"
    return "unreadable", f"{where} cannot be read"


def _access(
    kind: str, text: str, status: int | None, code: str, place: Place
) -> tuple[str, str] | None:
    """Return cause and sentence for problems of the bucket or the credentials, else None."""
    if code in _BUCKET or (status == 404 and "bucket does not exist" in text):
        return "bucket", f"there is no bucket {place.store}: check its name, and the endpoint"
    if "redirect" in text or status in (301, 307, 308):
        return "bucket", f"the bucket {place.store} is in another region: set AWS_REGION"
    if _NO_CREDENTIALS.search(text):
        return "credentials", f"no credentials for {place.store} were found: set {_how(place)}"
    if code in ("ExpiredToken", "TokenRefreshRequired"):
        return "credentials", f"the credentials for {place.store} have expired: get new ones"
    if (
        kind in _DENIED
        or status in (401, 403)
        or code in ("InvalidAccessKeyId", "SignatureDoesNotMatch")
    ):
        return (
            "credentials",
            f"{place.store} refuses these credentials: check them ({_how(place)}) and their rights",
        )
    return None


def _how(place: Place) -> str:
    """Return the environment variables of the credentials for a store."""
    return _HOW.get(place.scheme, _HOW["az"])
