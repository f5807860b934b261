"""Webhook deliveries: signed, in order for each video or live stream, and repeated when they fail.

See service.md#webhook-delivery. Only URLs of this machine are called, unless ``allow_network`` is
set, and no URLs that a web page subscribed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from aiohttp import ClientError, ClientSession, ClientTimeout

from ..rules.network import may_call
from .webhook import Webhook, delivered, event_body

# Attempts after the first one.
RETRIES = 3


@dataclass(slots=True, eq=False)
class Delivery:
    """One event for one subscriber. ``subject`` is the id of the video or live stream of the event.

    ``answers`` has the status of each attempt, None if there was no response. ``state`` is one of:

    - ``"waiting"``: for an earlier delivery, a response or the next attempt;
    - ``"delivered"``, ``"failed"``;
    - ``"cancelled"``: the webhook was deleted;
    - ``"not-allowed"``: the URL is on another machine, or a web page subscribed it.
    """

    number: int
    subject: str
    webhook_id: str
    url: str
    event: dict[str, str]
    body: str
    headers: dict[str, str]
    state: str = "waiting"
    answers: list[int | None] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Deliveries:
    """The log of deliveries, and the code that performs them."""

    spawn: Callable[[Coroutine[Any, Any, None]], None]
    webhooks: Mapping[str, Webhook]
    pause: float
    """Seconds between two attempts."""
    timeout: float
    """Seconds for one attempt (service.md#webhook-delivery)."""
    allow_network: bool
    log: list[Delivery] = field(default_factory=list)
    # One lock per webhook and subject. Weak values remove a lock when no delivery uses it any more.
    _turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )

    def send(self, webhook: Webhook, event: Mapping[str, str], subject: str) -> None:
        """Start a delivery in the background.

        Deliveries of one webhook about one subject are performed one after the other.
        """
        body = event_body(event)
        delivery = Delivery(
            len(self.log) + 1,
            subject,
            webhook.key,
            webhook.url,
            dict(event),
            body.decode(),
            webhook.headers(body),
        )
        self.log.append(delivery)
        if webhook.from_page or not (self.allow_network or may_call(webhook.url)):
            delivery.state = "not-allowed"
            return
        turn = self._turns.setdefault((webhook.key, subject), asyncio.Lock())
        self.spawn(self._deliver(delivery, turn))

    async def _deliver(self, delivery: Delivery, turn: asyncio.Lock) -> None:
        # ``asyncio.Lock`` wakes its waiters in order, so the deliveries keep the order of the
        # events.
        async with turn:
            for attempt in range(1 + RETRIES):
                if attempt:
                    await asyncio.sleep(self.pause)
                # Checked before each attempt: the webhook may have been deleted during the wait.
                if delivery.webhook_id not in self.webhooks:
                    delivery.state = "cancelled"
                    return
                status = await self._attempt(delivery)
                delivery.answers.append(status)
                if delivered(status):
                    delivery.state = "delivered"
                    return
            delivery.state = "failed"

    async def _attempt(self, delivery: Delivery) -> int | None:
        """Return the status of the subscriber's response, or None if there is none."""
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=self.timeout)) as session,
                session.post(
                    delivery.url,
                    data=delivery.body.encode(),
                    headers=delivery.headers,
                    allow_redirects=False,
                ) as response,
            ):
                return response.status
        except (ClientError, TimeoutError, OSError, ValueError):
            return None
