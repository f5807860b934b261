"""Shows an ingestion: a moving picture on a terminal, a line every few seconds elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live

from ...console.terminal import Terminal
from .shown import log_line, screen
from .tally import Snapshot

__all__ = ["showing"]

FRAME = 0.125
"""Seconds between two redraws."""
LINE = 5.0
"""Seconds between two lines."""
Look = Callable[[float], Snapshot]


class _Picture:
    def __init__(self, seen: Snapshot) -> None:
        self.seen = seen

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # One column stays free, because some terminals wrap when the last column is written.
        yield from screen(
            self.seen, options.max_width - 1, unicode=options.encoding.startswith("utf")
        )


@asynccontextmanager
async def showing(terminal: Terminal, look: Look, *, live: bool) -> AsyncIterator[None]:
    """Show the progress until the end of the block.

    ``look`` returns the state for a time of ``time.monotonic()``. It is called in the event loop,
    because the state belongs to the loop. ``live`` selects the moving picture.
    """
    ticking = asyncio.create_task(_draw(terminal, look) if live else _tell(terminal, look))
    try:
        yield
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)


async def _draw(terminal: Terminal, look: Look) -> None:
    picture = _Picture(look(time.monotonic()))
    with Live(
        picture,
        console=terminal.console,
        # Without its own thread, Live redraws only in `_draw`, which runs in the event loop.
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as live:
        while True:
            live.refresh()
            await asyncio.sleep(FRAME)
            picture.seen = look(time.monotonic())


async def _tell(terminal: Terminal, look: Look) -> None:
    told = ""
    while True:
        await asyncio.sleep(LINE)
        line = log_line(look(time.monotonic()))
        # A line that repeats the previous one is not written.
        if line != told:
            terminal.say(line)
        told = line
