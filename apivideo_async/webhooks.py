"""Receiving webhooks, without a client.

::

    from apivideo_async import webhooks

    event = webhooks.unwrap(body, headers, secret)       # checked and typed

    handler = webhooks.WebhookHandler(secret)            # or once per event, whatever is delivered how often

    @handler.on(webhooks.VideoEncodingQualityCompleted)
    async def ready(event: webhooks.VideoEncodingQualityCompleted) -> None: ...

    await handler.handle(body, headers)                  # in any web framework
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from .models import (
    LiveStreamBroadcastEnded,
    LiveStreamBroadcastStarted,
    UnknownEvent,
    VideoCaptionGenerated,
    VideoEncodingQualityCompleted,
    VideoSourceRecorded,
    VideoSummaryGenerated,
    WebhookEvent,
)
from .protocol.webhooks import SIGNATURE_HEADER, WEBHOOK_ID_HEADER, sign, unwrap, verify

__all__ = [
    "SIGNATURE_HEADER",
    "WEBHOOK_ID_HEADER",
    "LiveStreamBroadcastEnded",
    "LiveStreamBroadcastStarted",
    "UnknownEvent",
    "VideoCaptionGenerated",
    "VideoEncodingQualityCompleted",
    "VideoSourceRecorded",
    "VideoSummaryGenerated",
    "WebhookEvent",
    "WebhookHandler",
    "sign",
    "unwrap",
    "verify",
]

E = TypeVar("E", bound=WebhookEvent)
Reaction = Callable[[Any], Awaitable[None]]


class WebhookHandler:
    """Checks deliveries and calls what reacts to them, once per event.

    api.video repeats a delivery that was not answered with a status up to 299, three times, three seconds apart; so
    answer soon, and let an error out: the event is then not done, and its next delivery tries again.

    - ``secret``: one or several, as for ``verify``;
    - ``remember``: how many events are known as done; the oldest are forgotten. They are kept in memory: several
      processes, or one that restarts, need a store of their own, keyed on ``event.key``.
    """

    def __init__(self, secret: str | Iterable[str], *, remember: int = 10_000) -> None:
        self._secrets = [secret] if isinstance(secret, str) else list(secret)
        self._remember = remember
        self._reactions: list[tuple[type[Any], Reaction]] = []
        self._done: OrderedDict[str, None] = OrderedDict()
        self._running: dict[str, asyncio.Future[None]] = {}

    def on(self, kind: type[E]) -> Callable[[Callable[[E], Awaitable[None]]], Callable[[E], Awaitable[None]]]:
        """Register an async function for a class of events (``UnknownEvent``: those this version does not know)."""

        def register(reaction: Callable[[E], Awaitable[None]]) -> Callable[[E], Awaitable[None]]:
            self._reactions.append((kind, reaction))
            return reaction

        return register

    async def handle(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Take a delivery. Returns whether it was new; False: done before, or done by a delivery under way.

        Raises ``WebhookSignatureError`` for a delivery that api.video did not sign (answer 400), and whatever a
        reaction raises (answer 500, so that it is delivered again).
        """
        event = unwrap(body, headers, self._secrets)
        while (running := self._running.get(event.key)) is not None:
            # Not cancelled with us, and its failure is told to whoever runs it: here it is one more try.
            await asyncio.wait([running])
        if event.key in self._done:
            return False
        self._running[event.key] = asyncio.get_running_loop().create_future()
        try:
            await self._react(event)
        finally:
            self._running.pop(event.key).set_result(None)
        return True

    async def _react(self, event: WebhookEvent) -> None:
        for kind, reaction in self._reactions:
            if isinstance(event, kind):
                await reaction(event)
        self._done[event.key] = None
        if len(self._done) > self._remember:
            self._done.popitem(last=False)
