"""Notices outages, and ends the requests that an outage has left without a connection.

Theory of operation. When packets are dropped silently, or the machine was suspended, a connection
may be dead although no error says so. Its request would wait for its whole time limit, long after
the network works again. A slow response looks the same. Two observations separate them:

- If no request makes progress for ``PATIENCE`` seconds, a probe asks the server for any response on
  a new connection. A probe that fails, or a suspension of the machine, is an outage.
- When a probe gets a response again, the network works. A request that was under way before and
  makes no progress within ``GRACE`` seconds has lost its connection. It is ended and repeated.

If the probe gets a response at once, the server is only slow. The request keeps its time limit, and
the next probes follow in growing intervals.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from attrs import define, field

__all__ = ["Flight", "Outage"]

log: logging.Logger = logging.getLogger("apivideo_async.http")

PATIENCE = 4.0
"""Seconds without progress of a request after which the server is probed."""
GRACE = 3.0
"""Seconds in which a request must make progress after an outage. They double with each outage,
because a server that is only overloaded can look like one."""
LONGEST_GRACE = 60.0
PROBE_PAUSE = 2.0
"""Seconds between two probes in an outage."""
LONGEST_PAUSE = 60.0
"""Maximum seconds between two probes of a server that is only slow."""
SUSPENDED = 5.0
"""Seconds by which the clock must have advanced more than the timers: the machine was suspended."""
WARN_AFTER = 5.0
"""Seconds without a response after which a warning is logged."""


class Flight(Protocol):
    """A request that is under way."""

    def progress(self) -> int | None:
        """Return a number that changes with every progress; None: it does not wait for the net."""

    def lose(self) -> None:
        """End the request, because its connection is dead."""


@define(eq=False)
class Outage:
    """The outages that the requests of one client experience.

    ``probe`` returns True if the server responds on a new connection.
    """

    _probe: Callable[[], Awaitable[bool]]
    since: float | None = field(default=None, init=False)
    """Time of the first failure after the last response; None: the server responds."""
    last_seen: float = field(default=-math.inf, init=False)
    """Time at which a probe last got no response."""
    _warned: bool = field(default=False, init=False)
    _flights: dict[Flight, tuple[int | None, float]] = field(factory=dict, init=False)
    """For each request, its last known progress and the time of it."""
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)
    _probing: asyncio.Task[None] | None = field(default=None, init=False)
    _clock_offset: float | None = field(default=None, init=False)
    _suspended_at: float = field(default=-math.inf, init=False)
    """Time of the event loop at which the last suspension was noticed."""
    _recovered_at: float = field(default=-math.inf, init=False)
    """Time of the first response to a probe after an outage."""
    _grace: float = field(factory=lambda: GRACE, init=False)
    _pool_is_old: bool = field(default=False, init=False)

    def failed(self, now: float, reason: str) -> None:
        """Note that a request failed without a response."""
        if self.since is None:
            self.since = now
        elif not self._warned and now - self.since >= WARN_AFTER:
            self._warned = True
            log.warning(
                "no response for %.0f s, waiting for the end of the outage: %s",
                now - self.since,
                reason,
                extra={"event": "outage", "seconds": now - self.since},
            )

    def answered(self, now: float) -> None:
        """Note that a response arrived."""
        if self.since is None:
            return
        seconds, self.since = now - self.since, None
        if self._warned:
            self._warned = False
            log.warning(
                "the server responds again after %.0f s",
                seconds,
                extra={"event": "outage_ended", "seconds": seconds},
            )

    def resumed(self, now: float) -> bool:
        """Return True if the machine was suspended since the last call."""
        self._compare_clocks(now)
        resumed, self._pool_is_old = self._pool_is_old, False
        return resumed

    def _compare_clocks(self, now: float) -> None:
        # The timers of the event loop stand still during a suspension, the time of day does not.
        offset = time.time() - now
        if self._clock_offset is not None and offset - self._clock_offset >= SUSPENDED:
            self._suspended_at = now
            self._pool_is_old = True
        self._clock_offset = offset

    def begin(self, flight: Flight, now: float) -> None:
        """Watch a request until ``end``."""
        self._flights[flight] = (None, now)
        if self._timer is None:
            self._arm()

    def end(self, flight: Flight) -> None:
        """Stop watching a request."""
        del self._flights[flight]

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(PATIENCE / 4, self._check)

    def _check(self) -> None:
        self._timer = None
        if not self._flights:
            return
        now = asyncio.get_running_loop().time()
        self._compare_clocks(now)
        if self._probing is None and self._stuck(now):
            self._probing = asyncio.create_task(self._watch(), name="apivideo-outage-probe")
        self._arm()

    def _stuck(self, now: float) -> list[Flight]:
        """Update the progress of all requests, and return those that make none."""
        for flight, (before, _) in list(self._flights.items()):
            progress = flight.progress()
            if progress is None or progress != before:
                self._flights[flight] = (progress, now)
        return [flight for flight, (_, at) in self._flights.items() if now - at >= PATIENCE]

    async def _watch(self) -> None:
        """Probe the server until every request makes progress or was ended."""
        clock = asyncio.get_running_loop().time
        pause, down, failed = PATIENCE, False, False
        try:
            while stuck := self._stuck(clock()):
                down = down or any(
                    self._flights[flight][1] <= self._suspended_at
                    # Its connection was opened in the outage, and is used since its end.
                    or self._flights[flight][1] <= self._recovered_at + PATIENCE
                    for flight in stuck
                )
                if not await self._probe():
                    down = failed = True
                    self.last_seen = clock()
                    await asyncio.sleep(PROBE_PAUSE)
                elif down:
                    now = clock()
                    # Only after a failed probe: a slow response must not prolong this time.
                    if failed:
                        self._recovered_at = now
                    down = failed = False
                    await self._end_dead(now)
                else:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            self._probing = None

    async def _end_dead(self, recovered: float) -> None:
        self._stuck(recovered)
        before = [flight for flight, (number, _) in self._flights.items() if number is not None]
        await asyncio.sleep(self._grace)
        self._stuck(recovered + self._grace)
        dead = [
            flight
            for flight in before
            if flight in self._flights and self._flights[flight][1] <= recovered
        ]
        if dead:
            self._grace = min(2 * self._grace, LONGEST_GRACE)
            log.info(
                "%d requests lost their connection in an outage",
                len(dead),
                extra={"event": "connections_lost", "requests": len(dead)},
            )
        for flight in dead:
            flight.lose()

    async def aclose(self) -> None:
        """End the probe and the timer."""
        if self._timer is not None:
            self._timer.cancel()
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)
