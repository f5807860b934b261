"""Shows an ingestion: a live display on a terminal, a line every few seconds elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from rich.console import Group
from rich.live import Live
from rich.text import Text

from ...console.bar import MIN_BAR, bar
from ...console.formatting import bytes_text, printable, rate_text, time_text
from ...console.terminal import Terminal
from .progress import Snapshot

__all__ = ["log_line", "screen_lines", "show_progress"]

FRAME_SECONDS = 0.125
"""Seconds between two updates of the live display."""
LINE_SECONDS = 5.0
"""Seconds between two lines."""
MAX_BAR = 60
"""Maximum width of the bar, in columns."""
# Glyph and style of the parts of the bar: done, failed, in progress, open.
UNICODE = (("━", "green"), ("━", "red"), ("╌", "cyan"), ("─", "bright_black"))
ASCII = (("#", "green"), ("x", "red"), ("=", "cyan"), ("-", "bright_black"))

TakeSnapshot: TypeAlias = Callable[[float], Snapshot]
"""Returns the state at a time of ``time.monotonic()``."""


@asynccontextmanager
async def show_progress(
    terminal: Terminal, take_snapshot: TakeSnapshot, *, live: bool
) -> AsyncIterator[None]:
    """Show the progress until the end of the block; ``live`` selects the live display."""
    showing = _draw(terminal, take_snapshot) if live else _write_lines(terminal, take_snapshot)
    task = asyncio.create_task(showing)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _draw(terminal: Terminal, take_snapshot: TakeSnapshot) -> None:
    def render() -> Group:
        options = terminal.console.options
        # One column stays free, because some terminals wrap when the last column is written.
        width = options.max_width - 1
        unicode = options.encoding.startswith("utf")
        return Group(*screen_lines(take_snapshot(time.monotonic()), width, unicode=unicode))

    with Live(
        get_renderable=render,
        console=terminal.console,
        # Without its own thread, Live redraws only in this function, which runs in the event loop.
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as live:
        while True:
            live.refresh()
            await asyncio.sleep(FRAME_SECONDS)


async def _write_lines(terminal: Terminal, take_snapshot: TakeSnapshot) -> None:
    last = ""
    while True:
        await asyncio.sleep(LINE_SECONDS)
        line = log_line(take_snapshot(time.monotonic()))
        if line != last:
            terminal.say(line)
        last = line


def screen_lines(snapshot: Snapshot, width: int, *, unicode: bool) -> list[Text]:
    """Return a bar, the work in progress, the request budgets and the last failures."""
    lines = [
        _bar(snapshot, width, unicode=unicode),
        Text(_work_in_progress(snapshot)),
        Text(_budgets(snapshot), style="dim"),
    ]
    lines += [Text(f"failed: {printable(line)}", style="red") for line in snapshot.failures]
    for line in lines:
        line.no_wrap = True
        line.overflow = "crop"
        line.truncate(width)
    return lines


def _bar(snapshot: Snapshot, width: int, *, unicode: bool) -> Text:
    share = f" {snapshot.done / snapshot.total:4.0%}" if snapshot.total else ""
    failed = f", {snapshot.failed:,} failed" if snapshot.failed else ""
    facts = f"{_items_done(snapshot)}{share}{failed}"
    line = Text()
    columns = min(MAX_BAR, width - len(facts) - 1)
    if columns >= MIN_BAR:
        counts = (snapshot.done, snapshot.failed, snapshot.working)
        glyphs = UNICODE if unicode else ASCII
        line.append_text(bar(columns, counts, snapshot.total, glyphs)).append(" ")
    return line.append(facts)


def _items_done(snapshot: Snapshot) -> str:
    more = "+" if snapshot.listing else ""
    return f"{snapshot.done:,} of {snapshot.total:,}{more} items done"


def _work_in_progress(snapshot: Snapshot) -> str:
    work = f"{snapshot.working:,} in progress, {snapshot.chunks} chunks"
    rates = f"{rate_text(snapshot.rate)}, {snapshot.items_rate:.1f} items/s"
    rest = "listing" if snapshot.listing else f"{time_text(snapshot.eta)} left"
    return f"{work}, {bytes_text(snapshot.bytes)} in flight | {rates} | {rest}"


def _budgets(snapshot: Snapshot) -> str:
    known = ", ".join(_known_budgets(snapshot))
    return f"requests left in this minute: {known or 'no limit is known'}"


def _known_budgets(snapshot: Snapshot) -> list[str]:
    return [
        f"{budget.limit_class} {budget.left} of {budget.limit}"
        for budget in snapshot.budgets
        if budget.limit is not None
    ]


def log_line(snapshot: Snapshot) -> str:
    """Return the state as one line."""
    parts = [_items_done(snapshot)]
    if snapshot.failed:
        parts.append(f"{snapshot.failed:,} failed")
    parts.append(f"{snapshot.working:,} in progress")
    parts.append(rate_text(snapshot.rate))
    parts.append(f"{time_text(snapshot.eta)} left")
    return ", ".join([*parts, *_known_budgets(snapshot)])
