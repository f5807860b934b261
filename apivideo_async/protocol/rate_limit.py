"""How many requests of a class may start now, judged by the server's own headers (CONTRACT §4).

Theory of operation. Every answer (but those of ``/auth/*``) tells how many requests the window allows, how many
remain, and in how many seconds it resets. Answers overtake each other, several processes may share one key, and
requests in flight are not in any answer yet. So a window keeps

- ``remaining``: the lowest count seen since the window began; a higher count is believed only from a request
  that *started after* that lowest count was known, because only then did the server count it later;
- ``in_flight``: our own requests whose answer has not come; each may or may not be in ``remaining`` already,
  and is counted against it.

``remaining - in_flight`` is then never more than what the server really has left for us, and equals it whenever
nothing is in flight. Before the first answer little is known: a few requests may start (``UNKNOWN_BUDGET``).
When the first answers carry no such headers, the class is not limited until one does.

Time is an argument, in seconds of any steady clock.
"""

import math
from collections.abc import Mapping

from attrs import define, frozen

__all__ = ["RateLimitHeaders", "Window", "read_headers"]

UNKNOWN_BUDGET = 16
"""Requests in flight before the first answer told the limit; the smallest documented limit is 40."""
BLIND_COOL_DOWN = 5.0
"""Seconds to wait after a 429 that does not say how long."""
LONGEST_WINDOW = 3600.0
"""A reset that is further away than this is not believed."""


@frozen
class RateLimitHeaders:
    """The three headers of one answer."""

    limit: int
    remaining: int
    retry_after: float
    """Seconds until the window resets; not the standard ``Retry-After``."""


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
    resets_at: float = 0.0
    known_at: float = -math.inf
    """When ``remaining`` was learnt."""
    in_flight: int = 0
    unlimited: bool = False
    cool_until: float = -math.inf

    def wait(self, now: float) -> float:
        """Seconds until a request may start; 0 when it may start now, infinity when an answer must come first."""
        if now < self.cool_until:
            return self.cool_until - now
        if self.unlimited:
            return 0.0
        if self.limit is None:
            return 0.0 if self.in_flight < UNKNOWN_BUDGET else math.inf
        if now >= self.resets_at:
            self._renew(now)
        if self._available() > 0:
            return 0.0
        # Spent for this window; or, when the window is fresh, all of it is in flight and an answer must come.
        return self.resets_at - now if now < self.resets_at else math.inf

    def _available(self) -> int:
        kept = math.ceil((self.limit or 0) * self.reserve)
        return self.remaining - kept - self.in_flight

    def _renew(self, now: float) -> None:
        if self.limit is not None and self.known_at < self.resets_at:
            self.remaining = self.limit
            self.known_at = now

    def start(self) -> None:
        """Count a request that begins."""
        self.in_flight += 1

    def abandon(self) -> None:
        """Count a request that ended without an answer: the server may have counted it."""
        self.in_flight -= 1
        if self.limit is not None:
            self.remaining -= 1

    def answered(self, headers: RateLimitHeaders | None, started: float, now: float) -> None:
        """Count an answer to a request that began at ``started``."""
        self.in_flight -= 1
        if headers is None:
            # One answer of a proxy in between does not lift a limit that is known.
            self.unlimited = self.limit is None
            return
        self.unlimited = False
        later = started >= self.known_at or self.limit is None
        self.limit = headers.limit
        if later:
            self.remaining = headers.remaining
            self.resets_at = now + headers.retry_after
            self.known_at = now
        elif headers.remaining < self.remaining:
            self.remaining = headers.remaining
            self.resets_at = max(self.resets_at, now + headers.retry_after)

    def refused(self, retry_after: float | None, now: float) -> None:
        """Cool down after a 429: nobody of this class starts before its window resets."""
        wait = BLIND_COOL_DOWN if retry_after is None else min(retry_after, LONGEST_WINDOW)
        self.cool_until = max(self.cool_until, now + wait)
        self.resets_at = max(self.resets_at, self.cool_until)
        self.remaining = 0
        self.known_at = now
