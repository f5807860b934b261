"""Derives the pace of a class from 429 responses, where the headers do not state it.

Theory of operation. The pace is "at most ``count`` requests in any ``period`` seconds". This is
allowed by a server with fixed windows, with a sliding window, or with a token bucket, provided that
the two numbers are right. The responses to earlier requests show them:

- *The first refusal* tells ``count``: the number of requests that were accepted before it.
- *The period* is at least the time from the first of these to the refusal (``refuted``). A single
  request probes when the window is over. Once it is accepted, its distance from the first request
  is a sufficient period.
- *Another refusal decreases the pace at once.* If no request was sent for half a period, the period
  was too short. Otherwise ``count`` was too large, or the server refills its budget evenly: the
  number of requests accepted between two refusals, divided by the time between them, is the rate
  that it allows.
- *The pace increases gradually.* Once in each period, one request tries a period halfway between
  ``refuted`` and the sufficient one, until they are within 5 %. ``refuted`` is forgotten slowly, so
  that a limit that was raised is found.

Each of these experiments is made by one request, and no other starts before its response
(``width``), so that an experiment that fails costs one refusal. If the requests of a period were
slower than the pace, they do not prove it, and twice as many may be in flight next. Before the
first refusal, requests go one by one at each documented limit (``LIMITS``), and beyond it a few at
a time, for the same reason. A response that takes longer than ``PATIENCE`` is no longer awaited: a
refusal is quick.

A request reaches the server at an unknown time between its start and its response (``arrived``). A
period is counted from the latest possible time to the earliest one, so that requests that take
different times to the server never come too close to each other.

Times are in seconds of the clock of the window.
"""

import math
from bisect import bisect_left, bisect_right, insort

from attrs import define, field

__all__ = ["DOCUMENTED_WINDOW", "Pace"]

KEPT = 1024
"""Number of start times that are kept. It is larger than the largest documented limit."""
LIMITS = (40, 100, 200, 500)
"""The documented limits of all classes (service.md#rate-limits)."""
CARE = 20
"""Number of requests beyond a documented limit that start one by one.

A server that refills its budget evenly accepts some requests more than its limit.
"""
WIDENING = 0.5
"""Share of a documented limit after which one more request may be in flight beyond it.

A server that refills its budget faster than it answers refuses only when several are in flight.
"""
DOCUMENTED_WINDOW = 60.0
"""Seconds (service.md#rate-limits)."""
PATIENCE = 1.0
"""Seconds after which the response to a probing request is no longer awaited."""
CLOSE_ENOUGH = 0.95
"""A refuted period of this share of the sufficient one is not improved further."""
FORGETTING = 0.98
"""Factor of ``refuted`` in each period: after some periods, a shorter one is tried again."""
MOST_SLOWER = 0.8
"""Factor of a pace that was sufficient after one more refusal, at least."""
FEW, FEWEST = 10, 4
"""Numbers of accepted requests below which they are no measure of a rate: of one that shall replace
a sufficient one, and of the first one."""
LITTLE = 0.1
"""Share of ``count`` below which half a period counts as unused.

No request starts for this share of a period after a refusal that decreased the pace.
"""


@define
class Pace:
    """The known pace of one class. All fields are JSON values."""

    starts: list[float] = field(factory=list)
    """Start times of the latest requests, in order, without those that were refused."""
    arrived: list[float] = field(factory=list)
    """Latest times at which these can have reached the server."""
    unanswered: list[float] = field(factory=list)
    """Start times of the requests without a response, in order, for ``PATIENCE``."""
    count: int | None = None
    """Requests in each period; None before a refusal."""
    period: float = 0.0
    refuted: float = 0.0
    """The longest period that was too short."""
    most: int = 0
    """The most requests that were accepted within a documented window, before a refusal."""
    width: int | None = None
    """Requests that may be in flight, None without a limit. It is 1 after a refusal, and grows with
    each period in which all requests were accepted."""
    open: int = 0
    """Number of requests to accept until a whole period was accepted."""
    trying: bool = False
    """In this period, a request tries a shorter period."""
    probe: float | None = None
    """Start time of the request that makes an experiment."""
    probed: float = 0.0
    """The period that this request tries."""
    probed_from: float = 0.0
    """Start time of the request with which that period began."""
    accepted: int = 0
    """Requests accepted since ``refused_at``."""
    refused_at: float = 0.0
    decreased_at: float | None = None
    """Time of the last refusal that decreased the pace."""
    failures: int = 0
    """Number of refusals since the last accepted request."""
    fallback: float = 0.0
    """The sufficient period before a shorter one, until a whole period was accepted with that."""
    proven: bool = False
    """A whole period was accepted with this pace or a slower one."""
    overcounted: bool = False
    """``count`` contains requests that were in flight when it was learned."""

    @property
    def free(self) -> bool:
        """True if more requests were accepted than any documented limit allows, none refused."""
        return self.count is None and self.most >= LIMITS[-1] + CARE

    @property
    def interval(self) -> float:
        """Seconds for one request; 0 before a refusal."""
        return self.period / self.count if self.count else 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until a request may start."""
        ready = now
        if self.count is not None and len(self.starts) >= self.count:
            ready = self.arrived[-self.count] + self._next_period()
        width = self._widest(now)
        if len(self.unanswered) >= width:
            ready = max(ready, self.unanswered[-width] + PATIENCE)
        return max(0.0, ready - now)

    def start(self, now: float) -> None:
        """Count a request that starts."""
        if self.count is not None and len(self.starts) >= self.count:
            distance = now - self.arrived[-self.count]
            shorter = self.trying and distance < self.period
            if shorter:
                self.width, self.open = 1, self._whole_period(self.count)
            if shorter or self.period <= self.refuted:
                self.probe, self.probed = now, distance
                self.probed_from = self.starts[-self.count]
        del self.unanswered[: bisect_right(self.unanswered, now - PATIENCE)]
        insort(self.unanswered, now)
        index = bisect_right(self.starts, now)
        self.starts.insert(index, now)
        self.arrived.insert(index, now + PATIENCE)
        del self.starts[:-KEPT], self.arrived[:-KEPT]

    def withdraw(self, started: float) -> None:
        """Take back a request that was not sent."""
        self._answer(started)
        self._remove(started)
        if self.probe == started:
            self.probe = None

    def accept(self, started: float, now: float) -> None:
        """Note a response other than 429, received at ``now``."""
        self._answer(started)
        self._note_arrival(started, now)
        if self.decreased_at is not None and started < self.decreased_at:
            return  # It was in flight then, so it shows nothing about the new pace.
        self.accepted += 1
        self.failures = 0
        if self.count is None:
            self.most = max(self.most, self._recent(now) - len(self.unanswered))
        if started == self.probe:
            self.probe = None
            self._prove(now - self.probed_from)
        self.open -= 1
        if self.count is not None and self.open <= 0:
            self._confirm(self.count)

    def refuse(self, started: float, now: float, wait: float | None) -> float:
        """Note a 429, whose headers say to wait ``wait`` seconds; None if they do not say it.

        Returns the seconds for which no request should start if the headers do not say it.
        """
        self._answer(started)
        self._remove(started)
        if self.decreased_at is not None and started < self.decreased_at:
            # It was in flight when the pace was decreased, which its own refusal caused as well.
            if self.overcounted and self.count is not None:
                self.count = max(1, self.count - 1)
            return 0.0
        tried = started == self.probe
        measuring = not self.proven and 0 < self.accepted < FEWEST
        probing = self._decrease(started)
        if probing and wait is not None:
            self.refuted = max(self.refuted, started + wait - PATIENCE - self._first())
        self.probe, self.trying = None, False
        self.decreased_at = now
        if not measuring:
            self.accepted, self.refused_at = 0, started
        self.width, self.open = 1, self._whole_period(self.count or 0)
        self.failures += 1
        if probing:
            return self._until_probe()
        return 0.0 if tried else self.period * LITTLE

    def spend(self, limit: int, now: float) -> None:
        """Note that the budget of ``limit`` requests is spent, as a count of the server says."""
        if self.count is None:
            self.count = max(1, min(limit, len(self.starts)))
            self.width, self.open = 1, self.count
            self.refused_at, self.decreased_at, self.failures = now, now, 1

    def _until_probe(self) -> float:
        # A window may be shorter than documented. After two attempts, this is no longer likely.
        if self.failures > 2 and self.refuted < DOCUMENTED_WINDOW:
            return DOCUMENTED_WINDOW - self.refuted
        return self.refuted / 2

    def _whole_period(self, count: int) -> int:
        # Short periods are improved in larger intervals, so that few requests are refused.
        return count if self.refuted < self.period / 2 else max(count, LIMITS[0])

    def _next_period(self) -> float:
        return (self.period + self.refuted) / 2 if self.trying else self.period

    def _widest(self, now: float) -> int:
        """Return how many requests may be in flight."""
        if self.count is not None:
            return self.width or KEPT
        recent = self._recent(now)
        if self.free or recent < max(self.most, LIMITS[0]):
            return KEPT
        limit = LIMITS[bisect_right(LIMITS, recent) - 1]
        beyond = recent - limit - CARE
        return 1 if beyond < 0 else 2 + int(beyond / (limit * WIDENING))

    def _first(self) -> float:
        """Return the arrival of the ``count``-th latest request that was not refused."""
        return self.arrived[-min(self.count or 1, len(self.arrived))] if self.arrived else 0.0

    def _remove(self, started: float) -> None:
        index = bisect_left(self.starts, started)
        if index < len(self.starts) and self.starts[index] == started:
            del self.starts[index], self.arrived[index]

    def _answer(self, started: float) -> None:
        index = bisect_left(self.unanswered, started)
        if self.unanswered[index : index + 1] == [started]:
            del self.unanswered[index]

    def _note_arrival(self, started: float, now: float) -> None:
        """Note that a request had reached the server at ``now``."""
        bound = started + PATIENCE
        index = bisect_left(self.starts, started)
        # Several requests may have started at the same time. Take one without a response.
        while self.starts[index : index + 1] == [started]:
            if self.arrived[index] == bound:
                self.arrived[index] = min(now, bound)
                return
            index += 1

    def _prove(self, period: float) -> None:
        """Use a period that was tried, because its request was accepted."""
        if self.trying:
            self.fallback = self.fallback or self.period
            self.period, self.trying = min(self.period, period), False
        else:
            # The client may have been idle, so a long distance does not show a long period.
            longest = max(DOCUMENTED_WINDOW, self.refuted) / CLOSE_ENOUGH
            self.period = max(self.period, min(period, longest))

    def _confirm(self, count: int) -> None:
        """A whole period was accepted. Decide whether to try a shorter one in the next."""
        self.open = self._whole_period(count)
        if self.width and self.width < count and self._spread(count) > self.period:
            # The requests were slower than the pace, so they do not prove it.
            self.width *= 2
            return
        self.width = 2 if self.width == 1 else None
        self.proven, self.fallback = True, 0.0
        self.trying = self.refuted < self.period * CLOSE_ENOUGH
        self.refuted *= FORGETTING

    def _decrease(self, started: float) -> bool:
        """Decrease the pace. Returns whether a request has to probe for the period."""
        self.overcounted = False
        if self.count is None:
            self.count = max(1, self._recent(started))
            self.overcounted = True
        elif started == self.probe:
            self.refuted = max(self.refuted, self.probed)
            return not self.trying
        elif not self.failures and self.period > self.refuted:
            self._slow_down(started, self.count)
            return False
        if self.starts:
            self.refuted = max(self.refuted, started - self._first())
        return True

    def _slow_down(self, started: float, count: int) -> None:
        used = self._since(started - self.period)
        if self.fallback:
            # The first request of a shorter period was accepted, and a later one was not.
            self.refuted, self.period = self.period, self.fallback
            self.fallback = 0.0
        elif (
            self._since(started - self.period / 2) < int(count * LITTLE) and self.accepted >= count
        ):
            # Requests were sent at the beginning of the period only, and the next one came early.
            self._lengthen(max(self.period, started - self._first()))
        elif self.proven:
            self.overcounted = False
            # Few accepted requests are no measure of the rate.
            rate = self.accepted / (started - self.refused_at) if self.accepted >= FEW else math.inf
            sufficient = min(used, CLOSE_ENOUGH * min(count, rate * self.period))
            self.count = max(1, int(max(sufficient, count * MOST_SLOWER)))
            if self.count == count:
                self._lengthen(self.period)
        elif self.accepted < FEWEST:
            # The request may have been a little faster than the others. Measure on.
            self._lengthen(self.period)
        else:
            self.count = max(1, min(count, used))
            self.overcounted = used < count
            rate = self.accepted / (started - self.refused_at)
            # Few accepted requests are an inexact measure.
            self._lengthen(self.count / rate, 1 + 1 / (self.accepted + 1))

    def _lengthen(self, refuted: float, factor: float = 1.0) -> None:
        longest = self.period / MOST_SLOWER
        if not self.proven:
            longest = max(longest, DOCUMENTED_WINDOW / CLOSE_ENOUGH)
        period = max(refuted * factor, refuted / CLOSE_ENOUGH)
        self.period = min(max(self.period, period), longest)
        self.refuted = min(max(self.refuted, refuted), self.period * CLOSE_ENOUGH)

    def _spread(self, count: int) -> float:
        """Return the seconds in which the latest ``count`` requests started."""
        latest = self.starts[-count:]
        return latest[-1] - latest[0] if latest else 0.0

    def _recent(self, now: float) -> int:
        """Return the number of requests that started within a documented window."""
        return self._since(now - DOCUMENTED_WINDOW)

    def _since(self, time: float) -> int:
        """Return the number of requests that started after a time."""
        return len(self.starts) - bisect_right(self.starts, time)
