"""Read and check the parameters of an analytics request. Pure functions.

See service.md#analytics-operations, service.md#error-details, service.md#analytics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..rules.problems import invalid_query_parameter, unrecognized_url
from ..state.items import timestamp
from .filters import KEYS, TOTAL_KEYS, filter_key, read_filters, unexpected
from .metrics import Span, View

Query = Sequence[tuple[str, str]]
_VIEW_DURATIONS = {"3s": 3, "5s": 5, "10s": 10, "30s": 30}
_INTERVALS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
# The start of the span for totals, which cover all time.
_BEGIN = datetime.fromtimestamp(0, UTC)
_COMMON = frozenset({"from", "to"})
_PAGES = frozenset({"currentPage", "pageSize", "sortBy", "sortOrder"})
# Prefixes of the metrics that accept the parameter ``unique``.
_UNIQUE = ("ccv", "view")


@dataclass(frozen=True, slots=True)
class Question:
    """A legal analytics request: the filters for plays, the time span, and how plays are counted.

    ``shown`` is the name of the metric in the response. ``interval`` is set for time series only.
    """

    shown: str
    span: Span
    filters: dict[str, list[str]]
    view: View
    interval: str | None = None

    def context(self, **more: str) -> dict[str, Any]:
        """Return the ``context`` object of the response. ``more`` are its additional fields."""
        frame = {"from": timestamp(self.span.start), "to": timestamp(self.span.stop)}
        return {"metric": self.shown, **more, "timeframe": frame}


def read_question(
    metric: str,
    query: Query,
    now: datetime,
    days: int,
    *,
    paged: bool,
    timed: bool = False,
    total: bool = False,
) -> Question:
    """Read the query of an operation. Raises a refusal if a parameter is unknown or illegal.

    ``paged`` operations accept page and order parameters, ``timed`` operations accept ``interval``.
    For the ``total`` of plays, ``from`` and ``to`` are ignored and fewer filters are allowed.
    ``from`` must be no more than ``days`` days before ``now``.
    """
    allowed = (
        _COMMON | (_PAGES if paged else frozenset()) | ({"interval"} if timed else frozenset())
    )
    if metric.startswith(_UNIQUE):
        allowed |= {"unique"}
    if metric == "view":
        allowed |= {"viewDuration"}
    # Filters are checked later by ``read_filters``, which knows the keys that the operation allows.
    for name, _ in query:
        if name not in allowed and filter_key(name) is None:
            raise unexpected(name)
    values = dict(query)
    view = View(
        _view_seconds(values.get("viewDuration", "5s")),
        _flag("unique", values.get("unique", "false")),
    )
    span = Span(_BEGIN, now) if total else _span(values, now, days)
    filters = read_filters(query, TOTAL_KEYS if total else KEYS)
    interval = _interval(values.get("interval"), span) if timed else None
    return Question(_shown(metric, view), span, filters, view, interval)


def _shown(metric: str, view: View) -> str:
    """Return the metric's name in the response: ``view-5``, ``unique-view-5``, ``unique-ccv``.

    See service.md#metric-names.
    """
    name = f"view-{view.seconds}" if metric == "view" else metric
    return f"unique-{name}" if view.unique else name


def _view_seconds(text: str) -> int:
    if text not in _VIEW_DURATIONS:
        detail = 'This view duration is invalid. Use one of "3s", "5s", "10s", "30s".'
        raise invalid_query_parameter("viewDuration", detail)
    return _VIEW_DURATIONS[text]


def _flag(name: str, text: str) -> bool:
    if text not in {"true", "false"}:
        raise invalid_query_parameter(name, "This value must be of type boolean.")
    return text == "true"


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(
            UTC
        )
        # Refuse moments at the limits of ``datetime``, so that later arithmetic cannot overflow.
        _ = moment - timedelta(days=1), moment + timedelta(days=1)
    except (ValueError, OverflowError):
        raise invalid_query_parameter(name, "This value is not a valid datetime.") from None
    return moment


def _span(values: dict[str, str], now: datetime, days: int) -> Span:
    """Read ``from`` and ``to``. ``to`` defaults to now, ``from`` to one day before ``to``."""
    stop = _moment("to", values["to"]) if "to" in values else now
    start = _moment("from", values["from"]) if "from" in values else stop - timedelta(days=1)
    if start >= stop:
        raise invalid_query_parameter(
            "from", "This value should be before the end of the timeframe."
        )
    # One minute of tolerance: the client computed ``from`` with an earlier clock reading.
    if "from" in values and now - start > timedelta(days=days, minutes=1):
        raise invalid_query_parameter(
            "from", f"This value should not be more than {days} days ago."
        )
    return Span(start, stop)


def _interval(text: str | None, span: Span) -> str:
    """Read ``interval``. The default is ``hour`` for up to two days and ``day`` for longer spans.

    ``minute`` is legal for spans of up to one hour (service.md#error-details).
    """
    if text is None:
        return "hour" if span.seconds <= 2 * 86400 else "day"
    if text not in _INTERVALS:
        detail = 'This interval is invalid. Use one of "minute", "hour", "day".'
        raise invalid_query_parameter("interval", detail)
    if text == "minute" and span.seconds > 3600:
        raise invalid_query_parameter(
            "interval", "This interval cannot be used with a timeframe over 60 minutes."
        )
    return text


def check_path(known: bool) -> None:
    """Raise the refusal for an unknown URL if ``known`` is false.

    Called with whether the metric, aggregation or breakdown of the path exists. See
    service.md#analytics-operations.
    """
    if not known:
        raise unrecognized_url()


def cut(span: Span, interval: str) -> list[Span]:
    """Split a span at full minutes, hours or days (UTC)."""
    pieces, start = [], span.start
    while start < span.stop:
        stop = begin_of(start, interval) + _INTERVALS[interval]
        pieces.append(Span(start, min(stop, span.stop)))
        start = stop
    return pieces


def begin_of(moment: datetime, interval: str) -> datetime:
    """Return the start of the minute, hour or day (UTC) that contains ``moment``."""
    moment = moment.astimezone(UTC)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (moment - midnight) // _INTERVALS[interval] * _INTERVALS[interval]
