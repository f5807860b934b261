"""Events on their way to subscribers: signed, in order for each video, repeated when they fail.

See service.md#webhook-delivery.

Only addresses of this machine are called unless `allow_network` is set, and none that a web page subscribed.
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

RETRIES = 3


@dataclass(slots=True, eq=False)
class Delivery:
    """One event for one subscriber; `subject` is the video or live stream that it is about.

    `answers` has a status for each attempt, None where there was no answer. `state` is "waiting" (for its turn,
    an answer or a retry), "delivered", "failed", "cancelled" (the webhook was deleted) or "not-allowed" (the
    address is not on this machine, or a web page subscribed it).
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
    """The log of deliveries, and what carries them out."""

    spawn: Callable[[Coroutine[Any, Any, None]], None]
    webhooks: Mapping[str, Webhook]
    pause: float
    """Seconds between two attempts."""
    timeout: float
    """Seconds for one attempt (service.md#webhook-delivery)."""
    allow_network: bool
    log: list[Delivery] = field(default_factory=list)
    _turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def send(self, webhook: Webhook, event: Mapping[str, str], subject: str) -> None:
        """Begin a delivery; deliveries about one video or live stream to one subscriber take turns."""
        body = event_body(event)
        delivery = Delivery(
            len(self.log) + 1, subject, webhook.key, webhook.url, dict(event), body.decode(), webhook.headers(body)
        )
        self.log.append(delivery)
        if webhook.from_page or not (self.allow_network or may_call(webhook.url)):
            delivery.state = "not-allowed"
            return
        turn = self._turns.setdefault((webhook.key, subject), asyncio.Lock())
        self.spawn(self._deliver(delivery, turn))

    async def _deliver(self, delivery: Delivery, turn: asyncio.Lock) -> None:
        async with turn:
            for attempt in range(1 + RETRIES):
                if attempt:
                    await asyncio.sleep(self.pause)
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
        """Return the status that the subscriber answers, None when it does not."""
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=self.timeout)) as session,
                session.post(
                    delivery.url, data=delivery.body.encode(), headers=delivery.headers, allow_redirects=False
                ) as response,
            ):
                return response.status
        except (ClientError, TimeoutError, OSError, ValueError):
            return None
