"""The report as one HTML file, which loads nothing. Its script filters the list of all items.

Failures come first, with what to do about them. The page is ``report.html``; this module fills in
the values. The list of all items is written in pieces, so that memory does not grow with it.
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from ...cells import escape_invisible
from ...errors import ConfigurationError
from ...masking import masked, shown
from ...protocol.private_assets import player_root
from ..failures import advice_for
from ..items import Record
from ..ledger.ledger import Usage
from .charts import draw_bars
from .data import Report, duration

__all__ = ["check_packages", "pieces"]

CLASSES = {"uploads": "Upload requests", "writes": "Write requests", "reads": "Read requests"}
MINUTE = 60.0
MAX_BARS = 120
"""Maximum number of bars in a chart of the request budget."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_ROWS = "<!-- rows -->"
"""Where the items are in the page. In texts, ``<`` is escaped."""


def check_packages() -> None:
    """Raise ``ConfigurationError`` if a package that a page needs is not installed."""
    try:
        import jinja2 as _  # noqa: F401 (only looked for)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "a report in HTML needs more packages: pip install 'apivideo-async[cli]'"
        ) from error


async def pieces(
    report: Report, records: AsyncIterator[Record], base_url: str
) -> AsyncIterator[str]:
    """Yield the page. ``base_url`` is that of the API; the players of the videos are on its host.

    Raises ``LedgerError``.
    """
    before, _, after = _page(report, base_url).partition(_ROWS)
    yield before
    separator = ""
    async for record in records:
        row = json.dumps([value(record) for value in _COLUMNS.values()])
        # A ``</script>`` in a text would end the element that contains the rows.
        yield separator + row.replace("<", "\\u003c")
        separator = ",\n"
    yield after


def _page(report: Report, base_url: str) -> str:
    # The package is optional, so it is imported only here.
    from ...pages.rendering import BASE_STYLE, environment, read_text

    style = read_text(*BASE_STYLE) + read_text(__package__, "report.css")
    script = read_text(__package__, "report.js")
    template = environment(__package__).get_template("report.html")
    charts, budget = _budget(report.usage)
    unfinished = [
        (_text(each.uri), each.state, f"{each.attempts:,}", _text(each.message))
        for each in report.waiting
    ]
    return template.render(
        policy=f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}",
        style=style,
        script=script,
        made_at=_moment(report.made_at),
        started=_moment(report.started),
        ended=_moment(report.ended),
        tiles=_tiles(report),
        failures=_failures(report),
        unfinished=unfinished,
        unfinished_caption=f"{len(unfinished)} of {report.totals.open:,} items"
        if unfinished
        else "Items that are not finished",
        throughput=_throughput(report),
        charts=charts,
        budget=budget,
        slowest=_slowest(report),
        states=_states(report),
        columns=list(_COLUMNS),
        player=player_root(base_url),
    )


def _source(text: str) -> str:
    """Return the source expression that allows an inline element with this content."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _text(text: str | None) -> str:
    return escape_invisible(text or "")


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


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def _seconds(record: Record) -> float | None:
    seconds = duration(record)
    return None if seconds is None else round(seconds, 3)


def _message(record: Record) -> str | None:
    return None if record.message is None else _text(masked(record.message))


_COLUMNS: dict[str, Callable[[Record], Any]] = {
    "uri": lambda record: _text(shown(record.item.uri)),
    "state": lambda record: record.state,
    "video": lambda record: record.video_id,
    "size": lambda record: record.item.size,
    "seconds": _seconds,
    "attempts": lambda record: record.attempts,
    "cause": lambda record: None if record.cause is None else _text(record.cause),
    "message": _message,
}
"""The columns of the list of all items, as ``report.js`` names them."""


def _tiles(report: Report) -> list[tuple[str, str, str, str]]:
    """Return the most important figures: name, value, detail, and the CSS class."""
    totals = report.totals
    done, failed = totals.count("done"), totals.count("failed", "quarantined")
    return [
        ("Failed", f"{failed:,}", "", "bad" if failed else ""),
        ("Done", f"{done:,}", f"of {totals.count():,}", "good" if done else ""),
        ("Not finished", f"{totals.open:,}", "", ""),
        ("Bytes done", _size(totals.bytes.get("done", 0)), "", ""),
        ("Bytes sent", _size(totals.sent), "", ""),
        ("Duration", _duration(report.seconds), "", ""),
        ("Items per second", f"{done / report.seconds:,.1f}" if report.seconds else "-", "", ""),
    ]


def _failures(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "cause": _text(each.cause),
            "count": f"{each.count:,} item{'' if each.count == 1 else 's'}",
            "advice": advice_for(each.cause),
            "message": _text(each.message),
            "uris": [_text(uri) for uri in each.uris],
        }
        for each in report.failures
    ]


def _throughput(report: Report) -> str:
    width = float(report.width)
    period = f"in each {_duration(width)}" if width > 1 else "in each second"
    items = [(each.start, float(each.items)) for each in report.timeline]
    rates = [(each.start, each.bytes / width) for each in report.timeline]
    return draw_bars(f"Items done {period}", items, width=width, text=_count) + draw_bars(
        f"Bytes done per second, {period}", rates, width=width, text=_size, kind="bytes", unit=1024
    )


def _budget(usage: Sequence[Usage]) -> tuple[str, list[tuple[str, ...]]]:
    """Return the charts of the request budget, and the rows of its table."""
    charts: list[str] = []
    rows: list[tuple[str, ...]] = []
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
    return "".join(charts), rows


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


def _slowest(report: Report) -> list[tuple[str, ...]]:
    return [
        (
            _text(each.uri),
            _duration(each.seconds),
            "-" if each.size is None else _size(each.size),
            f"{each.attempts:,}",
            _text(each.video_id or "-"),
        )
        for each in report.slowest
    ]


def _states(report: Report) -> list[tuple[str, ...]]:
    totals = report.totals
    return [
        (state, f"{count:,}", _size(totals.bytes.get(state, 0)))
        for state, count in sorted(totals.items.items(), key=lambda each: -each[1])
    ]
