"""Webhooks: where api.video tells what happened (service.md#webhook-subscriptions)."""

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
"""What can be subscribed to; values that do not exist yet are kept as text."""


@frozen(kw_only=True)
class Webhook:
    """A subscription."""

    webhook_id: str = ""
    """Identifies it; begins with ``webhook_``."""
    events: list[WebhookEventType] = field(factory=list)
    """What it is told about."""
    url: str | None = None
    """Where deliveries go."""
    signature_secret: str | None = field(default=None, repr=False)
    """Signs the deliveries; a secret, so ``repr`` leaves it out. Not in every answer."""
    created_at: datetime | None = None
    """When it was created."""
    extra: Mapping[str, Any] = field(factory=dict, repr=False)
