"""Receive webhooks. No client is needed.

::

    from apivideo_async import webhooks

    event = webhooks.unwrap(body, headers, secret)       # verified and typed

    handler = webhooks.WebhookHandler(secret)            # or: call functions once per event

    @handler.on(webhooks.VideoEncodingQualityCompleted)
    async def ready(event: webhooks.VideoEncodingQualityCompleted) -> None: ...

    await handler.handle(body, headers)                  # in any web framework, thread and loop
"""

import asyncio
import contextvars
import inspect
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable
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
from .protocol.webhooks import (
    SIGNATURE_HEADER,
    WEBHOOK_ID_HEADER,
    Body,
    Headers,
    Secrets,
    secrets_from,
    sign,
    unwrap,
    verify,
)
from .tasks import ignore_failure

__all__ = [
    "SIGNATURE_HEADER",
    "WEBHOOK_ID_HEADER",
    "Headers",
    "LiveStreamBroadcastEnded",
    "LiveStreamBroadcastStarted",
    "Secrets",
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

_CHECK_SECONDS = 1.0
"""Seconds between checks whether the event loop that handles the same event was closed."""


class _Handling:
    """The handling of one event, and the deliveries of the same event that wait for its end.

    Each waiting delivery has a future of its own loop, because several loops may receive the same
    event at once: a synchronous web framework runs ``asyncio.run`` for each request, in threads.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def abandoned(self) -> bool:
        """Whether the handling can no longer end, because its event loop was closed."""
        return self._loop.is_closed()

    def ended(self) -> "asyncio.Future[None]":
        """Return a future of the running loop for the end. The caller holds the handler's lock."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return future

    def end(self) -> None:
        """Wake all waiting deliveries. The first of them may then handle the event."""
        for future in self._waiting:
            with suppress(RuntimeError):  # The loop of this delivery was closed.
                future.get_loop().call_soon_threadsafe(_set_done, future)


def _set_done(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class WebhookHandler:
    """Checks webhook deliveries and calls the registered functions once per event.

    The handler can be used from several threads and event loops. api.video repeats a delivery that
    was not answered with a status up to 299, three times, three seconds apart. So answer soon, and
    do not catch errors of the functions: the event then counts as not handled, and the next
    delivery calls the functions again.

    - ``secret``: one secret or several, as for ``verify``.
    - ``remember``: how many handled events are remembered. The oldest are forgotten first. They are
      kept in memory: several processes, or a process that restarts, need their own store with
      ``event.key`` as the key.

    Raises ``ConfigurationError`` for arguments that cannot work.
    """

    def __init__(self, secret: Secrets, *, remember: int = 10_000) -> None:
        if type(remember) is not int or remember < 0:
            raise ConfigurationError(
                f"remember must be a whole number, 0 or more, not {remember!r}", option="remember"
            )
        self._secrets = secrets_from(secret)
        self._remember = remember
        self._functions: list[tuple[type[Any], Callable[[Any], Any]]] = []
        # Reentrant, because the garbage collector may close an abandoned coroutine in any
        # statement, and closing it calls ``_end``, which takes the lock.
        self._lock = threading.RLock()
        self._done: OrderedDict[bytes, None] = OrderedDict()
        self._running: dict[bytes, _Handling] = {}

    def on(self, kind: type[E]) -> Callable[[Callable[[E], R]], Callable[[E], R]]:
        """Register a function for a class of events.

        ``UnknownEvent`` stands for all types of events that this version does not know.

        A coroutine function runs in the event loop of the delivery. A plain function runs in a
        thread of the loop's executor, with the context variables of the delivery, so it may block
        and other requests continue. Objects that belong to the thread of the request, such as
        Django's database connections, need a coroutine function: wrap a plain function in
        ``asgiref.sync.sync_to_async``.

        Raises ``ConfigurationError`` if ``kind`` is not a class of events, or if the decorated
        object cannot be called or is a generator function.
        """
        if not all(map(_is_event_class, get_args(kind) or (kind,))):
            raise ConfigurationError(
                f"on() needs a class of events, such as VideoSourceRecorded, not {kind!r}"
            )

        def register(function: Callable[[E], R]) -> Callable[[E], R]:
            if not _can_handle(function):
                raise ConfigurationError(
                    f"on(...) must decorate a function without yield, not {function!r}"
                )
            self._functions.append((kind, function))
            return function

        return register

    async def handle(self, body: Body, headers: Headers) -> bool:
        """Handle a delivery. Returns False if the event was already handled by another delivery.

        If another delivery of the event is being handled, this one waits for it. If that one fails
        or is cancelled, this one handles the event. Raises ``WebhookSignatureError`` if api.video
        did not sign the delivery or the body is not an event (answer 400). Raises the errors of the
        registered functions (answer 500, so that api.video repeats the delivery).
        """
        event = unwrap(body, headers, self._secrets)
        # The digest is stored, because the key of an unknown event is as long as its body.
        key = sha256(event.key.encode(errors="surrogatepass")).digest()
        handling = await self._begin(key)
        if handling is None:
            return False
        try:
            for kind, function in list(self._functions):
                if isinstance(event, kind):
                    await _call(function, event)
            # Only now: if a function failed, the next delivery must call the functions again.
            self._remember_done(key)
        finally:
            self._end(key, handling)
        return True

    async def _begin(self, key: bytes) -> _Handling | None:
        """Wait until this delivery may handle the event. Returns None if the event is handled."""
        while True:
            with self._lock:
                if key in self._done:
                    return None
                running = self._running.get(key)
                if running is None or running.abandoned:
                    handling = self._running[key] = _Handling()
                    return handling
                ended = running.ended()
            while not ended.done() and not running.abandoned:
                # A closed loop cannot end its handling and wake this delivery.
                await asyncio.wait([ended], timeout=_CHECK_SECONDS)

    def _remember_done(self, key: bytes) -> None:
        with self._lock:
            self._done[key] = None
            if len(self._done) > self._remember:
                self._done.popitem(last=False)

    def _end(self, key: bytes, handling: _Handling) -> None:
        with self._lock:
            if self._running.get(key) is handling:  # Another delivery may have taken over.
                del self._running[key]
            handling.end()


def _is_event_class(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, WebhookEvent)


def _can_handle(function: Any) -> bool:
    # Calling a generator function would not execute its statements.
    generates = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    return callable(function) and not generates


async def _call(function: Callable[[Any], Awaitable[Any] | Any], event: WebhookEvent) -> None:
    if any(map(inspect.iscoroutinefunction, (function, type(function).__call__))):
        await function(event)
        return

    def run() -> Any:
        try:
            return function(event)
        except StopIteration as error:  # A future cannot hold StopIteration.
            raise RuntimeError("the function raised StopIteration") from error

    # Not a task: at its end, ``asyncio.run`` cancels all tasks, also one whose thread is running.
    running = asyncio.get_running_loop().run_in_executor(None, contextvars.copy_context().run, run)
    try:
        result = await asyncio.shield(running)
    except asyncio.CancelledError:
        # A thread cannot be cancelled. Wait for its end, so that no other delivery handles the
        # event at the same time. The cancellation is raised instead of a failure of the thread.
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        ignore_failure(running)
        raise
    # A plain function may return an awaitable, such as a lambda that calls a coroutine function.
    if inspect.isawaitable(result):
        await result
