"""Videos and what they are made of (CONTRACT §7)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from ._convert import wire

__all__ = [
    "LanguageOrigin",
    "Video",
    "VideoAssets",
    "VideoClip",
    "VideoSource",
    "VideoSourceLiveStream",
    "VideoSourceLiveStreamLink",
    "VideoWatermark",
]

LanguageOrigin: TypeAlias = Literal["api", "auto"] | str
"""Who set the language; values that do not exist yet are kept as text."""


@frozen(kw_only=True)
class VideoSourceLiveStreamLink:
    """A link to the live stream that was recorded."""

    rel: str | None = None
    uri: str | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoSourceLiveStream:
    """The live stream of which the video is a recording."""

    live_stream_id: str | None = None
    links: list[VideoSourceLiveStreamLink] = field(factory=list)
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoSource:
    """Where the video came from."""

    uri: str | None = None
    type: str | None = None
    """Seen: ``upload``."""
    live_stream: VideoSourceLiveStream | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoAssets:
    """Addresses of the video. Those of a private video hold a token that works once (CONTRACT §13)."""

    hls: str | None = None
    iframe: str | None = None
    """HTML to embed the player."""
    player: str | None = None
    thumbnail: str | None = None
    mp4: str | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Video:
    """A video, or a container that waits for its file. Only ``video_id`` is always there."""

    video_id: str = ""
    title: str | None = None
    description: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    published_at: datetime | None = None
    discarded: bool | None = None
    discarded_at: datetime | None = None
    deletes_at: datetime | None = None
    """When a discarded video is gone for good."""
    language: str | None = None
    language_origin: LanguageOrigin | None = None
    tags: list[str] = field(factory=list)
    metadata: dict[str, str] = wire(pairs=True, factory=dict)
    source: VideoSource | None = None
    assets: VideoAssets | None = None
    """None for a discarded video."""
    player_id: str | None = None
    public: bool | None = None
    panoramic: bool | None = None
    mp4_support: bool | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoClip:
    """The part of the source to keep; ``HH:MM:SS[.mmm]`` or seconds as digits. Only at creation."""

    start_timecode: str | None = None
    end_timecode: str | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoWatermark:
    """A watermark and its place, in ``px``, ``%`` or ``initial``. Only at creation."""

    id: str | None = None
    top: str | None = None
    left: str | None = None
    bottom: str | None = None
    right: str | None = None
    width: str | None = None
    height: str | None = None
    opacity: str | None = None
    extra: Mapping[str, Any] = field(factory=dict)
