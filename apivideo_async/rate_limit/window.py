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

The documents do not say whether the whole limit is available again when the window has ended: the
server may use a sliding window or a token bucket. Until this is proven (``whole``), the end of a
window allows one request, and the response to it tells how many are available. It is proven by a
response that no longer counts a request of ours, which a sliding window would still count.

Before the first response, ``UNKNOWN_BUDGET`` requests may be in flight. If the responses lack a
limit, or the server refuses requests although the headers allowed them, or does not say when its
window resets, ``pace`` derives the rest from the refusals. A header that asks for a longer wait
than ``LONGEST_WAIT`` is followed for that time only. All methods take the time as an argument, in
seconds of any steady clock.
"""

import math

from attrs import define, field, frozen

from .headers import LONGEST_WAIT, ROUNDING, RateLimitHeaders
from .pace import Pace

__all__ = ["RequestBudget", "Window"]

UNKNOWN_BUDGET = 16
"""Requests in flight before a limit is known. The smallest documented limit is 40."""
BLIND_COOL_DOWN = 5.0
"""Seconds to wait after a first 429 without a header that says how long."""
PROBE_PAUSE = 1.0
"""Seconds after which another request may probe, if the first has no response yet."""
NO_LIMIT = "a 429, although the headers state no limit"
NO_RESET = "the headers do not state when the window resets"
LARGEST_CROWD = 8.0
"""Upper bound of the crowd.

A client that sends less than 1/8 of the traffic stops when that many requests remain in the window.
Without the bound, a client with a tiny share would stop much earlier.
"""


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
    whole: bool = False
    """It is proven that the whole limit is available when the window has ended."""
    doubted: bool = False
    """A response contradicted this proof, so it is not made again."""
    longest: float = 0.0
    """Seconds that a window lasts at least, according to the headers."""
    counted_at: float = -math.inf
    """Start of the latest request that the server counted in ``remaining``."""
    probed_at: float = -math.inf
    """Start of the request that probes whether the window has ended, until it is answered."""
    contradicted: bool = False
    """The server refused a request that the headers allowed."""
    timeless: bool = False
    """The responses contain counts, and do not say when the window resets."""
    pace: Pace = field(factory=Pace)
    noticed: dict[str, str] = field(factory=dict)
    """Names of the quirks that were found, each with the evidence."""

    @property
    def paced(self) -> bool:
        """True if the pace of this class is derived from refusals, too."""
        return self.limit is None or self.contradicted or self.timeless

    @property
    def free(self) -> bool:
        """True if there is no limit, as far as it is known."""
        return self.unlimited and self.pace.free

    def wait(self, now: float) -> float:
        """Return the seconds until a request may start; infinity: a response must arrive first."""
        if now < self.cool_until:
            return self.cool_until - now
        wait = self._wait_for_budget(now)
        return max(wait, self.pace.wait(now)) if self.paced else wait

    def _wait_for_budget(self, now: float) -> float:
        if self.unlimited:
            return 0.0
        if self.limit is None:
            return 0.0 if self.in_flight < UNKNOWN_BUDGET else math.inf
        self._roll_over(now)
        if self._fits(self.limit):
            return 0.0
        if self.resets_at is None:
            # With no request in flight, no response can arrive, so one request may start. A budget
            # that is refilled evenly needs the time of two requests, because counts are rounded.
            rest = self.known_at + 2 * self.pace.interval - now
            return math.inf if self.in_flight else max(0.0, rest)
        if now < self.resets_at:
            return self.resets_at - now
        if self.in_flight and self.in_flight >= self.limit:
            return math.inf  # They may have used up the next window.
        return max(0.0, self.probed_at + PROBE_PAUSE - now)

    def spare(self, now: float) -> int | None:
        """Return how many requests may start now; None if this is not known or not limited."""
        if self.limit is None:
            return None
        self._roll_over(now)
        if now < self.cool_until or (self.paced and self.pace.wait(now) > 0):
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
        if not self.whole or self.limit is None or self.resets_at is None:
            return
        if now >= self.resets_at:
            self._begin(int(min(self.limit, self.next_at_most)), now)
            self.next_at_most = math.inf
            self.resets_at, self.resets_from = None, -math.inf

    def _begin(self, remaining: int, now: float) -> None:
        self.last_crowd, self.seen_from, self.ours = self._crowd(), remaining, 0
        self.remaining, self.known_at = remaining, now

    def _learn(self, remaining: int, started: float, now: float) -> None:
        """Store a count as the true one. A higher count belongs to another window."""
        if self.limit is None or remaining > self.remaining:
            self._begin(remaining, now)
        self.remaining, self.known_at = remaining, now
        self.counted_at = max(self.counted_at, started)
        if started >= self.probed_at:
            self.probed_at = -math.inf

    def start(self, now: float) -> None:
        """Count a request that starts."""
        self.in_flight += 1
        if self.resets_at is not None and now >= self.resets_at:
            self.probed_at = now
        if self.paced:
            self.pace.start(now)

    def withdraw(self, started: float) -> None:
        """Take back a request that was allowed and not sent."""
        self.in_flight -= 1
        self.probed_at = -math.inf
        self.pace.withdraw(started)

    def abandon(self) -> None:
        """Count a request that ended without a response. The server may have counted it."""
        self.in_flight -= 1
        self.remaining -= 1
        self.ours += 1

    def answered(
        self,
        headers: RateLimitHeaders | None,
        started: float,
        now: float,
        *,
        refused: bool = False,
    ) -> None:
        """Update the window from the response to the request that started at ``started``.

        ``refused``: the response is a 429. No request of this class starts before the end of the
        wait that its headers state.
        """
        headers = headers or RateLimitHeaders()
        if headers.quirk == "rate-headers=timestamp":
            self.noticed[headers.quirk] = "X-RateLimit-Retry-After is a Unix time"
        believed = self.remaining - self.in_flight >= 0
        self._roll_over(now)
        if headers.limit is None and headers.remaining is None:
            # A response from a proxy may lack the headers. It does not remove a known limit.
            self.unlimited = self.limit is None
            self.abandon()
        else:
            self._count(headers, started, now)
        if refused:
            if self.whole and believed:
                self.whole, self.doubted = False, True
            self._refused(headers, started, now)
        elif self.paced:
            self.pace.accept(started, now)

    def _count(self, headers: RateLimitHeaders, started: float, now: float) -> None:
        """Update the window from headers that contain a count or a limit."""
        self.in_flight -= 1
        self.ours += 1
        self.unlimited = False
        limit, remaining = headers.limit, headers.remaining
        if limit is None:
            limit = max(self.limit or 0, (remaining or 0) + 1)
        if remaining is None:
            # Without a count of the server, only our own requests are counted. The next count
            # cannot show whether the whole limit is available, so this is assumed.
            remaining = (limit if self.limit is None else self.remaining) - 1
            self.whole = not self.doubted
        # 0 is not "now": some servers send it with every successful response.
        if headers.retry_after:
            self._count_until(headers.retry_after, limit, remaining, started, now, headers.quirk)
            self.timeless = self.timeless and self.pace.count is not None
        else:
            if self.limit is None or started >= self.known_at or remaining < self.remaining:
                if remaining > self.remaining:
                    self.resets_at, self.resets_from = None, -math.inf
                self._learn(remaining, started, now)
            self.timeless = self.timeless or self.resets_at is None
        self.limit = limit
        if not self.paced:
            self.pace = Pace()
        elif self.resets_at is None and self._left(limit) <= 0:
            self._spent(limit, headers.retry_after, now)

    def _count_until(
        self,
        retry_after: float,
        limit: int,
        remaining: int,
        started: float,
        now: float,
        quirk: str | None,
    ) -> None:
        """Update the window from a count and the time until the window resets."""
        retry_after = self._believed(retry_after)
        # The server counted the request at some time between ``started`` and ``now``, so the window
        # of this response ends between these two times.
        earliest = started + retry_after - ROUNDING
        latest = now + retry_after
        resets_at = math.inf if self.resets_at is None else self.resets_at
        if self.limit is None or started >= self.known_at or earliest > resets_at:
            # The server counted the request after the current count, or in a window that ends after
            # the current one can end. The count replaces the current one, even if it is higher.
            if remaining >= limit - 1 and started >= self.known_at and quirk is None:
                # The count contains this request only. If an earlier one is so recent that a
                # sliding window would still contain it, the whole limit was available.
                recent = now < self.counted_at + self.longest
                self.whole = self.whole or (recent and not self.doubted)
            self._learn(remaining, started, now)
            self.resets_from, self.resets_at = earliest, latest
        elif latest < self.resets_from:
            pass  # The response belongs to a window that has ended.
        elif remaining < self.remaining:
            # The responses arrived in another order than the server counted. Within a window,
            # counts only fall, so the lower one is true.
            self._learn(remaining, started, now)
            self.resets_at = latest if self.resets_at is None else max(self.resets_at, latest)
        elif latest > resets_at + ROUNDING:
            # The response may belong to the next window, but this is not certain: it may also be an
            # older response of this window. Its count only bounds the next window.
            self.next_at_most = min(self.next_at_most, remaining)
        # Whole seconds may have been rounded up.
        exact = retry_after if retry_after % 1 else retry_after - ROUNDING
        self.longest = max(self.longest, exact)

    def _believed(self, seconds: float) -> float:
        """Return the time to wait for ``seconds`` that a header states."""
        if seconds > LONGEST_WAIT:
            self.noticed["rate-headers"] = f"a header states a wait of {seconds:.0f} s"
            self.whole, self.doubted = False, True
        return min(seconds, LONGEST_WAIT)

    def _spent(self, limit: int, retry_after: float | None, now: float) -> None:
        """Learn the pace of a server that does not say when the budget resets."""
        if self.pace.count is None:
            self.pace.spend(limit, now)
            self.cool_until = max(self.cool_until, now + BLIND_COOL_DOWN)
            quirk = "partial" if retry_after is None else "zero"
            self.noticed[f"rate-headers={quirk}"] = NO_RESET

    def _refused(self, headers: RateLimitHeaders, started: float, now: float) -> None:
        """Stop the class after a 429, and learn from it if the headers allowed more."""
        told = headers.wait
        wait = None if told is None else self._believed(told or ROUNDING)
        explained = headers.remaining == 0 and headers.retry_after is not None
        probe = BLIND_COOL_DOWN
        if headers.remaining and wait is not None:
            # The budget is not used up, so its reset is not what the server waits for.
            wait = min(wait, BLIND_COOL_DOWN)
        if self.paced:
            first = self.pace.count is None
            # A request that no exchange counted has no start time.
            probe = self.pace.refuse(now if started == -math.inf else started, now, wait)
            if first:
                # A budget that is refilled evenly has a place at once. After a longer wait, the
                # next refusal shows how fast it is refilled.
                probe = BLIND_COOL_DOWN
                wait = wait and max(wait, PROBE_PAUSE)
                if self.limit is None:
                    quirk = "absent" if headers.standard is None else "standard"
                    self.noticed[headers.quirk or f"rate-headers={quirk}"] = NO_LIMIT
            elif self.pace.period > self.pace.refuted:
                wait = wait and max(wait, probe)
            else:
                probe = max(probe, BLIND_COOL_DOWN / 2)
        elif not explained:
            self.contradicted = True
            self.noticed["rate-headers"] = "429 although the headers allowed more requests"
        self.cool_until = max(
            self.cool_until, now + (min(probe, LONGEST_WAIT) if wait is None else wait)
        )
        if wait is not None or self.resets_at is not None:
            # The 429 knows the end of the window better than earlier responses did.
            self.resets_at = self.cool_until
        self.remaining = 0
