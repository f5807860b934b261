"""Blocking calls that nobody has to wait for.

The threads of asyncio's executor are joined when the loop and the interpreter end, so a read from a pipe whose writer
is silent would hold up Ctrl-C for ever. These are daemon threads, one per call.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["in_thread"]

T = TypeVar("T")


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

    threading.Thread(target=run, daemon=True, name="apivideo-read").start()
    try:
        return await asyncio.wrap_future(outcome)
    except asyncio.CancelledError:
        # Also when the result came in the same turn of the loop: nobody has seen it.
        outcome.add_done_callback(give_up)
        raise
