"""One video container: its attributes, its media, its representation, and the filters of lists.

See service.md#video-record, service.md#upload-status, service.md#assets, service.md#list-filters.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from attrs import define, field

from ..rules import encoding
from ..rules.source_ledger import SourceLedger
from .items import (
    BY_DATES,
    METADATA_FILTER,
    Item,
    Query,
    SortKey,
    StoredFile,
    TextTrack,
    by_creation,
    sort_items,
    timestamp,
)
from .media import Media, Spool

__all__ = ["Video", "select_videos"]

# The attributes that are always in a response, and the values of those that were never set. Other
# attributes appear only if they are set.
_DEFAULTS: dict[str, Any] = {
    "description": "",
    "public": True,
    "panoramic": False,
    "mp4Support": True,
    "tags": [],
    "metadata": [],
}


@define(eq=False, kw_only=True)
class Video(Item):
    """One video. ``ledger`` and ``media`` grow during the upload.

    Times are in seconds of the monotonic clock: ``opened_at`` of the creation, ``received_at`` of
    each chunk by its position, ``total_at`` of the first one that stated the total, and
    ``finished_at`` of the moment at which the source was complete.
    ``announced_qualities`` counts the encoded qualities whose event was announced.
    ``transcript_language`` is the language of the last transcript. ``receiving`` is locked while a
    chunk is received, with the quirk ``one-chunk-at-a-time``.
    """

    attributes: dict[str, Any]
    ledger: SourceLedger
    media: Media = field(factory=Media)
    spool: Spool | None = None
    discarded_at: datetime | None = None
    deletes_at: datetime | None = None
    opened_at: float = 0.0
    received_at: dict[int, float] = field(factory=dict)
    total_at: float | None = None
    finished_at: float | None = None
    status_reads: int = 0
    announced_qualities: int = 0
    transcript_language: str | None = None
    detected_language: str | None = None
    live_stream_id: str | None = None
    thumbnail: StoredFile | None = None
    timecode: str = ""
    captions: dict[str, TextTrack] = field(factory=dict)
    chapters: dict[str, TextTrack] = field(factory=dict)
    receiving: asyncio.Lock = field(factory=asyncio.Lock)

    def __attrs_post_init__(self) -> None:
        # A null in a creation means that the attribute is not set.
        given = {name: value for name, value in self.attributes.items() if value is not None}
        self.attributes = {**_DEFAULTS, **given}

    @property
    def public(self) -> bool:
        """Whether assets need no token (service.md#private-videos)."""
        return bool(self.attributes["public"])

    @property
    def finished(self) -> bool:
        return self.finished_at is not None

    def merge(self, changes: dict[str, Any], now: datetime) -> None:
        """Apply a JSON Merge Patch: null removes an attribute (service.md#merge-rules)."""
        for name, value in changes.items():
            if value is None:
                self.attributes.pop(name, None)
            else:
                self.attributes[name] = value
        self.touch(now)

    def progress(self, pace: encoding.EncodingPace, now: float) -> float:
        """Return the encoding progress at a time, 0 while the upload was incomplete."""
        if not self._finished_by(now) or self.finished_at is None:
            return 0.0
        return pace.progress(now - self.finished_at, self.status_reads)

    def as_json(self, assets: dict[str, str] | None) -> dict[str, Any]:
        """Return the ``video`` schema. Attributes that are not set are absent."""
        attributes = self.attributes
        player = {"playerId": attributes["playerId"]} if "playerId" in attributes else {}
        return {
            "videoId": self.id,
            **player,
            **self._language(),
            "title": attributes["title"],
            **{name: attributes[name] for name in _DEFAULTS},
            **self.dates(),
            "publishedAt": timestamp(self.created),
            "discarded": self.discarded_at is not None,
            "discardedAt": timestamp(self.discarded_at) if self.discarded_at else None,
            "deletesAt": timestamp(self.deletes_at) if self.deletes_at else None,
            "source": self._source(),
            "assets": assets,
        }

    def _language(self) -> dict[str, str | None]:
        if self.attributes.get("language"):
            return {"language": self.attributes["language"], "languageOrigin": "api"}
        if self.detected_language is not None:
            return {"language": self.detected_language, "languageOrigin": "auto"}
        return {"languageOrigin": None}

    def _source(self) -> dict[str, Any]:
        source: dict[str, Any] = {"uri": f"/videos/{self.id}/source"}
        if self.ledger.origin == "upload" and self.ledger.complete:
            source["type"] = "upload"
        if self.live_stream_id is not None:
            links = [{"rel": "self", "uri": f"/live-streams/{self.live_stream_id}"}]
            source["liveStream"] = {"liveStreamId": self.live_stream_id, "links": links}
        return source

    def _finished_by(self, moment: float) -> bool:
        return self.finished_at is not None and self.finished_at <= moment

    def note_chunk(self, position: int, now: float) -> None:
        """Record the time of the chunk that the ledger accepted last."""
        self.received_at[position] = now
        total_known = self.ledger.chunks is None or self.ledger.chunks.total is not None
        if total_known and self.total_at is None:
            self.total_at = now

    def status(
        self, pace: encoding.EncodingPace, now: float, ending: float | None = None
    ) -> dict[str, Any]:
        """Return the ``video-status`` schema at a time (service.md#upload-status).

        ``ending`` is an earlier time, up to which the completion is seen.
        """
        ending = now if ending is None else ending
        progress = self.progress(pace, ending)
        # Metadata and size are unknown until the first quality is finished.
        playable = encoding.playable(progress)
        return {
            "ingest": self._ingest(now, finished=self._finished_by(ending)),
            "encoding": {
                "playable": playable,
                "qualities": encoding.qualities(progress) if self._finished_by(ending) else [],
                "metadata": encoding.stream_metadata(self.media.size if playable else None),
            },
        }

    def _ingest(self, now: float, *, finished: bool) -> dict[str, Any] | None:
        if self.ledger.origin != "upload":
            return {
                "status": "ingested" if finished else "ingesting",
                "filesize": self.media.size if finished else None,
                "receivedBytes": [],
            }
        # Before the first chunk the whole object is null.
        if not any(moment <= now for moment in self.received_at.values()):
            return None
        return {
            "status": "uploaded" if finished else "uploading",
            "filesize": self.ledger.size if finished else None,
            **self._received(now),
        }

    def _received(self, now: float) -> dict[str, Any]:
        chunks = self.ledger.chunks
        if chunks is None:
            return {"receivedBytes": []}
        known = self.total_at is not None and self.total_at <= now
        total = chunks.total if known else None
        seen = [each for each in chunks.ranges if self.received_at[each[0]] <= now]
        if chunks.unit == "parts":
            return {"receivedParts": {"parts": [end for _, end in seen], "total": total}}
        # The ``total`` of a range is absent if it is unknown, while that of parts is null
        # (service.md#received-chunks).
        stated = {} if total is None else {"total": total}
        ranges = [{"from": start, "to": end - 1, **stated} for start, end in seen]
        return {"receivedBytes": ranges}


_SORT_KEYS: dict[str, SortKey] = {
    **BY_DATES,
    "title": lambda video: str(video.attributes["title"]).casefold(),
    "publishedAt": by_creation,
}
# A filter such as ``tags[0]=maths``.
_TAGS_FILTER = re.compile(r"tags(?:\[\d*\])?")


def select_videos(videos: Iterable[Video], query: Query) -> list[Video]:
    filters = [match for name, value in query if (match := _filter(name, value))]
    selected = [video for video in videos if all(match(video) for match in filters)]
    return sort_items(selected, query, _SORT_KEYS)


def _filter(name: str, value: str) -> Callable[[Video], bool] | None:
    """Return the predicate for a parameter, or None for others (service.md#unknown-parameters)."""
    if name in {"title", "description"}:
        part = value.casefold()
        return lambda video: part in str(video.attributes.get(name, "")).casefold()
    if _TAGS_FILTER.fullmatch(name):
        return lambda video: value in video.attributes["tags"]
    if name == "liveStreamId":
        return lambda video: video.live_stream_id == value
    if key := METADATA_FILTER.fullmatch(name):
        pair = {"key": key[1], "value": value}
        return lambda video: pair in video.attributes["metadata"]
    return None
