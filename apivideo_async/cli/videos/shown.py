"""Facts about videos as lines for people."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from ...models import Video, VideoStatus, to_json
from ..amounts import bytes_text, printable

__all__ = ["as_json", "facts", "moment", "status_facts", "video_facts"]


def as_json(model: Any, indent: int | None = 2) -> str:
    """Write a model, or a list of them, as the API writes it."""
    return json.dumps(to_json(model), indent=indent, ensure_ascii=False)


def moment(value: datetime | None) -> str:
    """Local time without fractions."""
    return f"{value.astimezone():%Y-%m-%d %H:%M:%S}" if value is not None else ""


def facts(pairs: Iterable[tuple[str, object]]) -> Iterator[str]:
    """Align names and values; what has no value is left out."""
    for name, value in pairs:
        if value not in (None, "", []):
            yield f"{name:<13}{printable(str(value))}"


def video_facts(video: Video) -> Iterator[tuple[str, object]]:
    """Everything that people ask about a video."""
    yield "id", video.video_id
    yield "title", video.title
    yield "description", video.description
    yield "created", moment(video.created_at)
    yield "published", moment(video.published_at)
    yield "updated", moment(video.updated_at)
    yield "public", {True: "yes", False: "no"}.get(bool(video.public)) if video.public is not None else None
    yield "tags", ", ".join(video.tags)
    yield "metadata", ", ".join(f"{key}={value}" for key, value in video.metadata.items())
    yield "language", video.language
    yield "player theme", video.player_id
    for name in ("player", "hls", "mp4", "thumbnail"):
        yield name, getattr(video.assets, name, None)


def status_facts(status: VideoStatus) -> Iterator[tuple[str, object]]:
    """Ingest, encoding and qualities."""
    ingest, encoding = status.ingest, status.encoding
    yield "ingest", (ingest.status if ingest is not None else None) or "nothing has arrived yet"
    if ingest is not None:
        received = sum((piece.to or 0) - (piece.from_ or 0) + 1 for piece in ingest.received_bytes)
        yield "received", bytes_text(received) if received else None
        if ingest.received_parts is not None and ingest.received_parts.parts:
            yield "parts", f"{len(ingest.received_parts.parts)} of {ingest.received_parts.total or '?'}"
        yield "size", bytes_text(ingest.filesize) if ingest.filesize is not None else None
    yield "playable", "yes" if status.playable else "no"
    for quality in encoding.qualities if encoding is not None else []:
        yield f"{quality.type} {quality.quality}", quality.status
