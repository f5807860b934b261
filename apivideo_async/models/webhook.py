"""Webhook subscriptions (service.md#webhook-subscriptions)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

__all__ = ["Webhook", "WebhookEventType"]

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
"""Types of events. Values that this version does not know are kept as text."""


@frozen(kw_only=True)
class Webhook:
    """A webhook subscription."""

    webhook_id: str = ""
    """Identifier; begins with ``webhook_``."""
    events: list[WebhookEventType] = field(factory=list)
    """Types of events that are delivered."""
    url: str | None = None
    """URL to which api.video sends events."""
    signature_secret: str | None = field(default=None, repr=False)
    """Secret that signs the deliveries, so ``repr`` leaves it out.

    Some responses do not contain it.
    """
    created_at: datetime | None = None
    """Time of creation."""
    extra: Mapping[str, Any] = field(factory=dict, repr=False)
