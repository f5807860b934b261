"""What api.video tells a webhook, one class per type of event (service.md#webhook-events)."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias

from attrs import field, fields, frozen

from ._convert import from_json, to_json

__all__ = [
    "LiveStreamBroadcastEnded",
    "LiveStreamBroadcastStarted",
    "UnknownEvent",
    "VideoCaptionGenerated",
    "VideoEncodingQualityCompleted",
    "VideoSourceRecorded",
    "VideoSummaryGenerated",
    "WebhookEvent",
    "event_from",
]


@frozen(kw_only=True)
class _Event:
    TYPE: ClassVar[str] = ""

    type: str = ""
    """The event's name, such as ``video.source.recorded``."""
    emitted_at: datetime | None = None
    """When it happened. None when the server's text is no date; then the text is in ``extra``."""

    @property
    def key(self) -> str:
        """The same for every delivery of this event: deliveries have no id, and may come more than once."""
        members = [getattr(self, name) for name in self._identity()]
        return "/".join("" if member is None else str(member) for member in (self.type, *members))

    def _identity(self) -> list[str]:
        """Names of the fields that tell this event from others of its type: all that are its own."""
        return [attribute.name for attribute in fields(type(self)) if attribute.name not in _SHARED]


_SHARED = ("type", "emitted_at", "extra")


@frozen(kw_only=True)
class _LiveStreamEvent(_Event):
    live_stream_id: str | None = None
    """The live stream."""
    extra: Mapping[str, Any] = field(factory=dict)

    def _identity(self) -> list[str]:
        # A live stream is broadcast again and again: only the moment tells the broadcasts apart.
        return ["live_stream_id", "emitted_at"]


@frozen(kw_only=True)
class LiveStreamBroadcastStarted(_LiveStreamEvent):
    """A live stream went on air."""

    TYPE: ClassVar[str] = "live-stream.broadcast.started"


@frozen(kw_only=True)
class LiveStreamBroadcastEnded(_LiveStreamEvent):
    """A live stream went off air."""

    TYPE: ClassVar[str] = "live-stream.broadcast.ended"


@frozen(kw_only=True)
class VideoSourceRecorded(_Event):
    """The recording of a live stream is ready to be encoded."""

    TYPE: ClassVar[str] = "video.source.recorded"

    live_stream_id: str | None = None
    """The live stream."""
    video_id: str | None = None
    """The recording."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoEncodingQualityCompleted(_Event):
    """One quality of a video is ready; comes once for each of them."""

    TYPE: ClassVar[str] = "video.encoding.quality.completed"

    video_id: str | None = None
    """The video."""
    live_stream_id: str | None = None
    """The live stream of which it is a recording."""
    encoding: Literal["hls", "mp4"] | str | None = None
    """What it is for."""
    quality: Literal["240p", "360p", "480p", "720p", "1080p", "2160p"] | str | None = None
    """Its height."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoCaptionGenerated(_Event):
    """A transcript of a video is ready as captions."""

    TYPE: ClassVar[str] = "video.caption.generated"

    video_id: str | None = None
    """The video."""
    caption_id: str | None = None
    """The captions; begins with ``caption_``. No operation takes it."""
    generation_mode: Literal["transcript"] | str | None = None
    """How they were made."""
    language: str | None = None
    """Language tag, for ``captions.get``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoSummaryGenerated(_Event):
    """The summary of a video is ready."""

    TYPE: ClassVar[str] = "video.summary.generated"

    video_id: str | None = None
    """The video."""
    summary_id: str | None = None
    """The summary, for ``summaries.get_source``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class UnknownEvent(_Event):
    """An event of a type that this version does not know; everything but type and moment is in ``extra``."""

    extra: Mapping[str, Any] = field(factory=dict)

    @property
    def key(self) -> str:
        """The whole event: what identifies it is not known."""
        return json.dumps(to_json(self), sort_keys=True)


WebhookEvent: TypeAlias = (
    LiveStreamBroadcastStarted
    | LiveStreamBroadcastEnded
    | VideoSourceRecorded
    | VideoEncodingQualityCompleted
    | VideoCaptionGenerated
    | VideoSummaryGenerated
    | UnknownEvent
)
"""Whatever a webhook may be told."""

_KNOWN: Mapping[str, type[WebhookEvent]] = {
    kind.TYPE: kind
    for kind in (
        *(LiveStreamBroadcastStarted, LiveStreamBroadcastEnded, VideoSourceRecorded),
        *(VideoEncodingQualityCompleted, VideoCaptionGenerated, VideoSummaryGenerated),
    )
}


def event_from(value: Mapping[str, Any]) -> WebhookEvent:
    """Read an event; one of an unknown type, or of none, is an ``UnknownEvent``."""
    name = value.get("type")
    kind = _KNOWN.get(name, UnknownEvent) if isinstance(name, str) else UnknownEvent
    return from_json(value, kind)
