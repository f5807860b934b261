"""State of the upload and the encoding of a video (service.md#upload-status)."""

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
"""State of the source file.

Three documented sets of values exist (service.md#ingest-status), so any text is kept.
"""
QualityStatus: TypeAlias = Literal["waiting", "encoding", "encoded", "failed"] | str


@frozen(kw_only=True)
class BytesRange:
    """A received range of bytes; ``from_`` and ``to`` are inclusive."""

    from_: int | None = wire("from", default=None)
    """First byte, from 0."""
    to: int | None = None
    """Last byte."""
    total: int | None = None
    """Size of the whole file in bytes."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class ReceivedParts:
    """The received part numbers."""

    parts: list[int] = field(factory=list)
    """Part numbers, from 1."""
    total: int | None = None
    """Number of all parts; None while it is not known."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatusIngest:
    """The received part of the source file."""

    status: IngestStatus | None = None
    """State of the source file."""
    filesize: int | None = None
    """Size of the file in bytes."""
    received_bytes: list[BytesRange] = field(factory=list)
    """One range for each chunk of an upload in byte ranges."""
    received_parts: ReceivedParts | None = None
    """The parts of an upload in numbered parts."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Quality:
    """One rendition of the video."""

    type: Literal["hls", "mp4"] | str | None = None
    """``hls`` or ``mp4``."""
    quality: str | None = None
    """``240p`` to ``2160p``."""
    status: QualityStatus | None = None
    """State of the rendition."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatusEncodingMetadata:
    """Properties of the source that the encoder found. Any of them may be missing."""

    width: int | None = None
    """Width in pixels."""
    height: int | None = None
    """Height in pixels."""
    bitrate: float | None = None
    """Bit rate; the unit is not documented."""
    duration: float | None = None
    """Duration; the unit is not documented, seconds in practice."""
    framerate: float | None = None
    """Frames per second."""
    samplerate: float | None = None
    """Audio samples per second."""
    video_codec: str | None = None
    """Such as ``h264``."""
    audio_codec: str | None = None
    """Such as ``aac``."""
    aspect_ratio: str | None = None
    """``16/9`` or ``16:9``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatusEncoding:
    """State of the encoding."""

    playable: bool | None = None
    """True when the first quality is finished."""
    qualities: list[Quality] = field(factory=list)
    """All renditions, finished or not."""
    metadata: VideoStatusEncodingMetadata | None = None
    """Properties of the source."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatus:
    """Upload and encoding of one video."""

    ingest: VideoStatusIngest | None = None
    """The received part of the source; None for an empty container."""
    encoding: VideoStatusEncoding | None = None
    """State of the encoding."""
    extra: Mapping[str, Any] = field(factory=dict)

    @property
    def playable(self) -> bool:
        """Whether at least one quality can be watched."""
        return bool(self.encoding and self.encoding.playable)
