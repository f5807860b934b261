"""Formats the state of an ingestion: several lines for a terminal, one line for a log."""

from rich.text import Text

from ....rate_limit.limiter import RequestBudget
from ...console.formatting import bytes_text, printable, rate_text, time_text
from .tally import Snapshot

__all__ = ["log_line", "screen"]

DONE, FAILED, UNDER_WAY, OPEN = ("━", "green"), ("━", "red"), ("╌", "cyan"), ("─", "bright_black")
ASCII = (("#", "green"), ("x", "red"), ("=", "cyan"), ("-", "bright_black"))
WIDEST = 60


def screen(seen: Snapshot, width: int, *, unicode: bool) -> list[Text]:
    """Return the lines for a terminal of ``width`` columns.

    They show a bar, the work in progress, the request budgets and the last failures.
    """
    lines = [
        _bar(seen, width, unicode=unicode),
        Text(_flight(seen)),
        Text(_budgets(seen.budgets), style="dim"),
    ]
    lines += [Text(f"failed: {printable(line)}", style="red") for line in seen.failures]
    for line in lines:
        line.no_wrap, line.overflow = True, "crop"
        line.truncate(width)
    return lines


def _bar(seen: Snapshot, width: int, *, unicode: bool) -> Text:
    share = f" {seen.done / seen.total:4.0%}" if seen.total else ""
    facts = f"{seen.done:,} of {seen.total:,}{'+' if seen.listing else ''} items done{share}"
    facts += f", {seen.failed:,} failed" if seen.failed else ""
    line = Text()
    room = min(WIDEST, width - len(facts) - 1)
    if room >= 6:
        for (glyph, style), count in zip(_glyphs(unicode), _columns(seen, room), strict=True):
            line.append(glyph * count, style)
        line.append(" ")
    return line.append(facts)


def _glyphs(unicode: bool) -> tuple[tuple[str, str], ...]:
    return (DONE, FAILED, UNDER_WAY, OPEN) if unicode else ASCII


def _columns(seen: Snapshot, room: int) -> list[int]:
    # Round the running totals instead of each count, so that the parts always fill the bar.
    columns, so_far, drawn = [], 0, 0
    for count in (seen.done, seen.failed, seen.working):
        so_far += count
        until = min(room, room * so_far // seen.total) if seen.total else 0
        columns.append(until - drawn)
        drawn = until
    return [*columns, room - drawn]


def _flight(seen: Snapshot) -> str:
    what = f"{seen.working:,} under way, {seen.chunks} chunks, {bytes_text(seen.bytes)} in flight"
    left = "listing" if seen.listing else f"{time_text(seen.eta)} left"
    return f"{what} | {rate_text(seen.rate)}, {seen.items_rate:.1f} items/s | {left}"


def _budgets(budgets: tuple[RequestBudget, ...]) -> str:
    known = [
        f"{each.limit_class} {each.left} of {each.limit}"
        for each in budgets
        if each.limit is not None
    ]
    return (
        f"requests left this minute: {', '.join(known)}"
        if known
        else "requests left: no limit is known"
    )


def log_line(seen: Snapshot) -> str:
    """Return the state as one line."""
    parts = [f"{seen.done:,} of {seen.total:,}{'+' if seen.listing else ''} items done"]
    parts += [f"{seen.failed:,} failed"] if seen.failed else []
    parts += [f"{seen.working:,} under way", rate_text(seen.rate), f"{time_text(seen.eta)} left"]
    parts += [
        f"{each.limit_class} {each.left}/{each.limit}"
        for each in seen.budgets
        if each.limit is not None
    ]
    return ", ".join(parts)
