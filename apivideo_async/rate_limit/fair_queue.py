"""A fair queue: a flow with many waiting requests does not delay a flow with one.

Theory of operation. The algorithm is start-time fair queueing with requests of equal weight. Each
entry gets a turn, which is a number. The turn of an entry is one more than the last turn of its
flow, but at least the turn that was served last. Entries leave by priority, then by turn, then by
age. With 16 entries of flow A (turns 0 to 15) and a new entry of flow B (turn 0), B is served
second.
"""

import heapq
import itertools
from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["FairQueue"]

T = TypeVar("T")

REMEMBERED = 1024
"""Number of flows whose next turn is kept. Above it, flows that have no advantage are forgotten."""


class FairQueue(Generic[T]):
    """The waiting entries, in the order in which they are served."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, int, T]] = []
        self._served = 0
        self._next: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, entry: T, flow: Hashable = None, priority: int = 0) -> None:
        """Add an entry at the end of its flow. A lower ``priority`` is served first."""
        # A flow that was idle starts at the current turn, so it cannot save up earlier turns.
        turn = max(self._served, self._next.get(flow, 0))
        self._next[flow] = turn + 1
        heapq.heappush(self._waiting, (priority, turn, next(self._order), entry))

    def peek(self) -> T:
        """Return the next entry, which stays in the queue. Raises ``IndexError`` if it is empty."""
        return self._waiting[0][3]

    def pop(self) -> T:
        """Remove and return the next entry. Raises ``IndexError`` if the queue is empty."""
        _, turn, _, entry = heapq.heappop(self._waiting)
        self._served = max(self._served, turn)
        if not self._waiting:
            # No entry waits, so no flow has to be behind another.
            self._next.clear()
        elif len(self._next) > REMEMBERED:
            # A forgotten flow gets at most one turn earlier than it would have got.
            self._next = {
                flow: later for flow, later in self._next.items() if later > self._served + 1
            }
        return entry
