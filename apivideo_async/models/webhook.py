"""Subscriptions and events (service.md#webhook-subscriptions, service.md#webhook-events)."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal, Self, TypeAlias, get_args

from attrs import field, fields, frozen

from ._convert import from_json, to_json
from ._model import Model

__all__ = [
    "LiveStreamBroadcastEnded",
    "LiveStreamBroadcastStarted",
    "UnknownEvent",
    "VideoCaptionGenerated",
    "VideoEncodingQualityCompleted",
    "VideoSourceRecorded",
    "VideoSummaryGenerated",
    "Webhook",
    "WebhookEvent",
    "WebhookEventType",
]

WebhookEventType: TypeAlias = (
    Literal[
        "live-stream.broadcast.started",
        "live-stream.broadcast.ended",
        "video.source.recorded",
        "video.encoding.quality.completed",
        "video.caption.generated",
        "video.summary.generated",
    ]
    | str
)


@frozen(kw_only=True)
class Webhook(Model):
    """A webhook subscription."""

    webhook_id: str = ""
    """Identifier; begins with ``webhook_``."""
    events: list[WebhookEventType] = field(factory=list)
    url: str | None = None
    signature_secret: str | None = field(default=None, repr=False)
    """Secret that signs the deliveries, so ``repr`` leaves it out. Some responses lack it."""
    created_at: datetime | None = None
    extra: Mapping[str, Any] = field(factory=dict, repr=False)


@frozen(kw_only=True)
class _Event(Model):
    TYPE: ClassVar[str] = ""

    type: str = ""
    """Type of the event, such as ``video.source.recorded``."""
    emitted_at: datetime | None = None
    """Time of the event; None if it cannot be parsed, and ``extra`` then contains the text."""

    @property
    def key(self) -> str:
        """The same text for every delivery of this event, because deliveries have no id."""
        values = [getattr(self, name) for name in self._identifying_fields()]
        return "/".join("" if value is None else str(value) for value in (self.type, *values))

    @classmethod
    def _read(cls, value: Mapping[str, Any], *_: Any) -> Self:
        # The type decides, so that of the classes of ``WebhookEvent`` exactly one accepts a value.
        event = event_from(value)
        if not isinstance(event, cls):
            raise ValueError(f"{cls.__name__} is an event of another type")  # noqa: TRY004
        return event

    def _identifying_fields(self) -> list[str]:
        """Return the fields that distinguish events of one type: by default, all that it adds."""
        shared = ("type", "emitted_at", "extra")
        return [attribute.name for attribute in fields(type(self)) if attribute.name not in shared]


@frozen(kw_only=True)
class _LiveStreamEvent(_Event):
    live_stream_id: str | None = None
    extra: Mapping[str, Any] = field(factory=dict)

    def _identifying_fields(self) -> list[str]:
        # A live stream is broadcast many times, and only the time distinguishes the broadcasts.
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
    video_id: str | None = None
    """Identifier of the recording."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoEncodingQualityCompleted(_Event):
    """One quality of a video is ready. There is one event for each quality."""

    TYPE: ClassVar[str] = "video.encoding.quality.completed"

    video_id: str | None = None
    live_stream_id: str | None = None
    """Identifier of the recorded live stream; None if the video is not a recording."""
    encoding: Literal["hls", "mp4"] | str | None = None
    quality: Literal["240p", "360p", "480p", "720p", "1080p", "2160p"] | str | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoCaptionGenerated(_Event):
    """A transcript of a video is ready as captions."""

    TYPE: ClassVar[str] = "video.caption.generated"

    video_id: str | None = None
    caption_id: str | None = None
    """Identifier of the captions; begins with ``caption_``. No operation uses it."""
    generation_mode: Literal["transcript"] | str | None = None
    language: str | None = None
    """Language tag for ``captions.get``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class VideoSummaryGenerated(_Event):
    """The summary of a video is ready."""

    TYPE: ClassVar[str] = "video.summary.generated"

    video_id: str | None = None
    summary_id: str | None = None
    """Identifier of the summary for ``summaries.get_source``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class UnknownEvent(_Event):
    """An event of an unknown type. All members except type and time are in ``extra``."""

    extra: Mapping[str, Any] = field(factory=dict)

    @property
    def key(self) -> str:
        """The whole event as JSON, because its identifying members are not known."""
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

_KINDS: Mapping[str, type[WebhookEvent]] = {kind.TYPE: kind for kind in get_args(WebhookEvent)}


def event_from(value: Mapping[str, Any]) -> WebhookEvent:
    """Convert a parsed body. A missing or unknown type gives an ``UnknownEvent``."""
    # ``type`` may have any form, and only a text can be looked up in the dict.
    name = value.get("type")
    kind = _KINDS.get(name, UnknownEvent) if isinstance(name, str) else UnknownEvent
    return from_json(value, kind)
