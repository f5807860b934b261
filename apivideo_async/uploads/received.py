"""Reads the received chunks from a status (service.md#resuming, service.md#upload-status)."""

from ..models import VideoStatus
from .plan import Received, gaps, merge

__all__ = ["ALREADY_COMPLETE", "ALREADY_RECEIVED", "missing", "received_of"]

ALREADY_RECEIVED = frozenset(
    {
        "video-content-range-by-bytes-range-overlap",
        "video-content-range-by-part-part-already-sent",
    }
)
"""Error types for a chunk that the server may have stored before."""

ALREADY_COMPLETE = "video-source-already-uploaded"
"""Error type for any chunk after the upload is complete."""

# ``last_chunck_uploaded`` (sic) and ``merging`` come between the last chunk and ``uploaded``
# (service.md#ingest-status). The server has every byte in these states.
_COMPLETE = frozenset({"uploaded", "last_chunck_uploaded", "merging", "ingested"})


def received_of(status: VideoStatus) -> Received:
    """Convert a status to ``Received``. A status without ``ingest`` means an empty container."""
    ingest = status.ingest
    if ingest is None:
        return Received()
    complete = ingest.status in _COMPLETE
    if ingest.received_parts is not None and ingest.received_parts.parts:
        parts = ingest.received_parts
        return Received("part", (), frozenset(parts.parts), parts.total, ingest.filesize, complete)
    ranges = merge(
        # The status gives inclusive ends. ``Received`` has exclusive ends.
        (entry.from_, entry.to + 1)
        for entry in ingest.received_bytes
        if entry.from_ is not None and entry.to is not None
    )
    total = next((entry.total for entry in ingest.received_bytes if entry.total is not None), None)
    return Received(
        "bytes" if ranges else None, ranges, frozenset(), None, ingest.filesize, complete, total
    )


def missing(received: Received, total: int, parts: int | None) -> str | None:
    """Return why an upload of ``total`` bytes is not complete, or None if it is.

    The server must have exactly ``total`` bytes, in ``parts`` parts unless that is None, and must
    know the total.
    """
    # The reported size is the strongest evidence. Ranges and parts are checked only without it.
    if received.complete and received.filesize is not None:
        if received.filesize == total:
            return None
        return f"the server has {received.filesize:,} bytes, the source has {total:,}"
    if received.mode == "bytes":
        return _missing_bytes(received, total)
    if received.mode == "part" and parts is not None:
        return _missing_parts(received, parts)
    if received.complete:
        return None
    return f"the server does not report the {total:,} bytes that were sent"


def _missing_bytes(received: Received, total: int) -> str | None:
    last = received.ranges[-1][1]
    if last > total or received.total not in (None, total):
        return f"the server has bytes of a file of {received.total or last:,}, not {total:,}"
    absent = ", ".join(
        f"{start:,}-{stop - 1:,}" for start, stop in gaps(received.ranges, total)[:5]
    )
    if absent:
        return f"the server does not have bytes {absent} of {total:,}"
    if not received.complete and received.total is None:
        return f"the server has {total:,} bytes, but no request stated the total size"
    return None


def _missing_parts(received: Received, parts: int) -> str | None:
    last = max(received.parts)
    if last > parts or received.parts_total not in (None, parts):
        return f"the server has {received.parts_total or last} parts, {parts} were sent"
    absent = sorted(set(range(1, parts + 1)) - received.parts)
    if absent:
        return f"the server does not have parts {absent[:5]} of {parts}"
    if not received.complete and received.parts_total is None:
        return f"the server has {parts} parts, but no request stated their number"
    return None
