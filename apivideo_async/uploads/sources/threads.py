"""Blocking calls in daemon threads, for reads that may never return.

The interpreter joins the threads of asyncio's executor when it exits. A read from a pipe whose
writer sends nothing would then block Ctrl-C forever. The threads here are daemon threads, which are
not joined. As many are started as are needed at the same time, and idle threads are reused.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

__all__ = ["in_thread"]

T = TypeVar("T")

KEPT = 8
"""Largest number of idle threads."""

_idle: "deque[SimpleQueue[Callable[[], None]]]" = deque()
"""One queue per idle thread. The thread waits there for its next call."""


def _work(calls: "SimpleQueue[Callable[[], None]]") -> None:
    """Execute calls until enough other threads are idle."""
    while True:
        calls.get()()
        if len(_idle) >= KEPT:
            return
        _idle.append(calls)


def _start(call: Callable[[], None]) -> None:
    """Pass a call to an idle thread, or to a new one."""
    try:
        calls = _idle.pop()
    except IndexError:
        calls = SimpleQueue()
        threading.Thread(target=_work, args=(calls,), daemon=True, name="apivideo-read").start()
    calls.put(call)


async def in_thread(
    function: Callable[..., T], *arguments: Any, unwanted: Callable[[T], object] | None = None
) -> T:
    """Run ``function`` in a daemon thread and return its result.

    If the caller is cancelled, the call continues, and ``unwanted`` receives its result. It can
    release the result, for example close a file.
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
