"""Blocking calls that nobody has to wait for.

The threads of asyncio's executor are joined when the loop and the interpreter end, so a read from a pipe whose writer
is silent would hold up Ctrl-C for ever. These are daemon threads, one per call.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["in_thread"]

T = TypeVar("T")


async def in_thread(function: Callable[..., T], *arguments: Any, unwanted: Callable[[T], object] | None = None) -> T:
    """Run ``function`` in a thread of its own. After a cancellation its result goes to ``unwanted``."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if not future.cancelled():
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]
        elif error is None and unwanted is not None:
            unwanted(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            outcome: tuple[T | None, BaseException | None] = (function(*arguments), None)
        except BaseException as error:
            outcome = (None, error)
        try:
            loop.call_soon_threadsafe(settle, *outcome)
        except RuntimeError:  # The loop has ended meanwhile.
            if outcome[1] is None and unwanted is not None:
                unwanted(outcome[0])  # type: ignore[arg-type]

    threading.Thread(target=run, daemon=True, name="apivideo-read").start()
    return await future
