"""What the server holds of a video and how far it is encoded (CONTRACT §11)."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from ._convert import wire

__all__ = [
    "BytesRange",
    "IngestStatus",
    "Quality",
    "QualityStatus",
    "ReceivedParts",
    "VideoStatus",
    "VideoStatusEncoding",
    "VideoStatusEncodingMetadata",
    "VideoStatusIngest",
]

IngestStatus: TypeAlias = Literal["uploading", "uploaded", "ingesting", "ingested"] | str
"""Three documented sets of values exist (CONTRACT §11), so any text is kept."""
QualityStatus: TypeAlias = Literal["waiting", "encoding", "encoded", "failed"] | str


@frozen(kw_only=True)
class BytesRange:
    """A received range of bytes; ``from_`` and ``to`` are inclusive."""

    from_: int | None = wire("from", default=None)
    to: int | None = None
    total: int | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class ReceivedParts:
    """The received part numbers; ``total`` is None while unknown."""

    parts: list[int] = field(factory=list)
    total: int | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatusIngest:
    """How much of the source has arrived."""

    status: IngestStatus | None = None
    filesize: int | None = None
    """Bytes."""
    received_bytes: list[BytesRange] = field(factory=list)
    received_parts: ReceivedParts | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Quality:
    """One rendition."""

    type: Literal["hls", "mp4"] | str | None = None
    quality: str | None = None
    """``240p`` to ``2160p``."""
    status: QualityStatus | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatusEncodingMetadata:
    """What the encoder found in the source; any of it may be missing."""

    width: int | None = None
    height: int | None = None
    bitrate: float | None = None
    duration: float | None = None
    framerate: float | None = None
    samplerate: float | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    aspect_ratio: str | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatusEncoding:
    """How far the encoding is."""

    playable: bool | None = None
    """True with the first finished quality."""
    qualities: list[Quality] = field(factory=list)
    metadata: VideoStatusEncodingMetadata | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatus:
    """Ingest and encoding of one video; ``ingest`` is None for an empty container."""

    ingest: VideoStatusIngest | None = None
    encoding: VideoStatusEncoding | None = None
    extra: Mapping[str, Any] = field(factory=dict)

    @property
    def playable(self) -> bool:
        """Whether at least one quality can be watched."""
        return bool(self.encoding and self.encoding.playable)
