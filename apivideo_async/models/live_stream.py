"""Live streams and the URLs to send and watch them (service.md#live-streams)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from attrs import field, frozen

from ._model import Model
from ._tokens import masked_repr

__all__ = ["LiveStream", "LiveStreamAssets", "Restream"]

INGEST_HOST = "broadcast.api.video"


@frozen(kw_only=True)
class Restream(Model):
    """Another platform that receives the stream. The API requires all three fields."""

    name: str | None = None
    server_url: str | None = None
    """URL with host and application: ``rtmp://host/app`` or ``rtmps://host/app``."""
    stream_key: str | None = field(default=None, repr=False)
    """Stream key of the platform. It is a secret, so ``repr`` leaves it out."""
    extra: Mapping[str, Any] = field(factory=dict, repr=False)


@frozen(kw_only=True)
class LiveStreamAssets(Model):
    """URLs to watch the stream. ``repr`` masks their tokens."""

    hls: str | None = field(default=None, repr=masked_repr)
    iframe: str | None = field(default=None, repr=masked_repr)
    """HTML to embed the player."""
    player: str | None = field(default=None, repr=masked_repr)
    thumbnail: str | None = field(default=None, repr=masked_repr)
    """JPEG image."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class LiveStream(Model):
    """A live stream. Only ``live_stream_id`` is always set."""

    live_stream_id: str = ""
    """Identifier; begins with ``li``."""
    name: str | None = None
    """Title of the stream and of its recordings."""
    stream_key: str | None = field(default=None, repr=False)
    """Key that allows broadcasting to this stream. It is a secret, so ``repr`` leaves it out."""
    public: bool | None = None
    """Whether the stream can be watched without a token."""
    assets: LiveStreamAssets | None = None
    player_id: str | None = None
    broadcasting: bool | None = None
    restreams: list[Restream] = field(factory=list)
    """Platforms that receive the stream, at most 5."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: Mapping[str, Any] = field(factory=dict, repr=False)

    @property
    def rtmp_url(self) -> str | None:
        """URL for an encoder that sends RTMP. It contains the stream key; None without a key."""
        return self.stream_key and f"rtmp://{INGEST_HOST}/s/{self.stream_key}"

    @property
    def rtmps_url(self) -> str | None:
        """URL for an encoder that sends RTMP over TLS, with the stream key; None without a key."""
        return self.stream_key and f"rtmps://{INGEST_HOST}:1936/s/{self.stream_key}"

    @property
    def srt_url(self) -> str | None:
        """URL for SRT 1.3 or later, latency at least 120 ms, with the key; None without a key."""
        return (
            self.stream_key
            and f"srt://{INGEST_HOST}:6200?streamid={quote(self.stream_key, safe='')}"
        )
