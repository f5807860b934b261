"""Facts about videos and their status, for display."""

from collections.abc import Iterator

from ....models import Video, VideoStatus
from ...console.formatting import bytes_text
from ...crud.noun import Noun
from ...crud.shown import moment, text_of

__all__ = ["VIDEO", "status_facts", "video_facts"]


def video_facts(video: Video) -> Iterator[tuple[str, object]]:
    """Yield the facts of a video in the order in which they are shown."""
    yield "id", video.video_id
    yield "title", video.title
    yield "description", video.description
    yield "created", moment(video.created_at)
    yield "published", moment(video.published_at)
    yield "updated", moment(video.updated_at)
    yield "discarded", moment(video.discarded_at)
    yield "deletes", moment(video.deletes_at)
    yield "public", text_of(video.public)
    yield "tags", text_of(video.tags)
    yield "metadata", text_of(video.metadata)
    yield "language", video.language
    yield "player theme", video.player_id
    for name in ("player", "hls", "mp4", "thumbnail"):
        yield name, getattr(video.assets, name, None)


VIDEO = Noun(
    one="video",
    many="videos",
    resource="videos",
    columns=("video_id", "title", "created_at", "public", "tags"),
    cut=("title", "tags"),
    facts=video_facts,
)


def status_facts(status: VideoStatus) -> Iterator[tuple[str, object]]:
    """Yield the facts of a video's ingest, encoding and qualities."""
    ingest, encoding = status.ingest, status.encoding
    yield "ingest", (ingest.status if ingest is not None else None) or "nothing has arrived yet"
    if ingest is not None:
        # The bounds of a range of received bytes are inclusive.
        received = sum((piece.to or 0) - (piece.from_ or 0) + 1 for piece in ingest.received_bytes)
        yield "received", bytes_text(received) if received else None
        if ingest.received_parts is not None and ingest.received_parts.parts:
            yield (
                "parts",
                f"{len(ingest.received_parts.parts)} of {ingest.received_parts.total or '?'}",
            )
        yield "size", bytes_text(ingest.filesize) if ingest.filesize is not None else None
    yield "playable", "yes" if status.playable else "no"
    for quality in encoding.qualities if encoding is not None else []:
        yield f"{quality.type} {quality.quality}", quality.status
