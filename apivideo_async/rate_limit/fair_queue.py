"""A queue in which flows take turns: somebody with sixteen requests waiting does not hold up somebody with one.

Start-time fair queueing with requests of equal weight. Each entry gets a turn: the one after the last turn of its flow,
but not before the turn that was served last. Entries leave by priority, then by turn, then by age.
"""

import heapq
import itertools
from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["Turns"]

T = TypeVar("T")

REMEMBERED = 1024
"""Flows whose last turn is kept before those that say nothing any more are forgotten."""


class Turns(Generic[T]):
    """Who waits, in the order in which they are served."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, int, T]] = []
        self._served = 0
        self._next: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, entry: T, flow: Hashable = None, priority: int = 0) -> None:
        """Enter at the end of a flow; a lower ``priority`` is served first."""
        turn = max(self._served, self._next.get(flow, 0))
        self._next[flow] = turn + 1
        heapq.heappush(self._waiting, (priority, turn, next(self._order), entry))

    def peek(self) -> T:
        """Show who is next. Raises ``IndexError`` when nobody waits."""
        return self._waiting[0][3]

    def pop(self) -> T:
        """Serve who is next. Raises ``IndexError`` when nobody waits."""
        _, turn, _, entry = heapq.heappop(self._waiting)
        self._served = max(self._served, turn)
        if not self._waiting:
            self._next.clear()
        elif len(self._next) > REMEMBERED:
            self._next = {flow: later for flow, later in self._next.items() if later > self._served + 1}
        return entry
