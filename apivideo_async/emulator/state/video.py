"""One video container: its attributes, its media, and its representation in the API.

See service.md#video-record, service.md#upload-status, service.md#assets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..rules import encoding
from ..rules.file_rules import StoredFile
from ..rules.source_ledger import SourceLedger
from ..rules.text_track import TextTrack
from .items import Item, timestamp
from .media import Media, Spool

# The values that the API shows for attributes that were never set.
_DEFAULTS: dict[str, Any] = {
    "description": "",
    "public": True,
    "panoramic": False,
    "mp4Support": True,
    "tags": [],
    "metadata": [],
}
# These attributes are always in a response. Others appear only if they are set.
_SHOWN = ("title", "description", "public", "panoramic", "mp4Support", "tags", "metadata")


@dataclass(slots=True, eq=False, kw_only=True)
class Video(Item):
    """A container.

    ``ledger`` and ``media`` grow during the upload. ``finished_at`` is the monotonic time in
    seconds at which the source was complete. ``announced`` is the number of encoded qualities whose
    event was announced. ``transcript`` is the language of the last transcript, ``detected`` the
    detected language.
    """

    attributes: dict[str, Any]
    ledger: SourceLedger
    media: Media = field(default_factory=Media)
    spool: Spool | None = None
    discarded: datetime | None = None
    deletes: datetime | None = None
    finished_at: float | None = None
    status_reads: int = 0
    announced: int = 0
    transcript: str | None = None
    detected: str | None = None
    live_stream_id: str | None = None
    thumbnail: StoredFile | None = None
    timecode: str = ""
    captions: dict[str, TextTrack] = field(default_factory=dict)
    chapters: dict[str, TextTrack] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A null in a creation means that the attribute is not set.
        given = {name: value for name, value in self.attributes.items() if value is not None}
        self.attributes = {**_DEFAULTS, **given}

    @property
    def public(self) -> bool:
        """Whether assets need no token (service.md#private-videos)."""
        return bool(self.attributes["public"])

    def merge(self, changes: dict[str, Any], now: datetime) -> None:
        """Apply a JSON Merge Patch. Absent attributes stay, null removes one, arrays are replaced.

        See service.md#merge-rules.
        """
        for name, value in changes.items():
            if value is None:
                self.attributes.pop(name, None)
            else:
                self.attributes[name] = value
        self.touch(now)

    def progress(self, pace: encoding.EncodingPace, now: float) -> float:
        """Return the encoding progress, 0 while the upload is incomplete."""
        if self.finished_at is None:
            return 0.0
        return pace.progress(now - self.finished_at, self.status_reads)

    def as_json(self, assets: dict[str, str] | None) -> dict[str, Any]:
        """Return the ``video`` schema. Attributes that are not set are absent.

        See service.md#tolerant-reading.
        """
        shown: dict[str, Any] = {"videoId": self.key}
        if "playerId" in self.attributes:
            shown["playerId"] = self.attributes["playerId"]
        language = self.attributes.get("language") or self.detected
        if language is not None:
            shown["language"] = language
        shown["languageOrigin"] = (
            None if language is None else "api" if "language" in self.attributes else "auto"
        )
        shown.update({name: self.attributes[name] for name in _SHOWN})
        return shown | {
            **self.dates(),
            "publishedAt": timestamp(self.created),
            "discarded": self.discarded is not None,
            "discardedAt": timestamp(self.discarded) if self.discarded else None,
            "deletesAt": timestamp(self.deletes) if self.deletes else None,
            "source": self._source(),
            "assets": assets,
        }

    def _source(self) -> dict[str, Any]:
        source: dict[str, Any] = {"uri": f"/videos/{self.key}/source"}
        if self.ledger.origin == "upload" and self.ledger.complete:
            source["type"] = "upload"
        if self.live_stream_id is not None:
            links = [{"rel": "self", "uri": f"/live-streams/{self.live_stream_id}"}]
            source["liveStream"] = {"liveStreamId": self.live_stream_id, "links": links}
        return source

    def status(self, pace: encoding.EncodingPace, now: float) -> dict[str, Any]:
        """Return the ``video-status`` schema (service.md#upload-status)."""
        progress = self.progress(pace, now)
        finished = self.finished_at is not None
        # Metadata and size are unknown until the first quality is finished.
        known = encoding.playable(progress)
        return {
            "ingest": self._ingest(),
            "encoding": {
                "playable": known,
                "qualities": encoding.qualities(progress) if finished else [],
                "metadata": encoding.stream_metadata(self.media.size if known else None),
            },
        }

    def _ingest(self) -> dict[str, Any] | None:
        finished = self.finished_at is not None
        if self.ledger.origin != "upload":
            return {
                "status": "ingested" if finished else "ingesting",
                "filesize": self.media.size if finished else None,
                "receivedBytes": [],
            }
        # Before the first chunk the whole object is null.
        if not self.ledger.started:
            return None
        ingest: dict[str, Any] = {
            "status": "uploaded" if finished else "uploading",
            "filesize": self.ledger.size if finished else None,
        }
        return ingest | self._received()

    def _received(self) -> dict[str, Any]:
        """Return the accepted chunks: a list of ranges, or the numbers of the parts.

        While the total is unknown, a range has no ``total``: that field is not nullable, unlike the
        ``total`` of parts. See service.md#received-chunks.
        """
        if self.ledger.parts is not None:
            return {
                "receivedParts": {
                    "parts": self.ledger.parts.numbers,
                    "total": self.ledger.parts.total,
                }
            }
        if self.ledger.bytes is None:
            return {"receivedBytes": []}
        total = {} if self.ledger.bytes.total is None else {"total": self.ledger.bytes.total}
        return {
            "receivedBytes": [
                {"from": first, "to": last, **total} for first, last in self.ledger.bytes.ranges
            ]
        }
