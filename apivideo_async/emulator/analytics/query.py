"""Read and check the parameters of an analytics request. Pure functions.

See service.md#analytics-operations, service.md#error-details, service.md#analytics,
service.md#legacy-periods.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from attrs import frozen

from ..rules.problems import invalid_query_parameter, refuse
from ..state.items import Query, timestamp
from ..state.play import with_time_zone
from .filters import KEYS, TOTAL_KEYS, filter_key, read_filters, unexpected
from .metrics import Span, View

__all__ = [
    "AnalyticsQuery",
    "check_path",
    "read_period",
    "read_query",
    "split_span",
    "start_of_interval",
]

_VIEW_DURATIONS = {"3s": 3, "5s": 5, "10s": 10, "30s": 30}
_INTERVALS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
# The start of the span for totals, which cover all time.
_EPOCH = datetime.fromtimestamp(0, UTC)
_PAGE_PARAMETERS = frozenset({"currentPage", "pageSize", "sortBy", "sortOrder"})
# Prefixes of the metrics that accept the parameter ``unique``.
_UNIQUE = ("ccv", "view")


@frozen
class AnalyticsQuery:
    """A legal analytics request. ``interval`` is set for time series only."""

    metric_name: str
    span: Span
    filters: dict[str, list[str]]
    view: View
    interval: str | None = None

    def context(self, **fields: str) -> dict[str, Any]:
        """Return the ``context`` object of the response, with additional ``fields``."""
        frame = {"from": timestamp(self.span.start), "to": timestamp(self.span.stop)}
        return {"metric": self.metric_name, **fields, "timeframe": frame}


def read_query(
    metric: str,
    query: Query,
    now: datetime,
    days: int,
    *,
    paged: bool,
    timed: bool = False,
    total: bool = False,
) -> AnalyticsQuery:
    """Read the query of an operation. Raises a refusal if a parameter is unknown or illegal.

    ``paged`` operations accept page and order parameters, ``timed`` operations accept ``interval``.
    The ``total`` of plays ignores ``from`` and ``to`` and allows fewer filters. ``from`` must be no
    more than ``days`` days before ``now``.
    """
    allowed = {"from", "to"}
    if paged:
        allowed |= _PAGE_PARAMETERS
    if timed:
        allowed.add("interval")
    if metric.startswith(_UNIQUE):
        allowed.add("unique")
    if metric == "view":
        allowed.add("viewDuration")
    # ``read_filters`` checks the filters.
    for name, _ in query:
        if name not in allowed and filter_key(name) is None:
            raise unexpected(name)
    values = dict(query)
    view = _view(values)
    span = Span(_EPOCH, now) if total else _span(values, now, days)
    filters = read_filters(query, TOTAL_KEYS if total else KEYS)
    interval = _interval(values.get("interval"), span) if timed else None
    return AnalyticsQuery(_metric_name(metric, view), span, filters, view, interval)


def _metric_name(metric: str, view: View) -> str:
    # Such as ``view-5``, ``unique-view-5``, ``unique-ccv`` (service.md#metric-names).
    name = f"view-{view.seconds}" if metric == "view" else metric
    return f"unique-{name}" if view.unique else name


def _view(values: dict[str, str]) -> View:
    duration = values.get("viewDuration", "5s")
    if duration not in _VIEW_DURATIONS:
        detail = 'This view duration is invalid. Use one of "3s", "5s", "10s", "30s".'
        raise invalid_query_parameter("viewDuration", detail)
    unique = values.get("unique", "false")
    if unique not in {"true", "false"}:
        raise invalid_query_parameter("unique", "This value must be of type boolean.")
    return View(_VIEW_DURATIONS[duration], unique == "true")


def _moment(name: str, text: str) -> datetime:
    try:
        moment = with_time_zone(datetime.fromisoformat(text)).astimezone(UTC)
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
        detail = "This value should be before the end of the timeframe."
        raise invalid_query_parameter("from", detail)
    # One minute of tolerance: the client computed ``from`` with an earlier clock reading.
    if "from" in values and now - start > timedelta(days=days, minutes=1):
        detail = f"This value should not be more than {days} days ago."
        raise invalid_query_parameter("from", detail)
    return Span(start, stop)


def _interval(text: str | None, span: Span) -> str:
    if text is None:
        return "hour" if span.seconds <= 2 * 86400 else "day"
    if text not in _INTERVALS:
        detail = 'This interval is invalid. Use one of "minute", "hour", "day".'
        raise invalid_query_parameter("interval", detail)
    if text == "minute" and span.seconds > 3600:
        detail = "This interval cannot be used with a timeframe over 60 minutes."
        raise invalid_query_parameter("interval", detail)
    return text


def check_path(known: bool) -> None:
    """Raise the refusal for an unknown URL if a metric or breakdown is not ``known``."""
    if not known:
        raise refuse("unrecognized-request-url")


def split_span(span: Span, interval: str) -> list[Span]:
    """Split a span at full minutes, hours or days (UTC)."""
    pieces = []
    start = span.start
    while start < span.stop:
        stop = start_of_interval(start, interval) + _INTERVALS[interval]
        pieces.append(Span(start, min(stop, span.stop)))
        start = stop
    return pieces


def start_of_interval(moment: datetime, interval: str) -> datetime:
    """Return the start of the minute, hour or day (UTC) that contains ``moment``."""
    moment = moment.astimezone(UTC)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (moment - midnight) // _INTERVALS[interval] * _INTERVALS[interval]


def read_period(text: str | None) -> Span:
    """Return the span (UTC) of a day, week, month, year or range of days, or refuse the text."""
    try:
        first, last = _days(text or "")
        return Span(_midnight(first), _midnight(last + timedelta(days=1)))
    except (ValueError, OverflowError):
        detail = "This period is invalid. Use a day, a week, a month, a year or a range of days."
        raise invalid_query_parameter("period", detail) from None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _days(text: str) -> tuple[date, date]:
    """Return the first and the last day of a period. Raises ``ValueError`` for other texts."""
    if "/" in text:
        first, _, last = text.partition("/")
        return _day(first), _day(last)
    if week := re.fullmatch(r"(\d{4})-W(\d{2})", text):
        monday = date.fromisocalendar(int(week[1]), int(week[2]), 1)
        return monday, monday + timedelta(days=6)
    if month := re.fullmatch(r"(\d{4})-(\d{2})", text):
        first_day = date(int(month[1]), int(month[2]), 1)
        # 31 days after the first day is always in the next month.
        next_month = (first_day + timedelta(days=31)).replace(day=1)
        return first_day, next_month - timedelta(days=1)
    if re.fullmatch(r"\d{4}", text):
        return date(int(text), 1, 1), date(int(text), 12, 31)
    day = _day(text)
    return day, day


def _day(text: str) -> date:
    # ``fromisoformat`` also accepts forms that the service does not document, such as 20240131.
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)
