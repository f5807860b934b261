"""``/webhooks`` (service.md#webhook-operations, service.md#webhook-subscriptions)."""

from aiohttp import web

from ..browsers import sent_by_page
from ..operations import Call, json_response, page_response
from ..rules.payloads import Check, array, one_of, validate, web_url
from ..rules.problems import refuse
from ..state.webhook import EVENTS, Webhook
from .items import Items

__all__ = ["WEBHOOKS", "create", "list_webhooks"]

WEBHOOKS = Items[Webhook](
    collection=lambda state: state.webhooks,
    parameter="webhookId",
    as_json=lambda call, webhook: webhook.as_json(),
)


_CREATION: dict[str, Check] = {"events": array(one_of(*EVENTS)), "url": web_url}


async def list_webhooks(call: Call) -> web.StreamResponse:
    """List the webhooks, newest first. The filter takes one event. There are no sort keys."""
    event = call.request.query.get("events")
    webhooks = [
        webhook
        for webhook in reversed(call.state.webhooks.values())
        if event is None or event in webhook.events
    ]
    return page_response(call, webhooks, Webhook.as_json)


async def create(call: Call) -> web.StreamResponse:
    """Subscribe a URL to events (service.md#webhook-subscriptions)."""
    state = call.state
    body = validate(await call.json(), _CREATION, required=("events", "url"))
    if len(state.webhooks) >= state.settings.webhook_limit:
        raise refuse("webhook-limit-reached")
    secret = state.ids.opaque("sig_sec_")
    webhook = Webhook(
        **state.item_fields("webhook_"),
        events=tuple(body["events"]),
        url=body["url"],
        secret=secret,
        from_page=sent_by_page(call.request),
    )
    return json_response(state.webhooks.add(webhook).as_json(), 201)
