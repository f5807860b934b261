"""Webhooks: subscriptions, and the deliveries that come in (service.md#webhook-operations, service.md#webhooks)."""

from collections.abc import Iterable, Sequence
from typing import Unpack

from ..config import UNSET, Unset
from ..models import Webhook, WebhookEvent, WebhookEventType
from ..paginator import Paginator
from ..protocol import webhooks
from ..protocol.json_body import text_list
from ..protocol.request import path_for
from ._resource import PageQuery, Resource

__all__ = ["Webhooks"]


class Webhooks(Resource):
    """``client.webhooks``. A subscription cannot be changed: create another and delete the old one."""

    def list(self, *, events: WebhookEventType | Unset = UNSET, **page: Unpack[PageQuery]) -> Paginator[Webhook]:
        """List subscriptions (``GET /webhooks``, reads); ``events``: those told about this one type of event."""
        return self._list("webhooks.list", "/webhooks", Webhook, page, {"events": events})

    async def create(self, *, events: Sequence[WebhookEventType], url: str) -> Webhook:
        """Subscribe (``POST /webhooks``, writes).

        ``events``: the types to be told about; ``url``: where deliveries go, as signed POSTs. Keep the answer's
        ``signature_secret``: ``unwrap`` needs it. Raises ``BadRequestError`` for an unknown type, an address that is
        none, and (``webhook-limit-reached``) too many subscriptions.
        """
        fields = {"events": text_list("events", events), "url": url}
        return await self._call("webhooks.create", "POST", "/webhooks", Webhook, fields)

    async def get(self, webhook_id: str) -> Webhook:
        """Show a subscription (``GET /webhooks/{webhookId}``, reads). ``NotFoundError`` when there is none."""
        path = path_for("/webhooks/{webhook_id}", webhook_id=webhook_id)
        return await self._call("webhooks.get", "GET", path, Webhook)

    async def delete(self, webhook_id: str, *, missing_ok: bool = False) -> None:
        """Unsubscribe (``DELETE /webhooks/{webhookId}``, writes).

        Raises ``NotFoundError`` when there is no such subscription, unless ``missing_ok``.
        """
        path = path_for("/webhooks/{webhook_id}", webhook_id=webhook_id)
        await self._delete("webhooks.delete", path, missing_ok=missing_ok)

    def verify(self, body: webhooks.Body, headers: webhooks.Headers, secret: str | Iterable[str] | None = None) -> None:
        """Check the signature of a delivery; as ``webhooks.verify``, with the client's secret unless one is given."""
        webhooks.verify(body, headers, self._secret(secret))

    def unwrap(
        self, body: webhooks.Body, headers: webhooks.Headers, secret: str | Iterable[str] | None = None
    ) -> WebhookEvent:
        """Check and read a delivery; as ``webhooks.unwrap``, with the client's secret unless one is given.

        The client's secret is ``webhook_secret=`` or ``APIVIDEO_WEBHOOK_SECRET``. Sends nothing.
        """
        return webhooks.unwrap(body, headers, self._secret(secret))

    def _secret(self, given: str | Iterable[str] | None) -> str | Iterable[str]:
        # Without any, `webhooks.verify` says what to do.
        return given if given is not None else self._pipeline.config.webhook_secret or ()
