"""The report as one HTML file without scripts, fonts or requests to any server.

The page and its style are in ``report.html``; this module fills in the values.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape as escape_markup
from importlib import resources
from string import Template

from ...cells import escape_invisible
from ..ledger.ledger import Usage
from .charts import draw_bars
from .data import Report

__all__ = ["page"]

CLASSES = {"uploads": "Upload requests", "writes": "Write requests", "reads": "Read requests"}
MINUTE = 60.0
MAX_BARS = 120
"""Maximum number of bars in a chart of the request budget."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def page(report: Report) -> str:
    """Return the whole page."""
    template = Template(resources.files(__package__).joinpath("report.html").read_text("utf-8"))
    totals = report.totals
    done, failed = totals.count("done"), totals.count("failed", "quarantined")
    return template.substitute(
        times=_times(report),
        done_class="good" if done else "",
        done=f"{done:,}",
        total=f"{totals.count():,}",
        failed_class="bad" if failed else "",
        failed=f"{failed:,}",
        open=f"{totals.open:,}",
        bytes_done=_size(totals.bytes.get("done", 0)),
        bytes_sent=_size(totals.sent),
        duration=_duration(report.seconds),
        rate=f"{done / report.seconds:,.1f}/s" if report.seconds else "-",
        throughput=_throughput(report),
        budget=_budget(report.usage),
        failures=_failures(report),
        slowest=_slowest(report),
        unfinished=_unfinished(report),
        states=_states(report),
    )


def _escape(text: str | None) -> str:
    return escape_markup(escape_invisible(text or ""))


def _size(size: float) -> str:
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{size:.0f} B"


def _count(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"


def _share(share: float) -> str:
    return f"{share:.0%}"


def _duration(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _time(at: float) -> str:
    time = datetime.fromtimestamp(at, UTC)
    iso = time.isoformat(timespec="seconds")
    return f'<time datetime="{iso}">{time:%d %B %Y, %H:%M:%S} UTC</time>'


def _times(report: Report) -> str:
    created = f"Created on {_time(report.made_at)}"
    if report.started is None:
        return f"{created}; no item was started yet."
    end = "" if report.ended is None else f" to {_time(report.ended)}"
    return f"{_time(report.started)}{end}. {created}."


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. Cells are HTML already. A column whose name begins with # has numbers."""
    marks = [' class="number"' if name.startswith("#") else "" for name in columns]
    head = "".join(
        f'<th scope="col"{mark}>{name.removeprefix("#")}</th>'
        for name, mark in zip(columns, marks, strict=True)
    )
    body = []
    for first, *rest in rows:
        cells = (f"<td{mark}>{cell}</td>" for cell, mark in zip(rest, marks[1:], strict=True))
        body.append(f'<tr><th scope="row">{first}</th>{"".join(cells)}</tr>')
    if not body:
        return f'<p class="none">{caption}: none.</p>'
    return (
        f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _throughput(report: Report) -> str:
    width = float(report.width)
    period = f"in each {_duration(width)}" if width > 1 else "in each second"
    items = [(each.start, float(each.items)) for each in report.timeline]
    rates = [(each.start, each.bytes / width) for each in report.timeline]
    return draw_bars(f"Items done {period}", items, width=width, text=_count) + draw_bars(
        f"Bytes done per second, {period}", rates, width=width, text=_size, kind="bytes", unit=1024
    )


def _budget(usage: Sequence[Usage]) -> str:
    charts, rows = [], []
    for limit_class, name in CLASSES.items():
        used = [each for each in usage if each.limit_class == limit_class]
        if not used:
            continue
        shares = [each.requests / each.allowed for each in used if each.allowed]
        allowed = next((f"{each.allowed:,}" for each in reversed(used) if each.allowed), "-")
        rows.append(
            (
                name,
                f"{sum(each.requests for each in used):,}",
                allowed,
                _share(sum(shares) / len(shares)) if shares else "-",
                _share(max(shares)) if shares else "no limit known",
                f"{sum(each.refused for each in used):,}",
            )
        )
        if shares:
            title = f"{name}: share of the requests that the server allows per minute"
            points, width = _shares(used)
            charts.append(draw_bars(title, points, width=width, text=_share, top=1.0, kind="share"))
    columns = ("Class", "#Requests", "#Allowed per minute", "#Mean use", "#Highest use", "#Refused")
    return "".join(charts) + _table("Requests by class", columns, rows)


def _shares(used: Sequence[Usage]) -> tuple[list[tuple[float, float]], float]:
    """Return the share of the limit that was used, by time, and the seconds of one bar.

    A bar is one minute, or the mean of several minutes if there are more than ``MAX_BARS``.
    """
    first, last = used[0].minute, used[-1].minute
    minutes = -(-(last - first + 1) // MAX_BARS)
    sums = dict.fromkeys(range((last - first) // minutes + 1), 0.0)
    for each in used:
        if each.allowed:
            sums[(each.minute - first) // minutes] += each.requests / each.allowed
    width = minutes * MINUTE
    return [(first * MINUTE + at * width, share / minutes) for at, share in sums.items()], width


def _failures(report: Report) -> str:
    rows = []
    for each in report.failures:
        uris = "".join(f"<li>{_escape(uri)}</li>" for uri in each.uris)
        details = f"{_escape(each.message)}<ul>{uris}</ul>"
        rows.append((_escape(each.cause), f"{each.count:,}", details))
    columns = ("Cause", "#Items", "First message, and some of the items")
    return _table("Failures by cause", columns, rows)


def _slowest(report: Report) -> str:
    rows = [
        (
            _escape(each.uri),
            _duration(each.seconds),
            "-" if each.size is None else _size(each.size),
            f"{each.attempts:,}",
            _escape(each.video_id or "-"),
        )
        for each in report.slowest
    ]
    columns = ("Source", "#Time", "#Size", "#Failed attempts", "Video")
    return _table("Time from the first claim to the end", columns, rows)


def _unfinished(report: Report) -> str:
    rows = [
        (_escape(each.uri), each.state, f"{each.attempts:,}", _escape(each.message))
        for each in report.waiting
    ]
    caption = "Items not finished"
    if rows:
        caption = f"{len(rows)} of {report.totals.open:,} items that are not finished"
    return _table(caption, ("Source", "State", "#Failed attempts", "Last failure"), rows)


def _states(report: Report) -> str:
    totals = report.totals
    rows = [
        (state, f"{count:,}", _size(totals.bytes.get(state, 0)))
        for state, count in sorted(totals.items.items(), key=lambda each: -each[1])
    ]
    return _table("All items of the ledger", ("State", "#Items", "#Bytes"), rows)
