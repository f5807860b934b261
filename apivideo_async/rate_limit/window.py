"""Calculates from the server's headers how many requests of a class may start now.

See service.md#rate-limit-headers.

Theory of operation. Every response, except those of ``/auth/*``, contains the limit of the window,
the number of remaining requests, and the seconds until the window resets. Three things make these
numbers uncertain: responses overtake each other, several processes may use one key, and requests in
flight are in no response yet. A window therefore keeps

- ``remaining``: the lowest known count. A higher count is accepted in two cases only. Either its
  request started after the lowest count was known, so the server counted it later; or its window
  ends later than the current window can end. Another higher count may belong to the next window,
  and limits the number with which that window starts.
- ``in_flight``: our requests without a response. The server may or may not have counted each of
  them in ``remaining``, so all of them are subtracted. A request that ends without a response, or
  with a response without a count, may have been counted too.

``remaining - in_flight`` is never more than the number that the server has left, and equals it when
no request is in flight.

Other users of the key have requests in flight too. If no places were left for these, every window
would end with a burst of 429 responses. The window estimates their number from the same counts:
``crowd`` is the decrease of ``remaining`` since the window was first seen, divided by the number of
our requests in that time. It is exactly 1 for a client that is alone, because the server has
counted only requests that were answered or are in flight. The counts are one round trip old, so
twice as many requests of others are assumed to be in flight.

When the window has ended, the whole limit is available again. The end of the new window is not
known until a response contains it. If no request is in flight that could bring such a response, one
request may always start, so that a window never waits for a response that cannot arrive.

Before the first response, ``UNKNOWN_BUDGET`` requests may be in flight. If the first responses lack
the headers, the class is not limited until a response has them. All methods take the time as an
argument, in seconds of any steady clock.
"""

import math
from collections.abc import Mapping

from attrs import define, frozen

__all__ = ["RateLimitHeaders", "RequestBudget", "Window", "read_headers"]

UNKNOWN_BUDGET = 16
"""Requests in flight before a limit is known. The smallest documented limit is 40."""
BLIND_COOL_DOWN = 5.0
"""Seconds to wait after a 429 without ``X-RateLimit-Retry-After``."""
ROUNDING = 1.0
"""Rounding error of the header, which has whole seconds. A reset "in 0 s" is within 1 s."""
LONGEST_WINDOW = 3600.0
"""Seconds. A longer time until a reset is cut to this."""
LARGEST_CROWD = 8.0
"""Upper bound of the crowd.

A client that sends less than 1/8 of the traffic stops when that many requests remain in the window.
Without the bound, a client with a tiny share would stop much earlier.
"""


@frozen
class RateLimitHeaders:
    """The three rate limit headers of a response."""

    limit: int
    remaining: int
    retry_after: float
    """Seconds until the window resets. The header is not the standard ``Retry-After``."""


@frozen
class RequestBudget:
    """The known state of the request budget of one class (service.md#rate-limit-headers)."""

    limit_class: str
    limit: int | None
    """Requests per minute that the server allows; None if unknown or unlimited."""
    left: int | None
    """Requests that may start now, without the reserve for others. None as for ``limit``."""
    refused: int
    """Number of 429 responses."""


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None


def read_headers(headers: Mapping[str, str]) -> RateLimitHeaders | None:
    """Read the headers (lower-case names). None if one is missing or not a number of at least 0."""
    limit = _number(headers.get("x-ratelimit-limit"))
    remaining = _number(headers.get("x-ratelimit-remaining"))
    retry_after = _number(headers.get("x-ratelimit-retry-after"))
    if limit is None or remaining is None or retry_after is None:
        return None
    return RateLimitHeaders(int(limit), int(remaining), min(retry_after, LONGEST_WINDOW))


@define
class Window:
    """The request budget of one class."""

    reserve: float = 0.0
    """Share of the limit that is left to other users of the key."""
    limit: int | None = None
    remaining: int = 0
    resets_at: float | None = None
    """Latest possible end of the window; None while it is not known."""
    resets_from: float = -math.inf
    """Earliest possible end of the window."""
    known_at: float = -math.inf
    """Time at which ``remaining`` was learned."""
    in_flight: int = 0
    unlimited: bool = False
    """True if the responses have no rate limit headers."""
    cool_until: float = -math.inf
    """Time before which no request may start, because of a 429."""
    next_at_most: float = math.inf
    """Upper bound of the next window's ``remaining``, from responses that may belong to it."""
    seen_from: int = 0
    """``remaining`` when this window was first seen."""
    ours: int = 0
    """Number of our requests that have ended since then."""
    last_crowd: float = 1.0
    """The crowd at the end of the last window."""

    def wait(self, now: float) -> float:
        """Return the seconds until a request may start; infinity: a response must arrive first."""
        if now < self.cool_until:
            return self.cool_until - now
        if self.unlimited:
            return 0.0
        if self.limit is None:
            return 0.0 if self.in_flight < UNKNOWN_BUDGET else math.inf
        self._roll_over(now)
        if self._fits(self.limit):
            return 0.0
        if self.resets_at is not None:
            return self.resets_at - now
        # With no request in flight, no response can arrive, so one request may start.
        return math.inf if self.in_flight else 0.0

    def spare(self, now: float) -> int | None:
        """Return how many requests may start now; None if this is not known or not limited."""
        if self.limit is None:
            return None
        self._roll_over(now)
        if now < self.cool_until:
            return 0
        return max(0, int(self._left(self.limit) / self._places()) - self.in_flight)

    def _left(self, limit: int) -> int:
        # The reserve never takes the whole limit: at least one request may start in each window.
        return self.remaining - min(math.ceil(limit * self.reserve), max(0, limit - 1))

    def _places(self) -> float:
        """Return how many places one of our requests takes, with those of others at that time."""
        # ``crowd - 1`` requests of others come with each of ours. They are counted twice, because
        # the counts are one round trip old.
        return 2 * max(self.last_crowd, self._crowd()) - 1

    def _fits(self, limit: int) -> bool:
        """Return whether one more of our requests has a place."""
        # With no request in flight, ``remaining`` is up to date, so the requests of others are
        # counted once: ``(places + 1) / 2`` is the crowd.
        places = self._places()
        needed = (self.in_flight + 1) * places if self.in_flight else (places + 1) / 2
        return self._left(limit) >= needed

    def _crowd(self) -> float:
        """Return the requests of all users for each of ours in this window, at least 1."""
        counted, ours = self.seen_from - self.remaining, self.ours + self.in_flight
        return min(LARGEST_CROWD, max(1.0, counted / ours)) if ours else 1.0

    def _roll_over(self, now: float) -> None:
        if self.limit is not None and self.resets_at is not None and now >= self.resets_at:
            self._begin(int(min(self.limit, self.next_at_most)), now)
            self.next_at_most = math.inf
            self.resets_at, self.resets_from = None, -math.inf

    def _begin(self, remaining: int, now: float) -> None:
        self.last_crowd, self.seen_from, self.ours = self._crowd(), remaining, 0
        self.remaining, self.known_at = remaining, now

    def _learn(self, remaining: int, now: float) -> None:
        """Store a count as the true one. A higher count belongs to another window."""
        if self.limit is None or remaining > self.remaining:
            self._begin(remaining, now)
        self.remaining, self.known_at = remaining, now

    def start(self) -> None:
        """Count a request that starts."""
        self.in_flight += 1

    def withdraw(self) -> None:
        """Take back a request that was allowed and not sent."""
        self.in_flight -= 1

    def abandon(self) -> None:
        """Count a request that ended without a response. The server may have counted it."""
        self.in_flight -= 1
        self.remaining -= 1
        self.ours += 1

    def answered(self, headers: RateLimitHeaders | None, started: float, now: float) -> None:
        """Update the window from the response to the request that started at ``started``."""
        if headers is None:
            # A response from a proxy may lack the headers. It does not remove a known limit.
            self.unlimited = self.limit is None
            self.abandon()
            return
        self._roll_over(now)
        self.in_flight -= 1
        self.ours += 1
        self.unlimited = False
        # The server counted the request at some time between ``started`` and ``now``, so the window
        # of this response ends between these two times.
        earliest = started + headers.retry_after - ROUNDING
        latest = now + (headers.retry_after or ROUNDING)
        resets_at = math.inf if self.resets_at is None else self.resets_at
        if self.limit is None or started >= self.known_at or earliest > resets_at:
            # The server counted the request after the current count, or in a window that ends after
            # the current one can end. The count replaces the current one, even if it is higher.
            self._learn(headers.remaining, now)
            self.resets_from, self.resets_at = earliest, latest
        elif latest < self.resets_from:
            pass  # The response belongs to a window that has ended.
        elif headers.remaining < self.remaining:
            # The responses arrived in another order than the server counted. Within a window,
            # counts only fall, so the lower one is true.
            self._learn(headers.remaining, now)
            self.resets_at = latest if self.resets_at is None else max(self.resets_at, latest)
        elif latest > resets_at + ROUNDING:
            # The response may belong to the next window, but this is not certain: it may also be an
            # older response of this window. Its count only bounds the next window.
            self.next_at_most = min(self.next_at_most, headers.remaining)
        self.limit = headers.limit

    def refused(self, retry_after: float | None, now: float) -> None:
        """Stop this class after a 429: no request starts before the window resets."""
        wait = (
            BLIND_COOL_DOWN if retry_after is None else min(retry_after or ROUNDING, LONGEST_WINDOW)
        )
        self.cool_until = max(self.cool_until, now + wait)
        self.resets_at = max(self.resets_at or self.cool_until, self.cool_until)
        self.remaining = 0
