"""How many chunks should be in flight, judged by what they achieve together.

Theory of operation. More connections help where each of them is slow (a cap per connection, a long way), do nothing
where the line is full, and do harm where the server cannot take them. Nobody tells which case it is, so the tuner
tries: it doubles the width and looks whether more bytes leave. Where the rate grows, it doubles again; where it does
not, it goes back, because on a slow line more chunks at once only make each of them take longer. When a large share
of the attempts fails, it halves. After a try that was of no use the next one comes later each time.

The rate is taken over epochs. An epoch lasts until every connection has moved some blocks, so it is short on a fast
line and longer on a slow one. The first after a change is not counted, because a fresh connection takes what it is
given into its buffers at once. Widths are doubled and halved, not changed by one: the number of chunks in a plan is a
multiple of them, so no connection is left over in the last round.

Time is an argument, in seconds of any steady clock.
"""

__all__ = ["Tuner"]

EPOCH = 0.1
"""Seconds of the shortest epoch."""
EPOCH_BYTES = 1024 * 1024
"""Bytes that a connection moves in an epoch, on average: some blocks, so that their edges do not matter."""
GROWN = 1.3
"""A doubling helps when an epoch brings this many times the rate before."""
USEFUL = 1.1
"""A doubling that brings less than this on average is taken back."""
PATIENCE = 1.0
"""Seconds, and at least two epochs, that a doubling is given to help: connections start slowly."""
HOLD = 10.0
"""Seconds until the next try after one that was of no use; doubled each time."""
LONGEST_HOLD = 160.0
FAILING = 0.25
"""Share of the attempts that fail above which fewer at once are better."""


class Tuner:
    """The width of one group of connections: ``first`` to begin with, never above ``most``."""

    width: int

    def __init__(self, first: int, most: int) -> None:
        self.width = min(first, most)
        self._most = most
        self._hold = HOLD
        self._try_at = 0.0
        self._before: tuple[int, float] | None = None
        """Width and rate before the last doubling, while that is being judged."""
        self._set(self.width, 0.0)

    def _set(self, width: int, now: float) -> None:
        self.width = width
        self._changed_at = now
        self._failed = self._succeeded = 0
        self._began = self._steady_from = now
        self._moved = self._steadily = self._epochs = 0

    def moved(self, size: int, now: float, *, in_flight: int) -> bool:
        """Count bytes that went out, or come back as lost (negative). Tells whether the width changed."""
        if self._epochs == 0 and self._moved == 0:
            self._began = now  # What came before was waiting.
        self._moved += size
        length = now - self._began
        if length < EPOCH or self._moved < self.width * EPOCH_BYTES:
            return False
        rate = self._moved / length
        self._steadily += self._moved
        self._began, self._moved = now, 0
        self._epochs += 1
        if self._epochs == 1:
            self._steady_from, self._steadily = now, 0
            return False
        if in_flight < self.width:
            return False  # Too few chunks are left to tell anything.
        return self._double(rate, now) if self._before is None else self._judge(*self._before, rate, now)

    def _double(self, rate: float, now: float) -> bool:
        if now < self._try_at or self.width >= self._most:
            return False
        self._before = self.width, rate
        self._set(min(2 * self.width, self._most), now)
        return True

    def _judge(self, width: int, before: float, rate: float, now: float) -> bool:
        if rate >= GROWN * before:
            self._before, self._hold = None, HOLD
            return self._double(rate, now)
        if now - self._steady_from < PATIENCE or self._epochs < 3:
            return False
        self._before = None
        self._postpone(now)
        if self._steadily >= USEFUL * before * (now - self._steady_from):
            return False
        self._set(width, now)
        return True

    def ended(self, started: float, now: float, *, failed: bool, in_flight: int) -> bool:
        """Count an attempt; ``in_flight`` are those still under way. Tells whether the width changed."""
        if started < self._changed_at:
            return False  # It says something about another width.
        self._failed += failed
        self._succeeded += not failed
        if self._failed < 2 or self._failed <= FAILING * (self._failed + self._succeeded + in_flight):
            return False
        self._before = None
        self._postpone(now)
        self._set(max(1, self.width // 2), now)
        return True

    def _postpone(self, now: float) -> None:
        self._try_at = now + self._hold
        self._hold = min(2 * self._hold, LONGEST_HOLD)
