"""Adaptive concurrency: choose the number of chunks in flight from the measured throughput.

Theory of operation. Additional connections raise the throughput when each connection is slow (a
rate cap per connection, a long round trip). They have no effect when the line is saturated, and
they cause failures when the server is overloaded. The client cannot know the cause, so it measures.
It doubles the width (the number of chunks in flight) and compares the rates before and after. If
the rate grew, it doubles the width again. If the rate did not grow, it restores the old width,
because additional chunks on a saturated line only make every chunk take longer. If too many
attempts fail, it halves the width. After an unsuccessful doubling the time until the next one
grows.

The rate is measured over epochs. An epoch ends when each connection has sent ``EPOCH_BYTES`` on
average, so an epoch is short on a fast line and long on a slow one. The first epoch after a change
of the width is ignored, because a new connection accepts data into its buffers faster than it sends
it. Widths are doubled and halved instead of changed by one, because the number of chunks in a plan
is a multiple of such widths. The last round of an upload then uses every connection.

If the user limits the bandwidth, additional connections only make each chunk take longer. A new
limit therefore reduces the width to ``LIMITED_WIDTH``. From there, it grows only while the rate
stays below the limit.

Time is an argument, in seconds of a monotonic clock.
"""

__all__ = ["AdaptiveConcurrency"]

EPOCH = 0.1
"""Shortest epoch, in seconds."""
EPOCH_BYTES = 1024 * 1024
"""Average bytes per connection and epoch: several blocks, so that their edges do not matter."""
GROWN = 1.3
"""A doubling succeeded at once if an epoch reaches this multiple of the earlier rate."""
USEFUL = 1.1
"""A doubling is undone if its average rate stays below this multiple of the earlier rate."""
SHORTEST_TRIAL = 1.0
"""Seconds, and at least two epochs, until a doubling is judged. Connections start slowly."""
HOLD = 10.0
"""Seconds until the next doubling after an unsuccessful one. Doubled after each failure."""
LONGEST_HOLD = 160.0
"""Upper bound of the growing hold time, in seconds."""
FAILING = 0.25
"""Share of failed attempts above which the width is halved."""
LIMITED_WIDTH = 2
"""Width with a new bandwidth limit. One chunk is sent while the other waits for its response."""
LIMITED = 0.9
"""Share of the bandwidth limit above which the limit determines the rate."""


class AdaptiveConcurrency:
    """Adaptive width of one group of connections, from ``first`` up to ``most``.

    ``limited`` is the width with a new bandwidth limit.
    """

    width: int

    def __init__(self, first: int, most: int, limited: int = LIMITED_WIDTH) -> None:
        self.width = min(first, most)
        self._most = most
        self._limited = limited
        self._limit_rate: int | None = None
        self._hold = HOLD
        self._try_at = 0.0
        self._before: tuple[int, float] | None = None
        """Width and rate before the last doubling, until that doubling is judged."""
        self._set(self.width, 0.0)

    def _set(self, width: int, now: float) -> None:
        self.width = width
        self._changed_at = now
        self._failed = self._succeeded = 0
        self._began = self._steady_from = now
        self._moved = self._steadily = self._epochs = 0

    def count_sent(self, size: int, now: float, *, in_flight: int) -> bool:
        """Count sent bytes (negative: of a failed attempt). Returns True if the width changed."""
        if self._epochs == 0 and self._moved == 0:
            # Start the epoch here: the time before was a wait for responses or budget.
            self._began = now
        self._moved += size
        length = now - self._began
        if length < EPOCH or self._moved < self.width * EPOCH_BYTES:
            return False
        rate = self._moved / length
        self._steadily += self._moved
        self._began, self._moved = now, 0
        self._epochs += 1
        if self._epochs == 1:
            # The bytes of the first epoch after a change only filled buffers of new connections.
            self._steady_from, self._steadily = now, 0
            return False
        # The upload is about to end and does not use the whole width, so the rate says nothing.
        if in_flight < self.width:
            return False
        # Chunks from before the limit are still in flight, so the rate is not that of this width.
        if self._limit_rate is not None and in_flight > self.width:
            return False
        return (
            self._double(rate, now)
            if self._before is None
            else self._judge(*self._before, rate, now)
        )

    def follow_limit(self, limit_rate: int | None, now: float) -> None:
        """Take notice of the bandwidth limit in bytes per second. None: no limit."""
        if limit_rate == self._limit_rate:
            return
        self._limit_rate = limit_rate
        self._before, self._hold, self._try_at = None, HOLD, now
        self._set(self.width if limit_rate is None else min(self.width, self._limited), now)

    def _double(self, rate: float, now: float) -> bool:
        if now < self._try_at or self.width >= self._most:
            return False
        if self._limit_rate is not None and rate >= LIMITED * self._limit_rate:
            return False
        self._before = self.width, rate
        self._set(min(2 * self.width, self._most), now)
        return True

    def _judge(self, width: int, before: float, rate: float, now: float) -> bool:
        # A success also resets the hold time, because the line has capacity to spare.
        if rate >= GROWN * before:
            self._before, self._hold = None, HOLD
            return self._double(rate, now)
        # The first epoch was ignored, so the third one is the second that counts.
        if now - self._steady_from < SHORTEST_TRIAL or self._epochs < 3:
            return False
        self._before = None
        self._postpone(now)
        # A moderate gain over the whole time keeps the larger width.
        if self._steadily >= USEFUL * before * (now - self._steady_from):
            return False
        self._set(width, now)
        return True

    def ended(self, started: float, now: float, *, failed: bool, in_flight: int) -> bool:
        """Count an attempt that began at ``started``. Returns True if the width changed."""
        # The attempt began under another width and must not count for this one.
        if started < self._changed_at:
            return False
        self._failed += failed
        self._succeeded += not failed
        # Attempts in flight count as successes, and a single failure never halves the width. One
        # lost connection is therefore not taken for an overload.
        if self._failed < 2 or self._failed <= FAILING * (
            self._failed + self._succeeded + in_flight
        ):
            return False
        self._before = None
        self._postpone(now)
        self._set(max(1, self.width // 2), now)
        return True

    def _postpone(self, now: float) -> None:
        self._try_at = now + self._hold
        self._hold = min(2 * self._hold, LONGEST_HOLD)
