"""What the server holds of a video and how far it is encoded (service.md#upload-status)."""

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
"""Three documented sets of values exist (service.md#ingest-status), so any text is kept."""
QualityStatus: TypeAlias = Literal["waiting", "encoding", "encoded", "failed"] | str


@frozen(kw_only=True)
class BytesRange:
    """A received range of bytes; ``from_`` and ``to`` are inclusive."""

    from_: int | None = wire("from", default=None)
    """First byte, from 0."""
    to: int | None = None
    """Last byte."""
    total: int | None = None
    """Bytes of the whole file."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class ReceivedParts:
    """The received part numbers; ``total`` is None while unknown."""

    parts: list[int] = field(factory=list)
    """Their numbers, from 1."""
    total: int | None = None
    """How many there are in all."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatusIngest:
    """How much of the source has arrived."""

    status: IngestStatus | None = None
    """How far it is."""
    filesize: int | None = None
    """Bytes."""
    received_bytes: list[BytesRange] = field(factory=list)
    """Of an upload in byte ranges: one for each chunk."""
    received_parts: ReceivedParts | None = None
    """Of an upload in numbered parts."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Quality:
    """One rendition."""

    type: Literal["hls", "mp4"] | str | None = None
    """What it is for."""
    quality: str | None = None
    """``240p`` to ``2160p``."""
    status: QualityStatus | None = None
    """How far it is."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatusEncodingMetadata:
    """What the encoder found in the source; any of it may be missing."""

    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""
    bitrate: float | None = None
    """In a unit that is not documented."""
    duration: float | None = None
    """In a unit that is not documented; seconds in practice."""
    framerate: float | None = None
    """Frames a second."""
    samplerate: float | None = None
    """Samples of sound a second."""
    video_codec: str | None = None
    """Such as ``h264``."""
    audio_codec: str | None = None
    """Such as ``aac``."""
    aspect_ratio: str | None = None
    """``16/9`` or ``16:9``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatusEncoding:
    """How far the encoding is."""

    playable: bool | None = None
    """True with the first finished quality."""
    qualities: list[Quality] = field(factory=list)
    """Every rendition that is there or will be."""
    metadata: VideoStatusEncodingMetadata | None = None
    """What the encoder found."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatus:
    """Ingest and encoding of one video; ``ingest`` is None for an empty container."""

    ingest: VideoStatusIngest | None = None
    """What has arrived."""
    encoding: VideoStatusEncoding | None = None
    """How far the encoding is."""
    extra: Mapping[str, Any] = field(factory=dict)

    @property
    def playable(self) -> bool:
        """Whether at least one quality can be watched."""
        return bool(self.encoding and self.encoding.playable)
