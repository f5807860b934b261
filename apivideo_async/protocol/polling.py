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

FIRST, LONGEST, GROWTH = 0.25, 5.0, 1.5
"""Seconds before the second read of a name, the longest interval, and the growth per read."""
# Share of the read budget that all reads may use.
SHARE = 0.5
# Length of a rate limit window in seconds.
WINDOW = 60.0


# Compared by ``at``, then by ``number``, so that names due at the same time keep their order.
@frozen(order=True)
class _Turn:
    at: float
    number: int
    interval: float = field(order=False)
    name: str = field(order=False)


@define
class PollSchedule:
    """The names that are polled, in the order of their next read."""

    _turns: list[_Turn] = field(factory=list, init=False)
    _asked_at: float = field(default=float("-inf"), init=False)
    _count: int = field(default=0, init=False)

    def add(self, names: Iterable[str], now: float) -> None:
        """Add names, due now. A name that occurs twice in ``names`` is added once."""
        for name in dict.fromkeys(names):
            self._push(name, now, FIRST)

    def _push(self, name: str, at: float, interval: float) -> None:
        heapq.heappush(self._turns, _Turn(at, self._count, interval, name))
        self._count += 1

    def __len__(self) -> int:
        return len(self._turns)

    @property
    def names(self) -> list[str]:
        """The names that are polled, the next one first."""
        return [turn.name for turn in sorted(self._turns)]

    def wait(self, now: float, limit: int | None) -> float:
        """Return the seconds until the next read.

        ``limit`` is the number of read requests per minute; None if it is not known. There must be
        at least one name.
        """
        # A single name needs no gap, because its intervals soon grow to LONGEST.
        gap = WINDOW / (limit * SHARE) if limit and len(self) > 1 else 0.0
        return max(0.0, self._turns[0].at - now, self._asked_at + gap - now)

    def ask(self, now: float) -> str:
        """Return the name to read now. It stays the first until :meth:`later` or :meth:`done`."""
        self._asked_at = now
        return self._turns[0].name

    def later(self, now: float) -> None:
        """Schedule the next read of the first name, after a longer interval."""
        turn = heapq.heappop(self._turns)
        self._push(turn.name, now + turn.interval, min(LONGEST, turn.interval * GROWTH))

    def done(self) -> None:
        """Remove the first name."""
        heapq.heappop(self._turns)


def encoding_failed(status: VideoStatus) -> bool:
    """Whether every quality of a video failed, so that it can never be played."""
    qualities = status.encoding.qualities if status.encoding is not None else []
    return bool(qualities) and all(quality.status == "failed" for quality in qualities)
