"""Webhook subscriptions and deliveries (service.md#webhook-operations, service.md#webhooks)."""

from collections.abc import Sequence
from typing import Unpack

from ..config import UNSET, Unset
from ..models import Webhook, WebhookEvent, WebhookEventType
from ..paginator import Paginator
from ..protocol import webhooks
from ..protocol.json_body import text_list
from ..protocol.request import path_for
from ..protocol.writes import ExtraParameters, extra_only
from ._resource import PageQuery, Resource

__all__ = ["Webhooks"]


class Webhooks(Resource):
    """``client.webhooks``.

    A subscription cannot be changed: create a new one and delete the old one. In ``verify`` and
    ``unwrap``, ``secret`` defaults to ``webhook_secret=`` of the client or
    ``APIVIDEO_WEBHOOK_SECRET``.
    """

    def list(
        self, *, events: WebhookEventType | Unset = UNSET, **page: Unpack[PageQuery]
    ) -> Paginator[Webhook]:
        """List all subscriptions, or those to one event type (``GET /webhooks``, reads)."""
        return self._list("webhooks.list", "/webhooks", Webhook, page, {"events": events})

    async def create(
        self, *, events: Sequence[WebhookEventType], url: str, **extra: Unpack[ExtraParameters]
    ) -> Webhook:
        """Create a subscription (``POST /webhooks``, writes).

        ``url`` is the address that receives deliveries as signed POST requests. Store
        ``signature_secret`` of the result, because ``unwrap`` needs it. Raises ``BadRequestError``
        for an unknown event type, an invalid address, and too many subscriptions
        (``webhook-limit-reached``).
        """
        fields = {"events": text_list("events", events), "url": url, **extra_only(extra)}
        return await self._write("webhooks.create", "POST", "/webhooks", Webhook, fields)

    async def get(self, webhook_id: str) -> Webhook:
        """Return a subscription (``GET /webhooks/{webhookId}``, reads)."""
        path = path_for("/webhooks/{webhook_id}", webhook_id=webhook_id)
        return await self._call("webhooks.get", "GET", path, Webhook)

    async def delete(self, webhook_id: str, *, missing_ok: bool = False) -> None:
        """Delete a subscription (``DELETE /webhooks/{webhookId}``, writes)."""
        path = path_for("/webhooks/{webhook_id}", webhook_id=webhook_id)
        await self._delete("webhooks.delete", path, missing_ok=missing_ok)

    def verify(
        self,
        body: webhooks.Body,
        headers: webhooks.Headers,
        secret: webhooks.Secrets | None = None,
    ) -> None:
        """Verify the signature of a delivery, like ``webhooks.verify``. Sends no request."""
        webhooks.verify(body, headers, self._secret(secret))

    def unwrap(
        self,
        body: webhooks.Body,
        headers: webhooks.Headers,
        secret: webhooks.Secrets | None = None,
    ) -> WebhookEvent:
        """Verify and parse a delivery, like ``webhooks.unwrap``. Sends no request."""
        return webhooks.unwrap(body, headers, self._secret(secret))

    def _secret(self, secret: webhooks.Secrets | None) -> webhooks.Secrets:
        # Without any secret, ``webhooks.verify`` raises an error that explains what to do.
        return self._pipeline.config.webhook_secret or () if secret is None else secret
