"""The rate limit headers of a response, in the usual form or that of ``rate-headers``. Pure.

See service.md#rate-limit-headers, service.md#open-questions.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime

from .rate_windows import ROUNDING, Verdict, format_wait

__all__ = ["rate_headers"]

_LIMIT, _REMAINING = "X-RateLimit-Limit", "X-RateLimit-Remaining"
_RETRY_AFTER = "X-RateLimit-Retry-After"


def _partial(verdict: Verdict, now: datetime) -> dict[str, str]:
    headers = verdict.headers()
    del headers[_RETRY_AFTER]
    return headers


def _zero(verdict: Verdict, now: datetime) -> dict[str, str]:
    headers = verdict.headers()
    return {**headers, _RETRY_AFTER: "0"} if verdict.allowed else headers


def _timestamp(verdict: Verdict, now: datetime) -> dict[str, str]:
    ends = format_wait(now.timestamp() + verdict.resets_in, verdict.window)
    return {**verdict.headers(), _RETRY_AFTER: ends}


def _standard(verdict: Verdict, now: datetime) -> dict[str, str]:
    return {} if verdict.allowed else {"Retry-After": str(_whole(verdict.resets_in))}


def _standard_date(verdict: Verdict, now: datetime) -> dict[str, str]:
    if verdict.allowed:
        return {}
    moment = datetime.fromtimestamp(_whole(now.timestamp() + verdict.resets_in), UTC)
    return {"Retry-After": format_datetime(moment, usegmt=True)}


def _unlimited(verdict: Verdict, now: datetime) -> dict[str, str]:
    return {**_zero(verdict, now), _LIMIT: "-1", _REMAINING: "-1"}


_STYLES: dict[str | None, Callable[[Verdict, datetime], dict[str, str]]] = {
    None: lambda verdict, now: verdict.headers(),
    "absent": lambda verdict, now: {},
    "partial": _partial,
    "zero": _zero,
    "timestamp": _timestamp,
    "standard": _standard,
    "standard-date": _standard_date,
    "unlimited": _unlimited,
}


def rate_headers(verdict: Verdict, style: str | None, now: datetime) -> dict[str, str]:
    """Return the headers. ``style`` is the value of the quirk ``rate-headers``, or None.

    Seconds are rounded up, so that a client that waits is never too early. The standard header has
    whole seconds.
    """
    return _STYLES[style](verdict, now)


def _whole(seconds: float) -> int:
    return math.ceil(seconds - ROUNDING)
