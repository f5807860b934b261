"""Videos, the state of their upload and encoding, their tags and watermarks.

See service.md#video-record, service.md#upload-status, service.md#tags, service.md#watermarks.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from attrs import field, frozen
from attrs.converters import optional

from ._convert import timecode, wire
from ._model import Model
from ._tokens import masked_repr

__all__ = [
    "BytesRange",
    "IngestStatus",
    "Language",
    "LanguageOrigin",
    "Quality",
    "QualityStatus",
    "ReceivedParts",
    "Tag",
    "Video",
    "VideoAssets",
    "VideoClip",
    "VideoSource",
    "VideoSourceLiveStream",
    "VideoSourceLiveStreamLink",
    "VideoStatus",
    "VideoStatusEncoding",
    "VideoStatusEncodingMetadata",
    "VideoStatusIngest",
    "VideoWatermark",
    "Watermark",
]

Language: TypeAlias = (
    Literal["ar", "ca", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr"]
    | Literal["he", "hi", "hr", "hu", "it", "ja", "ko", "ml", "nl", "nn", "no"]
    | Literal["pl", "pt", "ru", "sk", "sl", "te", "tr", "uk", "ur", "vi", "zh"]
    | str
)
"""Languages that transcripts support (service.md#languages)."""
LanguageOrigin: TypeAlias = Literal["api", "auto"] | str
"""How the language was set (service.md#languages)."""


@frozen(kw_only=True)
class VideoSourceLiveStreamLink(Model):
    """A link to the recorded live stream."""

    rel: str | None = None
    """``self``."""
    uri: str | None = None
    """Path of the live stream."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoSourceLiveStream(Model):
    """The live stream whose recording the video is."""

    live_stream_id: str | None = None
    links: list[VideoSourceLiveStreamLink] = field(factory=list)
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoSource(Model):
    """Origin of the video."""

    uri: str | None = None
    """Path of the source."""
    type: str | None = None
    """Type of the source. Known value: ``upload``."""
    live_stream: VideoSourceLiveStream | None = None
    """Set if the video is a recording."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoAssets(Model):
    """URLs. ``repr`` masks the one-time tokens of private videos (service.md#private-videos)."""

    hls: str | None = field(default=None, repr=masked_repr)
    iframe: str | None = field(default=None, repr=masked_repr)
    """HTML to embed the player."""
    player: str | None = field(default=None, repr=masked_repr)
    thumbnail: str | None = field(default=None, repr=masked_repr)
    """JPEG image."""
    mp4: str | None = field(default=None, repr=masked_repr)
    """The source as an MP4 file; only with ``mp4_support``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Video(Model):
    """A video, or a container that has no file yet. Only ``video_id`` is always set."""

    video_id: str = ""
    """Identifier; begins with ``vi``."""
    title: str | None = None
    description: str | None = None
    created_at: datetime | None = None
    """When the container was created."""
    updated_at: datetime | None = None
    published_at: datetime | None = None
    discarded: bool | None = None
    """Whether the video was deleted and can be restored."""
    discarded_at: datetime | None = None
    deletes_at: datetime | None = None
    """When a discarded video is deleted for good."""
    language: Language | None = None
    """Spoken language."""
    language_origin: LanguageOrigin | None = None
    """Whether a request set the language (``api``) or the service detected it (``auto``)."""
    tags: list[str] = field(factory=list)
    metadata: dict[str, str] = wire(pairs=True, factory=dict)
    source: VideoSource | None = None
    assets: VideoAssets | None = None
    """URLs of the video; None for a discarded video."""
    player_id: str | None = None
    public: bool | None = None
    """False for a private video: every asset URL needs a token that works once."""
    panoramic: bool | None = None
    """Whether it is a 360° video."""
    mp4_support: bool | None = None
    """Whether the source can be downloaded as an MP4 file."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoClip(Model):
    """The part of the source to keep. Used only when a video is created.

    Times are ``timedelta`` objects or texts: ``HH:MM:SS[.mmm]``, ``HH:MM:SS:frame`` or seconds as
    digits.
    """

    start_timecode: str | None = field(default=None, converter=optional(timecode))
    """Start of the clip; None: start of the source."""
    end_timecode: str | None = field(default=None, converter=optional(timecode))
    """End of the clip; None: end of the source."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoWatermark(Model):
    """The watermark of a new video. Lengths are texts in ``px`` or ``%``, or ``initial``."""

    id: str | None = None
    """Identifier of the watermark, from ``watermarks.upload``."""
    top: str | None = None
    left: str | None = None
    bottom: str | None = None
    right: str | None = None
    width: str | None = None
    """Width; ``initial`` is the width of the image."""
    height: str | None = None
    """Height; ``initial`` is the height of the image."""
    opacity: str | None = None
    """Opacity in percent; ``0%`` is invisible."""
    extra: Mapping[str, Any] = field(factory=dict)


IngestStatus: TypeAlias = Literal["uploading", "uploaded", "ingesting", "ingested"] | str
"""Three documented sets of values exist (service.md#ingest-status), so any text is kept."""
QualityStatus: TypeAlias = Literal["waiting", "encoding", "encoded", "failed"] | str


@frozen(kw_only=True)
class BytesRange(Model):
    """A received range of bytes; ``from_`` and ``to`` are inclusive."""

    from_: int | None = wire("from", default=None)
    """First byte, from 0."""
    to: int | None = None
    total: int | None = None
    """Size of the whole file in bytes."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class ReceivedParts(Model):
    """The received part numbers."""

    parts: list[int] = field(factory=list)
    """Part numbers, from 1."""
    total: int | None = None
    """Number of all parts; None while it is not known."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatusIngest(Model):
    """The received part of the source file."""

    status: IngestStatus | None = None
    filesize: int | None = None
    """Size of the file in bytes."""
    received_bytes: list[BytesRange] = field(factory=list)
    """One range for each chunk of an upload in byte ranges."""
    received_parts: ReceivedParts | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Quality(Model):
    """One rendition of the video."""

    type: Literal["hls", "mp4"] | str | None = None
    quality: str | None = None
    """``240p`` to ``2160p``."""
    status: QualityStatus | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatusEncodingMetadata(Model):
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
class VideoStatusEncoding(Model):
    """State of the encoding."""

    playable: bool | None = None
    """True when the first quality is finished."""
    qualities: list[Quality] = field(factory=list)
    """All renditions, finished or not."""
    metadata: VideoStatusEncodingMetadata | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoStatus(Model):
    """Upload and encoding of one video."""

    ingest: VideoStatusIngest | None = None
    """The received part of the source; None for an empty container."""
    encoding: VideoStatusEncoding | None = None
    extra: Mapping[str, Any] = field(factory=dict)

    @property
    def playable(self) -> bool:
        """Whether at least one quality can be watched."""
        return bool(self.encoding and self.encoding.playable)


@frozen(kw_only=True)
class Tag(Model):
    """A tag and the number of its videos."""

    value: str = ""
    video_count: int | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Watermark(Model):
    """An uploaded watermark. The API returns no other properties of it."""

    watermark_id: str = ""
    """Identifier for ``VideoWatermark(id=…)``; begins with ``watermark_``."""
    created_at: datetime | None = None
    extra: Mapping[str, Any] = field(factory=dict)
