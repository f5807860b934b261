"""Receiving webhooks, without a client.

::

    from apivideo_async import webhooks

    event = webhooks.unwrap(body, headers, secret)       # checked and typed

    handler = webhooks.WebhookHandler(secret)            # or once per event, whatever is delivered how often

    @handler.on(webhooks.VideoEncodingQualityCompleted)
    async def ready(event: webhooks.VideoEncodingQualityCompleted) -> None: ...

    await handler.handle(body, headers)                  # in any web framework, from any thread and loop
"""

import asyncio
import contextvars
import inspect
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from typing import Any, TypeVar, get_args

from .errors import ConfigurationError
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
from .protocol.webhooks import SIGNATURE_HEADER, WEBHOOK_ID_HEADER, Body, Headers, secrets_from, sign, unwrap, verify

__all__ = [
    "SIGNATURE_HEADER",
    "WEBHOOK_ID_HEADER",
    "Headers",
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
R = TypeVar("R")

_LOOK_AGAIN = 1.0
"""Seconds after which a waiting delivery looks whether the loop of the one that it waits for was closed."""


class _Turn:
    """The delivery that handles an event now, and the deliveries of the same event that wait for it.

    Each waits on a future of its own loop. A future must only be used in its own loop, and an event may be delivered
    to several loops at once: a synchronous web framework runs `asyncio.run` for each request, in threads.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def abandoned(self) -> bool:
        """Whether it cannot end any more, because its loop was closed under it."""
        return self._loop.is_closed()

    def join(self) -> "asyncio.Future[None]":
        """Return a future of the running loop that ends with this turn. Call it with the handler's lock held."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return future

    def end(self) -> None:
        """Wake up all that wait; the first of them may then take its turn."""
        for future in self._waiting:
            with suppress(RuntimeError):  # Its loop was closed.
                future.get_loop().call_soon_threadsafe(_wake, future)


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class WebhookHandler:
    """Checks deliveries and calls what reacts to them, once per event. Usable from several threads and event loops.

    api.video repeats a delivery that was not answered with a status up to 299, three times, three seconds apart; so
    answer soon, and let an error out: the event is then not done, and its next delivery tries again.

    - ``secret``: one or several, as for ``verify``;
    - ``remember``: how many events are known as done; the oldest are forgotten. They are kept in memory: several
      processes, or one that restarts, need a store of their own, keyed on ``event.key``.

    Raises ``ConfigurationError`` for arguments that cannot work.
    """

    def __init__(self, secret: str | Iterable[str], *, remember: int = 10_000) -> None:
        if not _is_count(remember):
            raise ConfigurationError(f"remember must be a whole number, 0 or more, not {remember!r}")
        self._secrets = secrets_from(secret)
        self._remember = remember
        self._reactions: list[tuple[type[Any], Callable[[Any], Any]]] = []
        # Reentrant: the garbage collector may close an abandoned coroutine, and so end its turn, in any statement.
        self._lock = threading.RLock()
        self._done: OrderedDict[bytes, None] = OrderedDict()
        self._turns: dict[bytes, _Turn] = {}

    def on(self, kind: type[E]) -> Callable[[Callable[[E], R]], Callable[[E], R]]:
        """Register a function for a class of events (``UnknownEvent``: those this version does not know).

        The function takes the event. A plain function runs in a thread, so it may block. Raises ``ConfigurationError``
        for anything but a class of events and a function.
        """
        if not all(map(_is_event_class, get_args(kind) or (kind,))):
            raise ConfigurationError(f"on() takes a class of events, such as VideoSourceRecorded, not {kind!r}")

        def register(reaction: Callable[[E], R]) -> Callable[[E], R]:
            if not callable(reaction):
                raise ConfigurationError(f"on(...) decorates a function, not {reaction!r}")
            self._reactions.append((kind, reaction))
            return reaction

        return register

    async def handle(self, body: Body, headers: Headers) -> bool:
        """Take a delivery. Returns whether it was new; False: done before, or done by a delivery under way.

        A delivery of an event that is being handled waits for the end. If that fails or is cancelled, this one handles
        the event. Raises ``WebhookSignatureError`` for a delivery that api.video did not sign or that is no event
        (answer 400), and whatever a reaction raises (answer 500, so that it is delivered again).
        """
        event = unwrap(body, headers, self._secrets)
        # The digest, because the key of an unknown event is as long as its body.
        key = sha256(event.key.encode(errors="surrogatepass")).digest()
        turn = await self._turn(key)
        if turn is None:
            return False
        try:
            for kind, reaction in list(self._reactions):
                if isinstance(event, kind):
                    await _call(reaction, event)
            self._remember_done(key)
        finally:
            self._end(key, turn)
        return True

    async def _turn(self, key: bytes) -> _Turn | None:
        """Wait for the turn to handle an event; None when it is done."""
        while True:
            with self._lock:
                if key in self._done:
                    return None
                running = self._turns.get(key)
                if running is None or running.abandoned:
                    turn = self._turns[key] = _Turn()
                    return turn
                ended = running.join()
            while not ended.done() and not running.abandoned:
                await asyncio.wait([ended], timeout=_LOOK_AGAIN)

    def _remember_done(self, key: bytes) -> None:
        with self._lock:
            self._done[key] = None
            if len(self._done) > self._remember:
                self._done.popitem(last=False)

    def _end(self, key: bytes, turn: _Turn) -> None:
        with self._lock:
            if self._turns.get(key) is turn:  # Not when it was abandoned and another delivery took over.
                del self._turns[key]
            turn.end()


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


def _is_event_class(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, WebhookEvent)


async def _call(reaction: Callable[[Any], Awaitable[Any] | Any], event: WebhookEvent) -> None:
    if inspect.iscoroutinefunction(reaction) or inspect.iscoroutinefunction(type(reaction).__call__):
        await reaction(event)
        return

    def run() -> Any:
        try:
            return reaction(event)
        except StopIteration as error:  # A future cannot hold it.
            raise RuntimeError("the reaction raised StopIteration") from error

    # No task: the end of `asyncio.run` cancels all tasks, also one whose thread is running.
    running = asyncio.get_running_loop().run_in_executor(None, contextvars.copy_context().run, run)
    try:
        result = await asyncio.shield(running)
    except asyncio.CancelledError:
        # A thread cannot be cancelled. Its event must not be handled a second time beside it.
        await _finish(running)
        raise
    if inspect.isawaitable(result):
        await result


async def _finish(running: "asyncio.Future[Any]") -> None:
    while not running.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([running])
    if not running.cancelled():
        running.exception()  # The cancellation is raised instead.
