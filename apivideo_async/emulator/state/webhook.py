"""Webhooks: subscriptions to events, and the signatures of deliveries. No I/O."""

import hashlib
import hmac
from typing import Any

from attrs import define

from .items import Item, timestamp

__all__ = ["EVENTS", "Webhook", "signature"]

EVENTS = (
    "live-stream.broadcast.started",
    "live-stream.broadcast.ended",
    "video.source.recorded",
    "video.encoding.quality.completed",
    "video.caption.generated",
    "video.summary.generated",
)


@define(eq=False, kw_only=True)
class Webhook(Item):
    """A subscription of a URL to some types of events."""

    events: tuple[str, ...]
    url: str
    secret: str
    # Whether a web page created the webhook. Its events are then not delivered.
    from_page: bool

    def as_json(self) -> dict[str, Any]:
        """Return the ``webhook`` schema, with the secret (service.md#webhook-subscriptions)."""
        return {
            "webhookId": self.id,
            "createdAt": timestamp(self.created),
            "events": list(self.events),
            "url": self.url,
            "signatureSecret": self.secret,
        }

    def headers(self, body: bytes) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "X-Api-Video-WebhookID": self.id,
            "X-Api-Video-Signature": signature(self.secret, body),
        }


def signature(secret: str, body: bytes) -> str:
    """Return the signature of the raw body in hexadecimal (service.md#webhook-signatures)."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
