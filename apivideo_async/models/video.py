"""Videos and the parts of their records (service.md#video-record)."""

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
    Literal[
        "ar",
        "ca",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "fa",
        "fi",
        "fr",
        "he",
        "hi",
        "hr",
        "hu",
        "it",
        "ja",
    ]
    | Literal[
        "ko",
        "ml",
        "nl",
        "nn",
        "no",
        "pl",
        "pt",
        "ru",
        "sk",
        "sl",
        "te",
        "tr",
        "uk",
        "ur",
        "vi",
        "zh",
    ]
    | str
)
"""Languages that transcripts support (service.md#languages)."""
LanguageOrigin: TypeAlias = Literal["api", "auto"] | str
"""How the language was set (service.md#languages).

Values that this version does not know are kept as text.
"""


@frozen(kw_only=True)
class VideoSourceLiveStreamLink:
    """A link to the recorded live stream."""

    rel: str | None = None
    """``self``."""
    uri: str | None = None
    """Path of the live stream."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoSourceLiveStream:
    """The live stream whose recording the video is."""

    live_stream_id: str | None = None
    """Identifier of the live stream."""
    links: list[VideoSourceLiveStreamLink] = field(factory=list)
    """Links to the live stream."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoSource:
    """Origin of the video."""

    uri: str | None = None
    """Path of the source."""
    type: str | None = None
    """Type of the source. Known value: ``upload``."""
    live_stream: VideoSourceLiveStream | None = None
    """Set if the video is a recording."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoAssets:
    """URLs of the video.

    Those of a private video contain a token that works once. ``repr`` masks it
    (service.md#private-videos).
    """

    hls: str | None = field(default=None, repr=shown)
    """HLS manifest."""
    iframe: str | None = field(default=None, repr=shown)
    """HTML to embed the player."""
    player: str | None = field(default=None, repr=shown)
    """Page of the player."""
    thumbnail: str | None = field(default=None, repr=shown)
    """JPEG image."""
    mp4: str | None = field(default=None, repr=shown)
    """The source as an MP4 file; only with ``mp4_support``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Video:
    """A video, or a container that has no file yet. Only ``video_id`` is always set."""

    video_id: str = ""
    """Identifier; begins with ``vi``."""
    title: str | None = None
    """Title."""
    description: str | None = None
    """Description."""
    created_at: datetime | None = None
    """When the container was created."""
    updated_at: datetime | None = None
    """Time of the last change."""
    published_at: datetime | None = None
    """Time of publication."""
    discarded: bool | None = None
    """Whether the video was deleted and can be restored."""
    discarded_at: datetime | None = None
    """When the video was discarded."""
    deletes_at: datetime | None = None
    """When a discarded video is deleted for good."""
    language: Language | None = None
    """Spoken language."""
    language_origin: LanguageOrigin | None = None
    """Whether a request set the language (``api``) or the service detected it (``auto``)."""
    tags: list[str] = field(factory=list)
    """Tags."""
    metadata: dict[str, str] = wire(pairs=True, factory=dict)
    """Metadata."""
    source: VideoSource | None = None
    """Origin of the video."""
    assets: VideoAssets | None = None
    """URLs of the video; None for a discarded video."""
    player_id: str | None = None
    """Player theme of the video, or None."""
    public: bool | None = None
    """False for a private video: every asset URL needs a token that works once."""
    panoramic: bool | None = None
    """Whether it is a 360° video."""
    mp4_support: bool | None = None
    """Whether the source can be downloaded as an MP4 file."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoClip:
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
class VideoWatermark:
    """A watermark and its position. Used only when a video is created.

    Lengths are texts in ``px`` or ``%``, or ``initial``.
    """

    id: str | None = None
    """Identifier of the watermark, from ``watermarks.upload``."""
    top: str | None = None
    """Distance to the upper edge."""
    left: str | None = None
    """Distance to the left edge."""
    bottom: str | None = None
    """Distance to the lower edge."""
    right: str | None = None
    """Distance to the right edge."""
    width: str | None = None
    """Width; ``initial`` is the width of the image."""
    height: str | None = None
    """Height; ``initial`` is the height of the image."""
    opacity: str | None = None
    """Opacity in percent; ``0%`` is invisible."""
    extra: Mapping[str, Any] = field(factory=dict)
