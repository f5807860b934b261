"""Runs the coroutine of a command and handles signals.

The first SIGINT or SIGTERM cancels the command, which then cleans up. The second one ends the
process at once. For a command that can drain, the first SIGTERM starts that instead, and the next
signal cancels it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, NoReturn

from attrs import define

from .console.terminal import Terminal

__all__ = ["INTERRUPTED", "run"]

INTERRUPTED = 130


@define
class _Interruption:
    _terminal: Terminal
    _drain: Callable[[], bool] | None = None
    signal: int | None = None

    def install(self, task: "asyncio.Task[Any]") -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, self._on_signal, number, task)
            except (NotImplementedError, RuntimeError, ValueError):
                # Windows or a thread other than the main one: asyncio.run handles Ctrl-C itself.
                return

    def _on_signal(self, number: int, task: "asyncio.Task[Any]") -> None:
        if self.signal is not None:
            self.leave()
        drain, self._drain = self._drain, None
        if number == signal.SIGTERM and drain is not None and drain():
            return
        self.signal = number
        task.cancel()

    def leave(self) -> NoReturn:
        """End the process. ``sys.exit`` would wait for a thread that reads from the terminal."""
        self._terminal.console.show_cursor(True)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with suppress(OSError, ValueError):
                    stream.flush()
        os._exit(128 + (self.signal or signal.SIGINT))


def run(
    terminal: Terminal,
    work: Coroutine[Any, Any, int],
    interrupted: str | Callable[[], str] | None = "interrupted",
    drain: Callable[[], bool] | None = None,
) -> int:
    """Run a command and return its exit code.

    ``interrupted`` is the line to print when a signal ended the command, or a function that returns
    it. Pass None for a command that normally ends by a signal: it prints no line and returns 0.
    ``drain`` is called for the first SIGTERM and makes the command end soon; it returns False if
    there is no work to finish, so that the command is cancelled.
    """
    interruption = _Interruption(terminal, drain)

    async def main() -> int:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        interruption.install(task)
        try:
            return await work
        except asyncio.CancelledError:
            if interruption.signal is None:
                # The task was cancelled for another reason than a signal.
                raise
            if interrupted is None:
                return 0
            # The command has cleaned up by now. Returning would let asyncio.run wait for threads.
            terminal.fail(interrupted if isinstance(interrupted, str) else interrupted())
            interruption.leave()

    # The command line starts with a handler that ends the process. ``asyncio.run`` handles Ctrl-C
    # where signal handlers cannot be added to the loop, and only if Python's own is installed.
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return asyncio.run(main())
