"""What happened when, in a bounded number of buckets whose width is found on the way."""

import itertools
from collections.abc import Iterator

from attrs import frozen

__all__ = ["Bucket", "Timeline"]

MOST_BUCKETS = 120
WIDTHS = (1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400)
"""Seconds; each divides the next, so that buckets can be merged. Later ones double."""


def _widths() -> Iterator[int]:
    yield from WIDTHS
    yield from (WIDTHS[-1] * 2**power for power in itertools.count(1))


@frozen
class Bucket:
    """What was finished from ``start``, in seconds since 1970, until the next bucket."""

    start: float
    items: int
    bytes: int


class Timeline:
    """Counts items in buckets of ``width`` seconds; moments may come in any order."""

    def __init__(self, most: int = MOST_BUCKETS) -> None:
        self._most = most
        self._widths = _widths()
        self._counts: dict[int, list[int]] = {}
        self._first = self._last = 0
        self.width: int = next(self._widths)

    def add(self, moment: float, size: int) -> None:
        """Count one item."""
        at = int(moment // self.width)
        if not self._counts:
            self._first = self._last = at
        self._first, self._last = min(self._first, at), max(self._last, at)
        count = self._counts.setdefault(at, [0, 0])
        count[0] += 1
        count[1] += size
        while self._last - self._first >= self._most:
            self._merge()

    def _merge(self) -> None:
        wider = next(self._widths)
        times = wider // self.width
        merged: dict[int, list[int]] = {}
        for at, (items, size) in self._counts.items():
            count = merged.setdefault(at // times, [0, 0])
            count[0] += items
            count[1] += size
        self._counts, self.width = merged, wider
        self._first, self._last = self._first // times, self._last // times

    def buckets(self) -> tuple[Bucket, ...]:
        """Give every bucket from the first to the last, those of pauses included."""
        if not self._counts:
            return ()
        counted = ((at, self._counts.get(at, (0, 0))) for at in range(self._first, self._last + 1))
        return tuple(Bucket(float(at * self.width), items, size) for at, (items, size) in counted)
