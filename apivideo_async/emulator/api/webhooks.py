"""``/webhooks`` (service.md#webhook-operations, service.md#webhook-subscriptions)."""

from __future__ import annotations

from aiohttp import web

from ..browsers import sent_by_page
from ..operations import Call, Operation, answer, answer_page, api, no_content
from ..rules.payloads import Check, array, one_of, validate, web_url
from ..rules.problems import refuse
from ..state.webhook import EVENTS, Webhook

_CREATION: dict[str, Check] = {"events": array(one_of(*EVENTS)), "url": web_url}


async def list_webhooks(call: Call) -> web.StreamResponse:
    """List the webhooks, newest first. The filter ``events`` takes one event.

    See service.md#webhook-operations.
    """
    wanted = call.request.query.get("events")
    webhooks = [
        each for each in call.state.webhooks.values() if wanted is None or wanted in each.events
    ]
    return answer_page(call, webhooks[::-1], Webhook.as_json)


async def create(call: Call) -> web.StreamResponse:
    """Subscribe a URL to events. The response is 201 with the signature secret.

    See service.md#webhook-subscriptions.
    """
    state = call.state
    body = validate(await call.json(), _CREATION, required=("events", "url"))
    if len(state.webhooks) >= state.settings.webhook_limit:
        raise refuse(
            400, "webhook-limit-reached", "Your account has reached the webhook urls limit."
        )
    secret = state.ids.opaque("sig_sec_")
    webhook = Webhook(
        **state.item_fields("webhook_"),
        events=tuple(body["events"]),
        url=body["url"],
        secret=secret,
        from_page=sent_by_page(call.request),
    )
    return answer(state.webhooks.add(webhook).as_json(), 201)


async def get(call: Call) -> web.StreamResponse:
    """Return one webhook."""
    return answer(call.state.webhooks.find(call.path("webhookId")).as_json())


async def delete(call: Call) -> web.StreamResponse:
    """Delete a webhook. Its pending deliveries get no further attempt."""
    call.state.webhooks.remove(call.path("webhookId"))
    return no_content()


OPERATIONS: tuple[Operation, ...] = (
    api("webhooks.list", "GET", "/webhooks", list_webhooks),
    api("webhooks.create", "POST", "/webhooks", create),
    api("webhooks.get", "GET", "/webhooks/{webhookId}", get),
    api("webhooks.delete", "DELETE", "/webhooks/{webhookId}", delete),
)
