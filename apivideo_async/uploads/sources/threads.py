"""Blocking calls that nobody has to wait for.

The threads of asyncio's executor are joined when the loop and the interpreter end, so a read from a pipe whose writer
is silent would hold up Ctrl-C for ever. These are daemon threads, as many as are needed at once; idle ones are kept.
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
"""Idle threads at most."""

_idle: "deque[SimpleQueue[Callable[[], None]]]" = deque()
"""Where idle threads wait for their next call."""


def _work(calls: "SimpleQueue[Callable[[], None]]") -> None:
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


async def in_thread(function: Callable[..., T], *arguments: Any, unwanted: Callable[[T], object] | None = None) -> T:
    """Run ``function`` in a thread of its own. After a cancellation its result goes to ``unwanted``."""
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # Whoever waits may be cancelled, the call may not.

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
        # Also when the result came in the same turn of the loop: nobody has seen it.
        outcome.add_done_callback(give_up)
        raise
