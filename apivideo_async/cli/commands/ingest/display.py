"""Shows an ingestion: a live display on a terminal, a line every few seconds elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from attrs import define
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

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
    """Show the progress until the end of the block.

    ``take_snapshot`` is called in the event loop, because the state belongs to the loop. ``live``
    selects the live display.
    """
    showing = _draw(terminal, take_snapshot) if live else _write_lines(terminal, take_snapshot)
    task = asyncio.create_task(showing)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@define
class _LiveDisplay:
    snapshot: Snapshot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # One column stays free, because some terminals wrap when the last column is written.
        width = options.max_width - 1
        yield from screen_lines(self.snapshot, width, unicode=options.encoding.startswith("utf"))


async def _draw(terminal: Terminal, take_snapshot: TakeSnapshot) -> None:
    display = _LiveDisplay(take_snapshot(time.monotonic()))
    with Live(
        display,
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
            display.snapshot = take_snapshot(time.monotonic())


async def _write_lines(terminal: Terminal, take_snapshot: TakeSnapshot) -> None:
    last = ""
    while True:
        await asyncio.sleep(LINE_SECONDS)
        line = log_line(take_snapshot(time.monotonic()))
        # A line that repeats the previous one is not written.
        if line != last:
            terminal.say(line)
        last = line


def screen_lines(snapshot: Snapshot, width: int, *, unicode: bool) -> list[Text]:
    """Return the lines for a terminal of ``width`` columns.

    They show a bar, the work in progress, the request budgets and the last failures.
    """
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
    # Below 6 columns a bar shows nothing useful.
    if columns >= 6:
        glyphs = UNICODE if unicode else ASCII
        for (glyph, style), count in zip(glyphs, _bar_parts(snapshot, columns), strict=True):
            line.append(glyph * count, style)
        line.append(" ")
    return line.append(facts)


def _items_done(snapshot: Snapshot) -> str:
    """Return the count of items; a plus sign says that the listing is not complete."""
    more = "+" if snapshot.listing else ""
    return f"{snapshot.done:,} of {snapshot.total:,}{more} items done"


def _bar_parts(snapshot: Snapshot, columns: int) -> list[int]:
    # Round the running totals instead of each count, so that the parts always fill the bar.
    parts = []
    items = 0
    drawn = 0
    for count in (snapshot.done, snapshot.failed, snapshot.working):
        items += count
        end = min(columns, columns * items // snapshot.total) if snapshot.total else 0
        parts.append(end - drawn)
        drawn = end
    return [*parts, columns - drawn]


def _work_in_progress(snapshot: Snapshot) -> str:
    work = f"{snapshot.working:,} in progress, {snapshot.chunks} chunks"
    rates = f"{rate_text(snapshot.rate)}, {snapshot.items_rate:.1f} items/s"
    rest = "listing" if snapshot.listing else f"{time_text(snapshot.eta)} left"
    return f"{work}, {bytes_text(snapshot.bytes)} in flight | {rates} | {rest}"


def _budgets(snapshot: Snapshot) -> str:
    known = [
        f"{budget.limit_class} {budget.left} of {budget.limit}"
        for budget in snapshot.budgets
        if budget.limit is not None
    ]
    return f"requests left in this minute: {', '.join(known) or 'no limit is known'}"


def log_line(snapshot: Snapshot) -> str:
    """Return the state as one line."""
    parts = [_items_done(snapshot)]
    if snapshot.failed:
        parts.append(f"{snapshot.failed:,} failed")
    parts.append(f"{snapshot.working:,} in progress")
    parts.append(rate_text(snapshot.rate))
    parts.append(f"{time_text(snapshot.eta)} left")
    parts += [
        f"{budget.limit_class} {budget.left}/{budget.limit}"
        for budget in snapshot.budgets
        if budget.limit is not None
    ]
    return ", ".join(parts)
