"""Videos and what they are made of (service.md#video-record)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from attrs import field, frozen
from attrs.converters import optional

from ._convert import wire
from ._masked import shown
from ._timecode import timecode

__all__ = [
    "Language",
    "LanguageOrigin",
    "Video",
    "VideoAssets",
    "VideoClip",
    "VideoSource",
    "VideoSourceLiveStream",
    "VideoSourceLiveStreamLink",
    "VideoWatermark",
]

Language: TypeAlias = (
    Literal["ar", "ca", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hr", "hu", "it", "ja"]
    | Literal["ko", "ml", "nl", "nn", "no", "pl", "pt", "ru", "sk", "sl", "te", "tr", "uk", "ur", "vi", "zh"]
    | str
)
"""The languages that transcripts know (service.md#languages)."""
LanguageOrigin: TypeAlias = Literal["api", "auto"] | str
"""Who set the language; values that do not exist yet are kept as text."""


@frozen(kw_only=True)
class VideoSourceLiveStreamLink:
    """A link to the live stream that was recorded."""

    rel: str | None = None
    """``self``."""
    uri: str | None = None
    """Path of the live stream."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoSourceLiveStream:
    """The live stream of which the video is a recording."""

    live_stream_id: str | None = None
    """The live stream."""
    links: list[VideoSourceLiveStreamLink] = field(factory=list)
    """Where to find it."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoSource:
    """Where the video came from."""

    uri: str | None = None
    """Path of the source."""
    type: str | None = None
    """Seen: ``upload``."""
    live_stream: VideoSourceLiveStream | None = None
    """Set when it is a recording."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoAssets:
    """Addresses of the video. Those of a private video hold a token that works once, which ``repr``
    masks (service.md#private-videos)."""

    hls: str | None = field(default=None, repr=shown)
    """Manifest for players."""
    iframe: str | None = field(default=None, repr=shown)
    """HTML to embed the player."""
    player: str | None = field(default=None, repr=shown)
    """The player's own page."""
    thumbnail: str | None = field(default=None, repr=shown)
    """A JPEG image."""
    mp4: str | None = field(default=None, repr=shown)
    """The source as an MP4, with ``mp4_support``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Video:
    """A video, or a container that waits for its file. Only ``video_id`` is always there."""

    video_id: str = ""
    """Identifies it; begins with ``vi``."""
    title: str | None = None
    """Its title."""
    description: str | None = None
    """Its description."""
    created_at: datetime | None = None
    """When the container was created."""
    updated_at: datetime | None = None
    """When it was last changed."""
    published_at: datetime | None = None
    """When it was published."""
    discarded: bool | None = None
    """Whether it was deleted and can be restored."""
    discarded_at: datetime | None = None
    """When it was discarded."""
    deletes_at: datetime | None = None
    """When a discarded video is gone for good."""
    language: Language | None = None
    """What is spoken in it."""
    language_origin: LanguageOrigin | None = None
    """Who said so."""
    tags: list[str] = field(factory=list)
    """Its tags."""
    metadata: dict[str, str] = wire(pairs=True, factory=dict)
    """Its metadata."""
    source: VideoSource | None = None
    """Where it came from."""
    assets: VideoAssets | None = None
    """None for a discarded video."""
    player_id: str | None = None
    """Theme of the player, if one was chosen."""
    public: bool | None = None
    """False: every asset address needs a token that works once."""
    panoramic: bool | None = None
    """Whether it is a 360° video."""
    mp4_support: bool | None = None
    """Whether the source can be had as an MP4."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoClip:
    """The part of the source to keep. Only at creation.

    A ``timedelta``, or a text: ``HH:MM:SS[.mmm]``, ``HH:MM:SS:frame`` or seconds as digits.
    """

    start_timecode: str | None = field(default=None, converter=optional(timecode))
    """Where it begins; None: at the beginning."""
    end_timecode: str | None = field(default=None, converter=optional(timecode))
    """Where it ends; None: at the end."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoWatermark:
    """A watermark and its place, in ``px``, ``%`` or ``initial``. Only at creation."""

    id: str | None = None
    """The watermark, from ``watermarks.upload``."""
    top: str | None = None
    """Distance to the upper edge."""
    left: str | None = None
    """Distance to the left edge."""
    bottom: str | None = None
    """Distance to the lower edge."""
    right: str | None = None
    """Distance to the right edge."""
    width: str | None = None
    """Width; ``initial`` is that of the image."""
    height: str | None = None
    """Height; ``initial`` is that of the image."""
    opacity: str | None = None
    """0 % is invisible."""
    extra: Mapping[str, Any] = field(factory=dict)
