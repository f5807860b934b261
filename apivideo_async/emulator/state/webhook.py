"""A subscription to events, and how what is sent to it is signed (service.md#webhook-signatures). No I/O."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .items import Item, timestamp

EVENTS = (
    "live-stream.broadcast.started",
    "live-stream.broadcast.ended",
    "video.source.recorded",
    "video.encoding.quality.completed",
    "video.caption.generated",
    "video.summary.generated",
)


@dataclass(slots=True, eq=False, kw_only=True)
class Webhook(Item):
    """Where some kinds of events are sent."""

    events: tuple[str, ...]
    url: str
    secret: str
    from_page: bool
    """Whether a web page made it; then nothing is delivered."""

    def as_json(self) -> dict[str, Any]:
        """Return the `webhook` schema, always with its secret (service.md#webhook-subscriptions)."""
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
    """Sign the raw body; the key is the whole secret, `sig_sec_` included (service.md#webhook-signatures)."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def event_body(event: Mapping[str, str]) -> bytes:
    """Write an event as it is sent: compact JSON."""
    return json.dumps(dict(event), separators=(",", ":")).encode()


def delivered(status: int | None) -> bool:
    """Whether a subscriber's answer ends the delivery; redirects do not, no answer is None.

    See service.md#webhook-delivery.
    """
    return status is not None and status <= 299
