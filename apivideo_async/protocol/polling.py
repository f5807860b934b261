"""When to ask about which of many things that take time.

Theory of operation. Each is asked about soon, then less and less often, because what took long will take longer. All
together use at most a share of the read budget (``SHARE``), so that others who read are not held up: of more than one,
two questions are at least ``60 / (limit x SHARE)`` seconds apart. Whoever waits longest is next. Time is an argument.
"""

import heapq
from collections.abc import Iterable

from attrs import define, field, frozen

from ..models import VideoStatus

__all__ = ["PollSchedule", "encoding_failed"]

FIRST, LONGEST, GROWTH = 0.25, 5.0, 1.5
"""Seconds before the second question, at most, and how much longer each time."""
SHARE = 0.5
WINDOW = 60.0


@frozen(order=True)
class _Turn:
    at: float
    number: int
    interval: float = field(order=False)
    name: str = field(order=False)


@define
class PollSchedule:
    """What is waited for, and who is asked about next."""

    _turns: list[_Turn] = field(factory=list, init=False)
    _asked_at: float = field(default=float("-inf"), init=False)
    _count: int = field(default=0, init=False)

    def add(self, names: Iterable[str], now: float) -> None:
        """Wait for more; a name twice is asked about once."""
        for name in dict.fromkeys(names):
            self._push(name, now, FIRST)

    def _push(self, name: str, at: float, interval: float) -> None:
        heapq.heappush(self._turns, _Turn(at, self._count, interval, name))
        self._count += 1

    def __len__(self) -> int:
        return len(self._turns)

    @property
    def names(self) -> list[str]:
        """Who is waited for, the next first."""
        return [turn.name for turn in sorted(self._turns)]

    def wait(self, now: float, limit: int | None) -> float:
        """Seconds until the next question, when ``limit`` requests a minute are allowed (None: not known)."""
        gap = WINDOW / (limit * SHARE) if limit and len(self) > 1 else 0.0
        return max(0.0, self._turns[0].at - now, self._asked_at + gap - now)

    def ask(self, now: float) -> str:
        """Return who is asked about now; it stays the next until :meth:`later` or :meth:`done`."""
        self._asked_at = now
        return self._turns[0].name

    def later(self, now: float) -> None:
        """Ask about the one that was asked about again, after a longer while."""
        turn = heapq.heappop(self._turns)
        self._push(turn.name, now + turn.interval, min(LONGEST, turn.interval * GROWTH))

    def done(self) -> None:
        """Wait no more for the one that was asked about."""
        heapq.heappop(self._turns)


def encoding_failed(status: VideoStatus) -> bool:
    """Whether every quality failed, so that waiting makes no sense."""
    qualities = status.encoding.qualities if status.encoding is not None else []
    return bool(qualities) and all(quality.status == "failed" for quality in qualities)
