"""The report as one HTML file without scripts, fonts or requests to any server."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape as escape_markup

from ..ledger.ledger import Usage
from .cells import visible
from .charts import bars
from .collected import Failure, Report
from .style import STYLE

__all__ = ["page"]

CLASSES = {"uploads": "Upload requests", "writes": "Write requests", "reads": "Read requests"}
"""Names of the request classes."""
MINUTE = 60.0
"""Seconds of a minute."""
MOST_BARS = 120
"""Maximum number of bars in a chart of the request budget."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def escape(text: str) -> str:
    """Escape text from outside for HTML."""
    return escape_markup(visible(text))


def _size(size: float) -> str:
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{size:.0f} B"


def _count(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"


def _share(share: float) -> str:
    return f"{share:.0%}"


def _time(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _moment(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f'<time datetime="{moment.isoformat(timespec="seconds")}">{moment:%d %B %Y, %H:%M:%S} UTC</time>'


def _table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int]
) -> str:
    """Return a table. Cells are HTML already; ``numbers`` are columns aligned to the right."""
    marks = ['class="number"' if at in numbers else "" for at in range(len(heads))]
    head = "".join(
        f'<th scope="col" {mark}>{escape(name)}</th>'
        for name, mark in zip(heads, marks, strict=True)
    )
    body = []
    for row in rows:
        first, *rest = row
        cells = "".join(
            f"<td {mark}>{cell}</td>" for cell, mark in zip(rest, marks[1:], strict=True)
        )
        body.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    if not body:
        return f'<p class="none">{escape(caption)}: none.</p>'
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def page(report: Report) -> str:
    """Return the whole page."""
    sections = (
        ("Throughput", _throughput(report)),
        ("Request budget", _budget(report.usage)),
        ("Failures", _failures(report.failures)),
        ("Slowest items", _slowest(report)),
        ("Not finished", _waiting(report)),
        ("Items by state", _states(report)),
    )
    body = "".join(
        f"<section><h2>{escape(name)}</h2>{content}</section>" for name, content in sections
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Ingestion report</title><style>{STYLE}</style></head><body><main>"
        f"<header><h1>Ingestion report</h1>{_span(report)}</header>{_tiles(report)}{body}</main></body></html>\n"
    )


def _span(report: Report) -> str:
    """Return the line with the times of the ingestion and of the report."""
    if report.started is None:
        return f"<p>Made on {_moment(report.made_at)}; no item was begun yet.</p>"
    until = "" if report.ended is None else f" to {_moment(report.ended)}"
    return f"<p>{_moment(report.started)}{until}. Made on {_moment(report.made_at)}.</p>"


def _tiles(report: Report) -> str:
    """Return the summary at the top of the page."""
    totals = report.totals
    done, failed = totals.count("done"), totals.count("failed", "quarantined")
    rate = f"{done / report.seconds:,.1f}/s" if report.seconds else "-"
    tiles = (
        ("good" if done else "", "Done", f"{done:,}<small> of {totals.count():,}</small>"),
        ("bad" if failed else "", "Failed", f"{failed:,}"),
        ("", "Not finished", f"{totals.open:,}"),
        ("", "Bytes done", _size(totals.bytes.get("done", 0))),
        ("", "Bytes sent", _size(totals.sent)),
        ("", "Duration", _time(report.seconds)),
        ("", "Items a second", rate),
    )
    return (
        '<dl class="tiles">'
        + "".join(
            f'<div class="{kind}"><dt>{name}</dt><dd>{value}</dd></div>'
            for kind, name, value in tiles
        )
        + "</dl>"
    )


def _figure(caption: str, chart: str) -> str:
    """Return a chart with its caption."""
    return f"<figure>{chart}<figcaption>{escape(caption)}</figcaption></figure>"


def _throughput(report: Report) -> str:
    """Return the charts of the items and bytes over time."""
    width = float(report.width)
    items = [(each.start, float(each.items)) for each in report.timeline]
    size = [(each.start, each.bytes / width) for each in report.timeline]
    words = f"in each {_time(width)}" if width > 1 else "in each second"
    return _figure(
        f"Items done {words}", bars(items, width=width, title=f"Items done {words}", text=_count)
    ) + _figure(
        f"Bytes done a second, {words}",
        bars(
            size,
            width=width,
            title=f"Bytes done a second, {words}",
            text=_size,
            kind="bytes",
            unit=1024,
        ),
    )


def _budget(usage: Sequence[Usage]) -> str:
    """Return the chart of each request class and the table of all of them."""
    charts, rows = [], []
    for limit_class, name in CLASSES.items():
        used = [each for each in usage if each.limit_class == limit_class]
        if not used:
            continue
        shares = [each.requests / each.allowed for each in used if each.allowed]
        peak = _share(max(shares)) if shares else "no limit known"
        mean = _share(sum(shares) / len(shares)) if shares else "-"
        requests, refused = sum(each.requests for each in used), sum(each.refused for each in used)
        allowed = next((f"{each.allowed:,}" for each in reversed(used) if each.allowed), "-")
        rows.append((escape(name), f"{requests:,}", allowed, mean, peak, f"{refused:,}"))
        if shares:
            title = f"{name}: share of what the server allows in a minute"
            points, width = _shares(used)
            charts.append(
                _figure(
                    title,
                    bars(points, width=width, title=title, text=_share, top=1.0, kind="share"),
                )
            )
    heads = ("Class", "Requests", "Allowed a minute", "Mean use", "Highest use", "Refused")
    return "".join(charts) + _table("Requests by class", heads, rows, range(1, 6))


def _shares(used: Sequence[Usage]) -> tuple[list[tuple[float, float]], float]:
    """Return the share of the limit that was used, by time, and the seconds of one bar.

    A bar is one minute, or the mean of several minutes if there are more than ``MOST_BARS``.
    """
    first, last = used[0].minute, used[-1].minute
    together = -(-(last - first + 1) // MOST_BARS)
    sums = dict.fromkeys(range((last - first) // together + 1), 0.0)
    for each in used:
        sums[(each.minute - first) // together] += (
            each.requests / each.allowed if each.allowed else 0.0
        )
    width = together * MINUTE
    return [(first * MINUTE + at * width, share / together) for at, share in sums.items()], width


def _failures(failures: Sequence[Failure]) -> str:
    rows = [
        (
            escape(each.cause),
            f"{each.count:,}",
            f"{escape(each.message)}<ul>{''.join(f'<li>{escape(uri)}</li>' for uri in each.uris)}</ul>",
        )
        for each in failures
    ]
    return _table(
        "Failures by cause", ("Cause", "Items", "First message, and some of the items"), rows, (1,)
    )


def _slowest(report: Report) -> str:
    rows = [
        (
            *(
                escape(each.uri),
                _time(each.seconds),
                "-" if each.size is None else _size(each.size),
            ),
            *(f"{each.attempts:,}", escape(each.video_id or "-")),
        )
        for each in report.slowest
    ]
    heads = ("Source", "Time", "Size", "Failed attempts", "Video")
    return _table("Time from the first claim to the end", heads, rows, (1, 2, 3))


def _waiting(report: Report) -> str:
    rows = [
        (escape(each.uri), escape(each.state), f"{each.attempts:,}", escape(each.message or ""))
        for each in report.waiting
    ]
    caption = (
        f"{len(rows)} of {report.totals.open:,} items that are not finished"
        if rows
        else "Items not finished"
    )
    return _table(caption, ("Source", "State", "Failed attempts", "Last failure"), rows, (2,))


def _states(report: Report) -> str:
    totals = report.totals
    rows = [
        (escape(state), f"{count:,}", _size(totals.bytes.get(state, 0)))
        for state, count in sorted(totals.items.items(), key=lambda each: -each[1])
    ]
    return _table("Every item of the ledger", ("State", "Items", "Bytes"), rows, (1, 2))
