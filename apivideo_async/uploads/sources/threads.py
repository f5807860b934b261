"""Work that continues when its caller is cancelled: blocking calls in threads, unfinished writes.

The interpreter joins the threads of asyncio's executor when it exits. A read from a pipe whose
writer sends nothing would then block Ctrl-C forever. :func:`in_thread` therefore uses daemon
threads, which are not joined. :class:`PendingWork` is for calls that end soon, such as reads of
regular files. It uses the executor, which limits the number of threads.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from ...tasks import ignore_failure

__all__ = ["PendingWork", "in_thread"]

T = TypeVar("T")

KEPT = 8
"""Largest number of idle daemon threads."""

_idle: "deque[SimpleQueue[Callable[[], None]]]" = deque()
"""One queue per idle thread. The thread waits there for its next call."""


class PendingWork:
    """Operations that continue if the caller is cancelled. ``close`` says when ``release`` runs."""

    def __init__(self, release: Callable[[], object] | None = None) -> None:
        self._release = release
        self._running: set[asyncio.Future[Any]] = set()
        self._closed = False

    async def in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run ``function`` in a thread of the executor and return its result."""
        loop = asyncio.get_running_loop()
        return await self.finish(loop.run_in_executor(None, function, *arguments))

    async def finish(self, work: Awaitable[T]) -> T:
        """Wait for ``work`` and return its result."""
        future = asyncio.ensure_future(work)
        self._running.add(future)
        future.add_done_callback(self._ended)
        # A cancelled future is done at once, while its thread continues. Shield it, so that
        # ``_ended`` is called only when the work has ended.
        return await asyncio.shield(future)

    def _ended(self, future: "asyncio.Future[Any]") -> None:
        ignore_failure(future)
        self._running.discard(future)
        if self._closed:
            self.close()

    async def wait(self, seconds: float) -> None:
        """Wait at most ``seconds`` for the operations in progress."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    def close(self) -> None:
        """Release the resource, at once or when the last operation has ended."""
        self._closed = True
        if not self._running and self._release is not None:
            self._release()


def _work(calls: "SimpleQueue[Callable[[], None]]") -> None:
    """Execute calls until enough other threads are idle."""
    while True:
        calls.get()()
        if len(_idle) >= KEPT:
            return
        _idle.append(calls)


def _start(call: Callable[[], None]) -> None:
    try:
        calls = _idle.pop()
    except IndexError:
        calls = SimpleQueue()
        threading.Thread(target=_work, args=(calls,), daemon=True, name="apivideo-read").start()
    calls.put(call)


async def in_thread(
    function: Callable[..., T], *arguments: Any, unwanted: Callable[[T], object] | None = None
) -> T:
    """Run ``function``, which may never return, in a daemon thread and return its result.

    If the caller is cancelled, the call continues and ``unwanted`` receives its result.
    """
    outcome: Future[T] = Future()
    # A running future cannot be cancelled, so the thread can always set its result.
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(function(*arguments))
        except BaseException as error:
            outcome.set_exception(error)

    def give_up(outcome: "Future[T]") -> None:
        if unwanted is not None and outcome.exception() is None:
            unwanted(outcome.result())

    _start(run)
    try:
        return await asyncio.wrap_future(outcome)
    except asyncio.CancelledError:
        # The result may also have arrived in the same loop iteration as the cancellation. The
        # caller did not receive it in that case either.
        outcome.add_done_callback(give_up)
        raise
