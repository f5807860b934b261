"""A bandwidth limit as arithmetic: token buckets that give out slices of bytes.

Theory of operation. Bytes become available at the rate of the limit. A slice may be sent when as
many bytes are available; it has ``SLICE`` seconds of the rate, so also a rate far below the size of
a block leads to small, regular writes. Timers fire late, and in short pauses no upload has anything
to send. The bytes of these times may be sent later, within two bounds:

- ``CREDIT`` seconds of the rate are kept. Bytes beyond it are lost, so a long pause changes little.
- They are sent at ``CATCH_UP`` times the rate at most, after a burst of ``BURST`` seconds of it.

In every period of ``s`` seconds, at most ``rate * (CATCH_UP * s + BURST)`` bytes are given out.
That is 1.035 of the rate for 5 seconds. Nothing is available at the start, so the mean since then
never exceeds the rate.

Time is an argument, in seconds of a monotonic clock.
"""

from typing import Final

from attrs import define, field

__all__ = ["BURST", "CATCH_UP", "CREDIT", "SLICE", "TokenBucket"]

SLICE: Final = 0.05
"""Seconds of the rate that one slice has."""
CREDIT: Final = 1.0
"""Seconds of the rate that may be sent later."""
BURST: Final = 0.1
"""Seconds of the rate that may be sent at once."""
CATCH_UP: Final = 1.015
LARGEST_SLICE: Final = 256 * 1024
"""Bytes: the size of a block. A fast rate needs no larger slices."""
ROUNDING: Final = 1e-6
"""Seconds. A shorter wait could be too short to change the time."""


@define
class TokenBucket:
    """Gives out bytes at ``rate`` bytes per second."""

    rate: int
    _now: float
    _kept: float = field(default=0.0, init=False)
    """Bytes that may be sent according to the rate and its credit."""
    _available: float = field(default=0.0, init=False)
    """Bytes that may be sent at once."""

    @property
    def slice(self) -> int:
        """Bytes of a slice, at least 1."""
        return max(1, min(LARGEST_SLICE, int(self.rate * SLICE)))

    def set_rate(self, rate: int, now: float) -> None:
        """Change the rate. Bytes that became available before are kept, as far as they fit."""
        self._fill(now)
        self.rate = rate
        self._add(0.0, 0.0)

    def _fill(self, now: float) -> None:
        # A clock that steps back takes nothing away.
        grown = max(0.0, now - self._now) * self.rate
        self._now = now
        self._add(grown, CATCH_UP * grown)

    def _add(self, kept: float, available: float) -> None:
        # At least two slices. Otherwise a rate of a few bytes per second would have no burst.
        least = 2 * self.slice
        self._kept = min(self._kept + kept, max(self.rate * CREDIT, least))
        self._available = min(self._available + available, max(self.rate * BURST, least))

    def wait(self, now: float) -> float:
        """Return the seconds until the next slice may be sent, 0 if it may be sent now."""
        self._fill(now)
        size = self.slice
        wait = max(size - self._kept, (size - self._available) / CATCH_UP) / self.rate
        return wait if wait > ROUNDING else 0.0

    def take(self) -> int:
        """Take the slice that ``wait`` allowed. Returns its size in bytes."""
        size = self.slice
        self._add(-size, -size)
        return size

    def give_back(self, size: int) -> None:
        """Return bytes of a slice that were not sent."""
        self._add(size, size)
