"""Live streams: where to send them, where to watch them (service.md#live-streams)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from attrs import field, frozen

from ._masked import shown

__all__ = ["LiveStream", "LiveStreamAssets", "Restream"]

INGEST_HOST = "broadcast.api.video"


@frozen(kw_only=True)
class Restream:
    """Another platform that the stream is passed on to; the API wants all three."""

    name: str | None = None
    """Name of the platform."""
    server_url: str | None = None
    """``rtmp://`` or ``rtmps://``, host and application: ``rtmp://host/app``."""
    stream_key: str | None = field(default=None, repr=False)
    """Key of the stream there; a secret, so ``repr`` leaves it out."""
    extra: Mapping[str, Any] = field(factory=dict, repr=False)


@frozen(kw_only=True)
class LiveStreamAssets:
    """Addresses to watch the stream at."""

    hls: str | None = field(default=None, repr=shown)
    """Manifest for players."""
    iframe: str | None = field(default=None, repr=shown)
    """HTML to embed the player."""
    player: str | None = field(default=None, repr=shown)
    """The player's own page."""
    thumbnail: str | None = field(default=None, repr=shown)
    """A JPEG image."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class LiveStream:
    """A live stream. Only ``live_stream_id`` is always there."""

    live_stream_id: str = ""
    """Identifies it; begins with ``li``."""
    name: str | None = None
    """Title of the stream and of its recordings."""
    stream_key: str | None = field(default=None, repr=False)
    """Whoever has it can broadcast, so ``repr`` leaves it out."""
    public: bool | None = None
    """Whether everybody may watch."""
    assets: LiveStreamAssets | None = None
    """Where to watch it."""
    player_id: str | None = None
    """Theme of the player, if one was chosen."""
    broadcasting: bool | None = None
    """Whether it is on air."""
    restreams: list[Restream] = field(factory=list)
    """Where it is passed on to: 5 at most."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """When it was last changed."""
    extra: Mapping[str, Any] = field(factory=dict, repr=False)

    @property
    def rtmp_url(self) -> str | None:
        """Where to send it by RTMP; holds the stream key. None without a key."""
        return self.stream_key and f"rtmp://{INGEST_HOST}/s/{self.stream_key}"

    @property
    def rtmps_url(self) -> str | None:
        """Where to send it by RTMP over TLS; holds the stream key. None without a key."""
        return self.stream_key and f"rtmps://{INGEST_HOST}:1936/s/{self.stream_key}"

    @property
    def srt_url(self) -> str | None:
        """Where to send it by SRT 1.3 or later, at a latency of 120 ms or more; holds the stream key."""
        return self.stream_key and f"srt://{INGEST_HOST}:6200?streamid={quote(self.stream_key, safe='')}"
