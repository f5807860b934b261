"""A fair queue: a flow with many waiting callers does not delay a flow with one.

Theory of operation. The algorithm is start-time fair queueing with requests of equal weight. The
turn of an entry is a number: one more than the last turn of its flow, but at least the turn that
was served last. Entries leave by priority, then by turn, then by age. With 16 entries of flow A
(turns 0 to 15) and a new entry of flow B (turn 0), B is served second.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["FairOrder", "FairQueue"]

T = TypeVar("T")

REMEMBERED = 1024
"""Number of flows whose next turn is kept. Above it, flows that have no advantage are forgotten."""


class FairOrder(Generic[T]):
    """Entries in the order in which they are served. This class does not wait."""

    def __init__(self) -> None:
        self._age = itertools.count()
        self._entries: list[tuple[int, int, int, T]] = []
        self._served = 0
        self._next: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def push(self, entry: T, flow: Hashable = None, priority: int = 0) -> None:
        """Add an entry at the end of its flow. A lower ``priority`` is served first."""
        # A flow that was idle starts at the current turn, so it cannot save up earlier turns.
        turn = max(self._served, self._next.get(flow, 0))
        self._next[flow] = turn + 1
        heapq.heappush(self._entries, (priority, turn, next(self._age), entry))

    def pop(self) -> T:
        """Remove and return the next entry. Raises ``IndexError`` if there is none."""
        _, turn, _, entry = heapq.heappop(self._entries)
        self._served = max(self._served, turn)
        if not self._entries:
            # No entry waits, so no flow has to be behind another.
            self._next.clear()
        elif len(self._next) > REMEMBERED:
            # A forgotten flow gets at most one turn earlier than it would have got.
            self._next = {
                flow: later for flow, later in self._next.items() if later > self._served + 1
            }
        return entry


class FairQueue(Generic[T]):
    """Callers that wait until they are admitted with a value. A cancelled caller loses nothing.

    - ``on_wait`` is called when a caller has started to wait. It may admit callers at once.
    - ``take_back`` is called with the value of a caller that was cancelled in the same iteration of
      the event loop in which it was admitted.
    """

    def __init__(self, on_wait: Callable[[], None], take_back: Callable[[T], None]) -> None:
        self._on_wait = on_wait
        self._take_back = take_back
        self._order: FairOrder[asyncio.Future[T]] = FairOrder()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    async def wait(self, flow: Hashable = None, priority: int = 0) -> T:
        """Wait until ``admit`` is called for this caller, and return its value."""
        entry: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._order.push(entry, flow, priority)
        self._waiting += 1
        self._on_wait()
        try:
            return await entry
        except asyncio.CancelledError:
            if entry.cancelled():
                self._waiting -= 1
                if not self._waiting:
                    self._order = FairOrder()  # It contains cancelled entries only.
            elif entry.exception() is None:
                self._take_back(entry.result())
            raise

    def admit(self, value: T) -> bool:
        """Let the next caller continue with ``value``. Returns False if no caller waits."""
        entry = self._pop()
        if entry is not None:
            entry.set_result(value)
        return entry is not None

    def reject_all(self, make_error: Callable[[], Exception]) -> None:
        """Raise an error in every caller that waits."""
        while entry := self._pop():
            entry.set_exception(make_error())

    def _pop(self) -> "asyncio.Future[T] | None":
        while self._order:
            entry = self._order.pop()
            # The entry of a cancelled caller stays in the queue until its turn.
            if not entry.done():
                self._waiting -= 1
                return entry
        return None
