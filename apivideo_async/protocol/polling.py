"""Decides which of several videos is polled next, and when.

Theory of operation. The status of each name is read soon after it was added, then in growing
intervals: an encoding that has taken long will take longer. All names together use at most a share
of the read budget (``SHARE``), so that other readers are not delayed: with more than one name, two
reads are at least ``60 / (limit x SHARE)`` seconds apart. The name that is due for the longest time
is next. All methods take the time as an argument, in seconds of any steady clock.
"""

import heapq
from collections.abc import Iterable

from attrs import define, field, frozen

from ..models import VideoStatus

__all__ = ["PollSchedule", "encoding_failed"]

FIRST_INTERVAL = 0.25
"""Seconds before the second read of a name. Each interval is ``GROWTH`` times the one before."""
LONGEST_INTERVAL = 5.0
GROWTH = 1.5
SHARE = 0.5
"""Share of the read budget that all reads may use."""
WINDOW = 60.0
"""Seconds of a rate limit window."""


@frozen(order=True)
class _Read:
    at: float
    number: int  # Names that are due at the same time keep their order.
    interval: float = field(order=False)
    name: str = field(order=False)


@define
class PollSchedule:
    """The names that are polled, in the order of their next read."""

    _reads: list[_Read] = field(factory=list, init=False)
    _read_at: float = field(default=float("-inf"), init=False)
    _count: int = field(default=0, init=False)

    def add(self, names: Iterable[str], now: float) -> None:
        """Add names, due now. A name that occurs twice in ``names`` is added once."""
        for name in dict.fromkeys(names):
            self._push(name, now, FIRST_INTERVAL)

    def _push(self, name: str, at: float, interval: float) -> None:
        heapq.heappush(self._reads, _Read(at, self._count, interval, name))
        self._count += 1

    def __len__(self) -> int:
        return len(self._reads)

    @property
    def names(self) -> list[str]:
        """The names that are polled, the next one first."""
        return [read.name for read in sorted(self._reads)]

    def wait(self, now: float, limit: int | None) -> float:
        """Return the seconds until the next read. ``limit``: reads per minute, None if unknown."""
        # A single name needs no gap, because its intervals soon grow to LONGEST_INTERVAL.
        gap = WINDOW / (limit * SHARE) if limit and len(self) > 1 else 0.0
        return max(0.0, self._reads[0].at - now, self._read_at + gap - now)

    def begin_read(self, now: float) -> str:
        """Return the name to read now. It stays the first until :meth:`later` or :meth:`done`."""
        self._read_at = now
        return self._reads[0].name

    def later(self, now: float) -> None:
        """Schedule the next read of the first name, after a longer interval."""
        read = heapq.heappop(self._reads)
        self._push(read.name, now + read.interval, min(LONGEST_INTERVAL, read.interval * GROWTH))

    def done(self) -> None:
        """Remove the first name."""
        heapq.heappop(self._reads)


def encoding_failed(status: VideoStatus) -> bool:
    """Whether every quality of a video failed, so that it can never be played."""
    qualities = status.encoding.qualities if status.encoding is not None else []
    return bool(qualities) and all(quality.status == "failed" for quality in qualities)
