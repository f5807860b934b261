"""How many requests of a class may start now, judged by the server's own headers (service.md#rate-limit-headers).

Theory of operation. Every answer (but those of ``/auth/*``) tells how many requests the window allows, how many
remain, and in how many seconds it resets. Answers overtake each other, several processes may share one key, and
requests in flight are not in any answer yet. So a window keeps

- ``remaining``: the lowest count known. A higher one is believed only from a request that *started after* the lowest
  was known, because only then did the server count it later; or from one whose window cannot be this one, going by
  when it can end. A higher count of which that is not sure bounds what the next window starts with;
- ``in_flight``: our own requests whose answer has not come; each may or may not be in ``remaining`` already, and is
  counted against it. One that ends without an answer, or with one that tells no count, was perhaps counted.

``remaining - in_flight`` is then never more than what the server really has left, and equals it whenever nothing is
in flight. Others who use the key have requests in flight as well; without places for those, every window would end in
a burst of refusals. How many they are follows from the same counts: the ``crowd`` is what ``remaining`` fell by since
the window was first seen, for each request of ours. It is exactly 1 for a client alone, because whatever the server
counted was then answered to us or is in flight. What is known is a round trip old, so others are taken to have twice
as many in flight as that.

When the window is over, the limit is available again, and the end of the new window is not known until an answer tells
it. If nothing is in flight that could tell, one request may always start to find out: a window never waits for an
answer that cannot come.

Before the first answer little is known: a few requests may start (``UNKNOWN_BUDGET``). When the first answers carry no
such headers, the class is not limited until one does. Time is an argument, in seconds of any steady clock.
"""

import math
from collections.abc import Mapping

from attrs import define, frozen

__all__ = ["RateLimitHeaders", "RequestBudget", "Window", "read_headers"]

UNKNOWN_BUDGET = 16
"""Requests in flight before the first answer told the limit; the smallest documented limit is 40."""
BLIND_COOL_DOWN = 5.0
"""Seconds to wait after a 429 that does not say how long."""
SOON = 1.0
"""Seconds that a count of whole seconds may be off; a reset "in 0 s" lies within them."""
LONGEST_WINDOW = 3600.0
"""A reset that is further away than this is not believed."""
LARGEST_CROWD = 8.0
"""Who sends less than an eighth of all requests stops when so many are left, and no earlier."""


@frozen
class RateLimitHeaders:
    """The three headers of one answer."""

    limit: int
    remaining: int
    retry_after: float
    """Seconds until the window resets; not the standard ``Retry-After``."""


@frozen
class RequestBudget:
    """What is known of the request budget of one class (service.md#rate-limit-headers)."""

    limit_class: str
    limit: int | None
    """Requests a minute that the server allows; None before an answer told it, or when there is no limit."""
    left: int | None
    """Of them, those that may start now, without what is left to others; None as for ``limit``."""
    refused: int
    """Requests that were answered with 429."""


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None


def read_headers(headers: Mapping[str, str]) -> RateLimitHeaders | None:
    """Read the headers (lower-case names), or None when they are not all there or make no sense."""
    limit = _number(headers.get("x-ratelimit-limit"))
    remaining = _number(headers.get("x-ratelimit-remaining"))
    retry_after = _number(headers.get("x-ratelimit-retry-after"))
    if limit is None or remaining is None or retry_after is None:
        return None
    return RateLimitHeaders(int(limit), int(remaining), min(retry_after, LONGEST_WINDOW))


@define
class Window:
    """The budget of one class of requests."""

    reserve: float = 0.0
    """Share of the limit that is left to others."""
    limit: int | None = None
    remaining: int = 0
    resets_at: float | None = None
    """Where the window ends at the latest; None while that is not known."""
    resets_from: float = -math.inf
    """Where it ends at the earliest."""
    known_at: float = -math.inf
    """When ``remaining`` was learnt."""
    in_flight: int = 0
    unlimited: bool = False
    cool_until: float = -math.inf
    next_at_most: float = math.inf
    """What the next window has left at most, going by answers that may belong to it."""
    seen_from: int = 0
    """What remained when this window was first seen."""
    ours: int = 0
    """Requests of ours that ended since."""
    last_crowd: float = 1.0
    """What the crowd was at the end of the last window."""

    def wait(self, now: float) -> float:
        """Seconds until a request may start; 0 when it may start now, infinity when an answer must come first."""
        if now < self.cool_until:
            return self.cool_until - now
        if self.unlimited:
            return 0.0
        if self.limit is None:
            return 0.0 if self.in_flight < UNKNOWN_BUDGET else math.inf
        self._turn(now)
        if self._fits(self.limit):
            return 0.0
        if self.resets_at is not None:
            return self.resets_at - now
        return math.inf if self.in_flight else 0.0

    def spare(self, now: float) -> int | None:
        """Requests that may start now; None when that is not known, or not limited."""
        if self.limit is None:
            return None
        self._turn(now)
        return max(0, int(self._left(self.limit) / self._each()) - self.in_flight) if now >= self.cool_until else 0

    def _left(self, limit: int) -> int:
        return self.remaining - min(math.ceil(limit * self.reserve), max(0, limit - 1))

    def _each(self) -> float:
        """Places that one request of ours takes, with those that others have sent meanwhile."""
        return 2 * max(self.last_crowd, self._crowd()) - 1

    def _fits(self, limit: int) -> bool:
        """Whether there is a place for one more request of ours; with none in flight the crowd counts once."""
        each = self._each()
        return self._left(limit) >= ((self.in_flight + 1) * each if self.in_flight else (each + 1) / 2)

    def _crowd(self) -> float:
        """Requests of everybody for each one of ours in this window."""
        counted, ours = self.seen_from - self.remaining, self.ours + self.in_flight
        return min(LARGEST_CROWD, max(1.0, counted / ours)) if ours else 1.0

    def _turn(self, now: float) -> None:
        """Begin the next window when this one is over."""
        if self.limit is not None and self.resets_at is not None and now >= self.resets_at:
            self._open(int(min(self.limit, self.next_at_most)), now)
            self.next_at_most = math.inf
            self.resets_at, self.resets_from = None, -math.inf

    def _open(self, remaining: int, now: float) -> None:
        self.last_crowd, self.seen_from, self.ours = self._crowd(), remaining, 0
        self.remaining, self.known_at = remaining, now

    def _learn(self, remaining: int, now: float) -> None:
        """Take a count for the true one; a higher one is of another window."""
        if self.limit is None or remaining > self.remaining:
            self._open(remaining, now)
        self.remaining, self.known_at = remaining, now

    def start(self) -> None:
        """Count a request that begins."""
        self.in_flight += 1

    def withdraw(self) -> None:
        """Take back a request that was let in and never sent."""
        self.in_flight -= 1

    def abandon(self) -> None:
        """Count a request that ended without an answer: the server may have counted it."""
        self.in_flight -= 1
        self.remaining -= 1
        self.ours += 1

    def answered(self, headers: RateLimitHeaders | None, started: float, now: float) -> None:
        """Count an answer to a request that began at ``started``."""
        if headers is None:
            # A proxy in between does not lift a limit that is known.
            self.unlimited = self.limit is None
            self.abandon()
            return
        self._turn(now)
        self.in_flight -= 1
        self.ours += 1
        self.unlimited = False
        # The window of this answer ends between these two, because it was counted somewhere between start and now.
        earliest, latest = started + headers.retry_after - SOON, now + (headers.retry_after or SOON)
        resets_at = math.inf if self.resets_at is None else self.resets_at
        if self.limit is None or started >= self.known_at or earliest > resets_at:
            self._learn(headers.remaining, now)
            self.resets_from, self.resets_at = earliest, latest
        elif latest < self.resets_from:
            pass  # Of a window that is over.
        elif headers.remaining < self.remaining:
            self._learn(headers.remaining, now)
            self.resets_at = latest if self.resets_at is None else max(self.resets_at, latest)
        elif latest > resets_at + SOON:
            self.next_at_most = min(self.next_at_most, headers.remaining)
        self.limit = headers.limit

    def refused(self, retry_after: float | None, now: float) -> None:
        """Cool down after a 429: nobody of this class starts before its window resets."""
        wait = BLIND_COOL_DOWN if retry_after is None else min(retry_after or SOON, LONGEST_WINDOW)
        self.cool_until = max(self.cool_until, now + wait)
        self.resets_at = max(self.resets_at or self.cool_until, self.cool_until)
        self.remaining = 0
