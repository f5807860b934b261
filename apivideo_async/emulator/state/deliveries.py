"""Webhook deliveries: in order for each video or live stream, and repeated when they fail."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from weakref import WeakValueDictionary

from aiohttp import ClientError, ClientSession, ClientTimeout
from attrs import define, field

from ..rules.network import may_call
from ..settings import Settings
from .webhook import Webhook

__all__ = ["Deliveries", "Delivery"]

_log = logging.getLogger("apivideo_async.emulator")

# Attempts after the first one.
_RETRIES = 3


@define(eq=False)
class Delivery:
    """One event for one webhook. ``subject`` is the id of its video or live stream.

    ``answers`` has the status of each attempt, None if there was no response. ``state`` is
    ``"waiting"`` (for an earlier delivery, a response or the next attempt), ``"delivered"``,
    ``"failed"``, ``"cancelled"`` (the webhook was deleted), or ``"not-allowed"`` (the URL is on
    another machine, or a web page subscribed it).
    """

    number: int
    subject: str
    webhook_id: str
    url: str
    event: dict[str, str]
    body: str
    headers: dict[str, str]
    state: str = "waiting"
    answers: list[int | None] = field(factory=list)


@define(eq=False)
class Deliveries:
    """Performs deliveries and keeps a log of them (service.md#webhook-delivery)."""

    _settings: Settings
    _webhooks: Mapping[str, Webhook]
    _spawn: Callable[[Coroutine[Any, Any, None]], None]
    log: list[Delivery] = field(factory=list, init=False)
    # One lock per webhook and subject. Weak values remove a lock when no delivery uses it any more.
    _locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = field(
        factory=WeakValueDictionary, init=False
    )

    def send(self, webhook: Webhook, event: Mapping[str, str], subject: str) -> None:
        """Start a delivery, which waits for earlier ones to the webhook about ``subject``."""
        body = json.dumps(dict(event), separators=(",", ":")).encode()
        delivery = Delivery(
            number=len(self.log) + 1,
            subject=subject,
            webhook_id=webhook.id,
            url=webhook.url,
            event=dict(event),
            body=body.decode(),
            headers=webhook.headers(body),
        )
        self.log.append(delivery)
        allow_network = self._settings.allow_network
        if may_call(webhook.url, from_page=webhook.from_page, allow_network=allow_network):
            lock = self._locks.setdefault((webhook.id, subject), asyncio.Lock())
            self._spawn(self._deliver(delivery, lock))
        else:
            delivery.state = "not-allowed"
            reason = "a web page subscribed it" if webhook.from_page else "see --allow-network"
            _log.warning("%s is not called for %s: %s", webhook.url, webhook.id, reason)

    async def _deliver(self, delivery: Delivery, lock: asyncio.Lock) -> None:
        # ``asyncio.Lock`` wakes its waiters in order, so deliveries keep the order of the events.
        async with lock:
            for attempt in range(1 + _RETRIES):
                if attempt:
                    await asyncio.sleep(self._settings.webhook_pause)
                # Checked before each attempt: the webhook may have been deleted during the wait.
                if delivery.webhook_id not in self._webhooks:
                    delivery.state = "cancelled"
                    return
                status = await self._attempt(delivery)
                delivery.answers.append(status)
                # A redirect is a failure (service.md#webhook-delivery).
                if status is not None and status <= 299:
                    delivery.state = "delivered"
                    return
                _log.warning("%s", _failure(delivery, status, attempt))
            delivery.state = "failed"

    async def _attempt(self, delivery: Delivery) -> int | None:
        body, headers = delivery.body.encode(), delivery.headers
        timeout = ClientTimeout(total=self._settings.webhook_timeout)
        try:
            async with (
                ClientSession(timeout=timeout) as session,
                session.post(
                    delivery.url, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                return response.status
        except (ClientError, TimeoutError, OSError, ValueError):
            return None


def _failure(delivery: Delivery, status: int | None, attempt: int) -> str:
    """Return the message about an attempt that failed."""
    answer = f"answered {status}" if status is not None else "gave no response: does it run?"
    event = f"{delivery.event['type']} for {delivery.webhook_id}"
    if attempt < _RETRIES:
        return f"{delivery.url} {answer} ({event}, attempt {attempt + 1} of {1 + _RETRIES})"
    again = f"POST /_emulator/deliveries/{delivery.number} sends it again"
    return f"{delivery.url} {answer} ({event}, the last attempt; {again})"
