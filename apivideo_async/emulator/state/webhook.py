"""Webhooks: a subscription to events, and the signature of its deliveries. No I/O.

See service.md#webhook-signatures.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from attrs import define

from .items import Item, timestamp

__all__ = ["EVENTS", "Webhook", "event_body", "is_delivered", "signature"]

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
    from_page: bool
    """Whether a web page created the webhook. Its events are then not delivered."""

    def as_json(self) -> dict[str, Any]:
        """Return the ``webhook`` schema, with the secret (service.md#webhook-subscriptions)."""
        return {
            "webhookId": self.key,
            "createdAt": timestamp(self.created),
            "events": list(self.events),
            "url": self.url,
            "signatureSecret": self.secret,
        }

    def headers(self, body: bytes) -> dict[str, str]:
        """Return the headers of a delivery."""
        return {
            "Content-Type": "application/json",
            "X-Api-Video-WebhookID": self.key,
            "X-Api-Video-Signature": signature(self.secret, body),
        }


def signature(secret: str, body: bytes) -> str:
    """Return the signature of the raw body in hexadecimal. The key is the whole secret."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def event_body(event: Mapping[str, str]) -> bytes:
    """Return the body of a delivery: the event as compact JSON."""
    return json.dumps(dict(event), separators=(",", ":")).encode()


def is_delivered(status: int | None) -> bool:
    """Return whether a delivery succeeded. None: no response. Redirects are failures."""
    return status is not None and status <= 299
