"""Read the chunks that the server holds from the status of a video.

See service.md#resuming and service.md#upload-status.
"""

from ..errors import UploadError
from ..models import VideoStatus
from .plan import Received, gaps, merge

__all__ = ["ALREADY_COMPLETE", "ALREADY_HELD", "check_complete", "received_of"]

ALREADY_HELD = frozenset(
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


def check_complete(held: Received, total: int, parts: int | None) -> None:
    """Raise ``UploadError`` unless the server holds exactly ``total`` bytes and knows the total.

    ``parts`` is the number of parts, or None if it is unknown.
    """
    # The reported size is the strongest evidence. Ranges and parts are checked only without it.
    if held.complete and held.filesize is not None:
        if held.filesize != total:
            raise UploadError(f"the server holds {held.filesize:,} bytes, the source has {total:,}")
        return
    if held.mode == "bytes":
        _check_ranges(held, total)
    elif held.mode == "part" and parts is not None:
        _check_parts(held, parts)
    elif not held.complete:
        raise UploadError(
            f"the server does not say that it holds the {total:,} bytes that were sent"
        )


def _check_ranges(held: Received, total: int) -> None:
    if held.ranges[-1][1] > total or held.total not in (None, total):
        raise UploadError(
            f"the server holds bytes of a file of {held.total or held.ranges[-1][1]:,}, not {total:,}"
        )
    missing = gaps(held.ranges, total)
    if missing:
        listed = ", ".join(f"{start:,}-{stop - 1:,}" for start, stop in missing[:5])
        raise UploadError(f"the server does not hold bytes {listed} of {total:,}")
    if not held.complete and held.total is None:
        raise UploadError(
            f"the server holds {total:,} bytes and waits for more: it was never told that this is all"
        )


def _check_parts(held: Received, parts: int) -> None:
    if max(held.parts) > parts or held.parts_total not in (None, parts):
        raise UploadError(
            f"the server holds {held.parts_total or max(held.parts)} parts, {parts} were sent"
        )
    absent = sorted(set(range(1, parts + 1)) - held.parts)
    if absent:
        raise UploadError(f"the server does not hold parts {absent[:5]} of {parts}")
    if not held.complete and held.parts_total is None:
        raise UploadError(
            f"the server holds {parts} parts and waits for more: it was never told that this is all"
        )
