"""What a container holds, according to its status (service.md#upload-status)."""

from typing import Literal, TypeAlias

from attrs import frozen

from ..models import VideoStatus
from .received import received_of

__all__ = ["Content", "content_of"]

ContentState: TypeAlias = Literal["empty", "uploading", "fetching", "complete", "unknown"]


@frozen
class Content:
    """What a container holds, according to its status (service.md#upload-status)."""

    state: ContentState
    """``unknown``: the status does not say. Only ``empty`` proves that there are no bytes."""
    size: int | None = None
    """Bytes of the complete file, if the status contains the number."""
    unfilled: bool = False
    """True if api.video was asked to fetch a file and the status shows no received bytes."""


def content_of(status: VideoStatus) -> Content:
    """Evaluate a status. A missing or malformed part proves nothing and leads to ``unknown``."""
    ingest, encoding = status.ingest, status.encoding
    # A complete upload or a playable video is proof, whatever else is missing in the status.
    received = received_of(status)
    if received.complete or status.playable:
        size = received.filesize if received.filesize is not None else received.total
        return Content("complete", size)
    # ``qualities`` in ``extra`` means that the field was malformed, so it proves nothing either.
    if (
        encoding is None
        or encoding.playable is None
        or encoding.qualities
        or "qualities" in encoding.extra
    ):
        fetching = ingest is not None and ingest.status == "ingesting"
        return Content("fetching" if fetching else "unknown")
    if ingest is None:
        return Content("unknown" if "ingest" in status.extra else "empty")
    if received.mode is not None or ingest.status == "uploading":
        return Content("uploading")
    if ingest.status == "ingesting":
        unfilled = not (ingest.filesize or ingest.extra or ingest.received_parts)
        return Content("fetching", unfilled=unfilled)
    return Content("unknown")
