"""Counts of events over time, in a limited number of buckets.

The time range is not known in advance. The buckets start narrow, and are merged into wider ones
whenever their number exceeds the limit.
"""

import itertools
from collections.abc import Iterator

from attrs import frozen

__all__ = ["Bucket", "Timeline"]

MOST_BUCKETS = 120
"""Maximum number of buckets."""
WIDTHS = (1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400)
"""Widths in seconds. Each one divides the next, so that buckets can be merged. Later widths
double."""


def _widths() -> Iterator[int]:
    yield from WIDTHS
    yield from (WIDTHS[-1] * 2**power for power in itertools.count(1))


@frozen
class Bucket:
    """The items finished between ``start`` (seconds since 1970) and the next bucket."""

    start: float
    items: int
    bytes: int


class Timeline:
    """Counts items in buckets of ``width`` seconds. Times may be added in any order."""

    def __init__(self, most: int = MOST_BUCKETS) -> None:
        self._most = most
        self._widths = _widths()
        self._counts: dict[int, list[int]] = {}
        """Items and bytes of each bucket, by bucket number (time divided by the width)."""
        self._first = self._last = 0
        self.width: int = next(self._widths)

    def add(self, moment: float, size: int) -> None:
        """Count one item of ``size`` bytes, finished at ``moment`` (seconds since 1970)."""
        at = int(moment // self.width)
        if not self._counts:
            self._first = self._last = at
        self._first, self._last = min(self._first, at), max(self._last, at)
        count = self._counts.setdefault(at, [0, 0])
        count[0] += 1
        count[1] += size
        # The range counts, because ``buckets`` returns empty buckets as well.
        while self._last - self._first >= self._most:
            self._merge()

    def _merge(self) -> None:
        """Merge the buckets into those of the next width."""
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
        """Return all buckets from the first to the last, including empty ones."""
        if not self._counts:
            return ()
        counted = ((at, self._counts.get(at, (0, 0))) for at in range(self._first, self._last + 1))
        return tuple(Bucket(float(at * self.width), items, size) for at, (items, size) in counted)
