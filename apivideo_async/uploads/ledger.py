"""What was accepted: the state machine of an upload.

Theory of operation. Every chunk is in one of five states and moves only along this table; anything else is a
bug of ours and raises. Nobody but the ledger decides what is done, and nobody but the server makes a chunk
accepted: either by an answer, or by its status after an answer was lost.

::

    PENDING ──start──▶ IN_FLIGHT ──accept──▶ ACCEPTED
       ▲                │ │  │
       ├───put_back─────┘ │  └──fail──▶ FAILED
       │                  └──lose──▶ UNKNOWN ──accept──▶ ACCEPTED
       └───────put_back──────────────┘ └──fail──▶ FAILED

``lose`` is an attempt without a verdict: the chunk may or may not have arrived. It never goes out again before
somebody has either asked the server or decided that a repeat does no harm (``put_back``).
"""

from collections import deque
from enum import Enum
from typing import Final, Literal

from attrs import frozen

from .plan import Chunk, Plan, SendMode

__all__ = ["ChunkState", "Ledger", "LedgerSnapshot"]


class ChunkState(Enum):
    """Where a chunk stands."""

    PENDING = "pending"
    IN_FLIGHT = "in flight"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    FAILED = "failed"


_P, _I, _U, _A, _F = ChunkState

Event = Literal["start", "accept", "put_back", "lose", "fail"]

TRANSITIONS: Final[dict[tuple[ChunkState, Event], ChunkState]] = {
    (_P, "start"): _I,
    (_I, "accept"): _A,
    (_I, "put_back"): _P,
    (_I, "lose"): _U,
    (_I, "fail"): _F,
    (_U, "accept"): _A,
    (_U, "put_back"): _P,
    (_U, "fail"): _F,
}


@frozen
class LedgerSnapshot:
    """The ledger at one moment: enough to continue without asking the server."""

    mode: SendMode
    total: int | None
    chunk_size: int
    accepted: tuple[Chunk, ...]
    accepted_bytes: int
    """Includes what the server held before this call."""


class Ledger:
    """The chunks of one upload and their states. ``total`` is None while a stream has not ended."""

    def __init__(self, mode: SendMode, chunk_size: int, total: int | None = None, held: int = 0) -> None:
        self.mode = mode
        self.chunk_size = chunk_size
        self.total = total
        self.accepted_bytes: int = held
        self._chunks: dict[int, Chunk] = {}
        self._states: dict[int, ChunkState] = {}
        self._pending: deque[int] = deque()
        self._counts = dict.fromkeys(ChunkState, 0)

    @classmethod
    def of(cls, plan: Plan) -> "Ledger":
        """Open the ledger of a plan: all of its chunks are pending."""
        ledger = cls(plan.mode, plan.chunk_size, plan.total, plan.held)
        for chunk in plan.chunks:
            ledger.add(chunk)
        return ledger

    def add(self, chunk: Chunk) -> None:
        """Enter a chunk, pending."""
        if chunk.number in self._chunks:
            raise RuntimeError(f"chunk {chunk.number} is in the ledger already")
        self._chunks[chunk.number] = chunk
        self._states[chunk.number] = ChunkState.PENDING
        self._counts[ChunkState.PENDING] += 1
        self._pending.append(chunk.number)

    def take(self) -> Chunk | None:
        """Return the next chunk that nobody has taken yet, or None."""
        return self._chunks[self._pending.popleft()] if self._pending else None

    def _move(self, chunk: Chunk, event: Event) -> None:
        state = self._states[chunk.number]
        after = TRANSITIONS.get((state, event))
        if after is None:
            raise RuntimeError(f"chunk {chunk.number} is {state.value}: it cannot {event}")
        self._states[chunk.number] = after
        self._counts[state] -= 1
        self._counts[after] += 1

    def start(self, chunk: Chunk) -> None:
        """Record that an attempt begins."""
        self._move(chunk, "start")

    def accept(self, chunk: Chunk) -> None:
        """Record that the server has it."""
        self._move(chunk, "accept")
        self.accepted_bytes += self._chunks[chunk.number].size

    def put_back(self, chunk: Chunk) -> None:
        """Record that the server does not have it, or that a repeat does no harm."""
        self._move(chunk, "put_back")

    def lose(self, chunk: Chunk) -> None:
        """Record that an attempt ended without a verdict."""
        self._move(chunk, "lose")

    def fail(self, chunk: Chunk) -> None:
        """Record that it will not be tried again in this call."""
        self._move(chunk, "fail")

    def state(self, chunk: Chunk) -> ChunkState:
        """Tell where a chunk stands."""
        return self._states[chunk.number]

    @property
    def counts(self) -> dict[ChunkState, int]:
        """How many chunks are in each state."""
        return dict(self._counts)

    @property
    def complete(self) -> bool:
        """Whether the end is known and every chunk accepted."""
        return self.total is not None and self.accepted_bytes == self.total

    def snapshot(self) -> LedgerSnapshot:
        """Freeze what was accepted."""
        accepted = tuple(
            self._chunks[number] for number, state in sorted(self._states.items()) if state is ChunkState.ACCEPTED
        )
        return LedgerSnapshot(self.mode, self.total, self.chunk_size, accepted, self.accepted_bytes)
