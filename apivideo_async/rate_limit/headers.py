"""Reads the headers that say when to send the next request.

See service.md#rate-limit-headers. The documents leave open what exactly the headers mean, and
gateways add headers of their own, so each header is read separately: a missing or unusable one
leaves the others valid. Where the time of day is needed, it is an argument or that of the response.
"""

import math
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from attrs import frozen

__all__ = ["LONGEST_WAIT", "RateLimitHeaders", "asked_wait", "read_headers"]

LONGEST_WAIT = 120.0
"""Seconds. A header never causes a longer wait: after that, one request probes the server."""
EARLIEST_UNIX_TIME = 1e9
"""A larger number is a moment (Unix time, the year 2001 or later) and no number of seconds."""
EARLIEST_MILLISECONDS = 1e11
"""A larger number is a Unix time in milliseconds."""
ROUNDING = 1.0
"""Seconds. Rounding error of a header in whole seconds, such as ``Date``."""
PASSED = 0.001
"""Seconds to a moment that has passed. The number 0 has another meaning: it states nothing."""
LARGEST_SKEW = 5.0
"""Seconds between ``Date`` and this computer's clock up to which the latter is used.

``Date`` has whole seconds, so the own clock is more exact if it is right.
"""


@frozen
class RateLimitHeaders:
    """The rate limit headers of a response. None: the header is missing or not usable."""

    limit: int | None = None
    """Requests per window; None also if the server says that there is no limit."""
    remaining: int | None = None
    retry_after: float | None = None
    """``X-RateLimit-Retry-After``: seconds until the window resets."""
    standard: float | None = None
    """Seconds of the standard ``Retry-After``, which gateways send with 429 and 503."""
    quirk: str | None = None
    """Name of the quirk that these headers show, or None."""

    @property
    def wait(self) -> float | None:
        """Seconds to wait after a 429; None if no header says it. The longer one counts."""
        stated = [seconds for seconds in (self.retry_after, self.standard) if seconds is not None]
        return max(stated, default=None)


def read_headers(headers: Mapping[str, str], now: float | None = None) -> RateLimitHeaders | None:
    """Read the headers (lower-case names). None if there is none with a usable value.

    ``now`` is the Unix time of this computer. Without it, moments are compared with ``Date``.
    """
    limit, no_limit = _count(headers.get("x-ratelimit-limit"))
    remaining, no_count = _count(headers.get("x-ratelimit-remaining"))
    clock = _server_time(headers, now)
    text = headers.get("x-ratelimit-retry-after")
    number = _number(text)
    quirk = None
    if number is not None and number > EARLIEST_UNIX_TIME:
        quirk = "rate-headers=timestamp"
    elif no_limit or no_count:
        quirk = "rate-headers=unlimited"
    read = RateLimitHeaders(
        limit,
        None if no_limit else remaining,
        _seconds(text, clock),
        _seconds(headers.get("retry-after"), clock),
        quirk,
    )
    return None if read == RateLimitHeaders() else read


def asked_wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a response asks to wait, or None.

    Only a 429 asks so with ``X-RateLimit-Retry-After``, which other responses have as well.
    """
    read = read_headers(headers)
    if read is None:
        return None
    return read.wait if status == 429 else read.standard


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _count(text: str | None) -> tuple[int | None, bool]:
    """Return a count, and whether it is a negative number, which means "not limited"."""
    value = _number(text)
    return (None, value is not None) if value is None or value < 0 else (int(value), False)


def _date(text: str | None) -> float | None:
    """Return the Unix time of an HTTP date."""
    try:
        moment = parsedate_to_datetime(text or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _server_time(headers: Mapping[str, str], now: float | None) -> float | None:
    date = _date(headers.get("date"))
    if date is None or now is None:
        return now if date is None else date
    if abs(now - date) > LARGEST_SKEW:
        return date
    return min(max(now, date), date + ROUNDING)


def _seconds(text: str | None, clock: float | None) -> float | None:
    """Return the seconds until the time that a header states as seconds, Unix time or date."""
    moment = _number(text)
    if moment is None:
        moment = _date(text)
        if moment is None:
            return None
    elif moment <= EARLIEST_UNIX_TIME:
        return moment if moment >= 0 else None
    elif moment > EARLIEST_MILLISECONDS:
        moment /= 1000
    return None if clock is None else max(PASSED, moment - clock)
