"""A bandwidth limit as arithmetic: a token bucket that gives out slices of bytes.

Theory of operation. Bytes become available at the rate of the limit. A slice may be sent when as
many bytes are available; it has ``SLICE`` seconds of the rate, so also a rate far below the size of
a block leads to small, regular writes. The bucket starts empty and holds at most ``CREDIT`` seconds
of the rate. The credit makes up for timers that fire late, and for short pauses in which no upload
had anything to send. Bytes beyond it are lost, so a longer pause is not followed by a burst: in
every period of ``s`` seconds, at most ``rate * (s + CREDIT)`` bytes are given out. That is 1.03 of
the rate for 5 seconds.

Time is an argument, in seconds of a monotonic clock.
"""

from typing import Final

from attrs import define

__all__ = ["CREDIT", "SLICE", "TokenBucket"]

SLICE: Final = 0.05
"""Seconds of the rate that one slice has."""
CREDIT: Final = 0.15
"""Seconds of the rate that the bucket holds at most."""
LARGEST_SLICE: Final = 256 * 1024
"""Bytes: the size of a block. A fast rate needs no larger slices."""
ROUNDING: Final = 1e-6
"""Bytes."""


@define
class TokenBucket:
    """Gives out bytes at ``rate`` bytes per second."""

    rate: int
    _now: float
    _available: float = 0.0

    @property
    def slice(self) -> int:
        """Bytes of a slice, at least 1."""
        return max(1, min(LARGEST_SLICE, int(self.rate * SLICE)))

    @property
    def _most(self) -> float:
        # At least one slice. Otherwise a rate below 20 bytes per second would never reach it.
        return max(self.rate * CREDIT, self.slice)

    def set_rate(self, rate: int, now: float) -> None:
        """Change the rate. Bytes that became available before are kept, as far as they fit."""
        self._fill(now)
        self.rate = rate
        self._available = min(self._available, self._most)

    def _fill(self, now: float) -> None:
        self._available = min(self._most, self._available + max(0.0, now - self._now) * self.rate)
        self._now = now

    def wait(self, now: float) -> float:
        """Return the seconds until the next slice may be sent, 0 if it may be sent now."""
        self._fill(now)
        missing = self.slice - self._available
        # A rounding error must not cause a wait that is too short to change the time.
        return missing / self.rate if missing > ROUNDING else 0.0

    def take(self) -> int:
        """Take the slice that ``wait`` allowed. Returns its size in bytes."""
        size = self.slice
        self._available -= size
        return size

    def give_back(self, size: int) -> None:
        """Return bytes of a slice that were not sent."""
        self._available = min(self._most, self._available + size)
