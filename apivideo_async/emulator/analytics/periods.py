"""Periods of the legacy analytics: a day, week, month, year or range of days. Pure functions.

See service.md#legacy-periods.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from ..rules.problems import invalid_query_parameter
from .metrics import Span

_DETAIL = "This period is invalid. Use a day, a week, a month, a year or a range of days."


def read_period(text: str | None) -> Span:
    """Return the span of a period in UTC. A range includes its last day.

    Raises a refusal if the period is absent or has another form.
    """
    try:
        first, last = _days(text or "")
        return Span(_midnight(first), _midnight(last + timedelta(days=1)))
    except (ValueError, OverflowError):
        raise invalid_query_parameter("period", _DETAIL) from None


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
        # 31 days after the first day is always in the next month. Its first day minus one is the
        # last day.
        first_day = date(int(month[1]), int(month[2]), 1)
        return first_day, (first_day + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    if re.fullmatch(r"\d{4}", text):
        return date(int(text), 1, 1), date(int(text), 12, 31)
    day = _day(text)
    return day, day


def _day(text: str) -> date:
    # ``fromisoformat`` also accepts forms that the service does not document, such as 20240131.
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)
