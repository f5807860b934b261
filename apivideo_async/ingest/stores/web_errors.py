"""Translates the HTTP statuses of web servers into ``SourceError``."""

from ...errors import SourceError
from ..uris import shown, signed

__all__ = ["refused"]


def refused(uri: str, status: int, body: bytes = b"") -> SourceError:
    """Return the error for a status, with advice. ``body`` is the start of the response."""
    where = shown(uri)
    # Some stores respond 400 to an expired URL, with an error code that contains ``Expired``.
    if signed(uri) and (status in (401, 403) or (status == 400 and b"xpired" in body)):
        return SourceError(
            f"{where}: the presigned URL has expired, or was never valid ({status}): sign it anew",
            cause="expired",
        )
    if status in (401, 403):
        return SourceError(
            f"{where} is refused ({status}): give a presigned URL, or make it readable",
            cause="credentials",
        )
    if status in (404, 410):
        return SourceError(f"there is nothing at {where} ({status})", cause="missing")
    if status == 412:
        return SourceError(
            f"{where} changed while it was read: run the ingestion again, which lists it anew",
            cause="changed",
        )
    if status in (408, 425, 429) or status >= 500:
        return SourceError(
            f"{where}: the server fails for now ({status})", cause="unreachable", retryable=True
        )
    return SourceError(f"{where} cannot be read ({status})", cause="unreadable")
