"""The arithmetic of progress: two counters that are never mixed, a rate and a remaining time.

*Sent* bytes were handed to a connection; they fall when an attempt fails, because they must go out again.
*Accepted* bytes are held by the server; they never fall.
"""

from collections import deque
from collections.abc import Mapping

from attrs import frozen

from .ledger import ChunkState

__all__ = ["Meter", "UploadProgress"]

RATE_WINDOW = 5.0
"""Seconds over which the rate is taken."""


@frozen(kw_only=True)
class UploadProgress:
    """The state of an upload, as given to ``on_progress``."""

    video_id: str | None
    bytes_total: int | None
    """None while the end of a stream is unknown."""
    bytes_sent: int
    bytes_accepted: int
    rate: float
    """Bytes per second, of late."""
    eta: float | None
    """Seconds left at this rate, or None while that cannot be told."""
    elapsed: float
    """Seconds since the upload began."""
    chunks: Mapping[ChunkState, int]
    """How many chunks are in each state."""

    @property
    def fraction(self) -> float | None:
        """Accepted share of the total, 0 to 1."""
        return self.bytes_accepted / self.bytes_total if self.bytes_total else None

    @property
    def finished(self) -> bool:
        """Whether the server holds every byte."""
        return self.bytes_total is not None and self.bytes_accepted == self.bytes_total


class Meter:
    """Counts sent bytes over time; ``held`` bytes were there before and say nothing about the rate."""

    def __init__(self, now: float, held: int = 0) -> None:
        self.started = now
        self.sent: int = held
        self._samples: deque[tuple[float, int]] = deque([(now, held)])

    def add(self, count: int, now: float) -> None:
        """Count bytes that went out."""
        self.sent += count
        if now - self._samples[-1][0] >= RATE_WINDOW / 50:
            self._samples.append((now, self.sent))
            while len(self._samples) > 2 and now - self._samples[1][0] > RATE_WINDOW:
                self._samples.popleft()

    def rewind(self, count: int) -> None:
        """Take back bytes of an attempt that failed."""
        self.sent -= count

    def rate(self, now: float) -> float:
        """Bytes per second over the last seconds."""
        since, before = self._samples[0]
        return max(0.0, (self.sent - before) / (now - since)) if now > since else 0.0

    def eta(self, now: float, total: int | None) -> float | None:
        """Seconds until everything is sent; None when that is not known, or only answers are missing."""
        rate = self.rate(now)
        return (total - self.sent) / rate if total is not None and rate > 0 and total > self.sent else None
