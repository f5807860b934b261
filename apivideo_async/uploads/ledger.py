"""The ledger of an upload: a state machine that records which chunks the server accepted.

Theory of operation. Every chunk is in one of five states and moves only along the transitions
below. Any other transition is a bug in this package and raises ``RuntimeError``. Only the server
can make a chunk accepted: by a response, or by the status of the video after a response was lost.

::

    PENDING ──start──▶ IN_FLIGHT ──accept──▶ ACCEPTED
       ▲                │ │  │
       ├───put_back─────┘ │  └──fail──▶ FAILED
       │                  └──lose──▶ UNKNOWN ──accept──▶ ACCEPTED
       └───────put_back──────────────┘ └──fail──▶ FAILED

``lose`` records an attempt without a verdict: the chunk may or may not have reached the server. It
is sent again only after ``put_back``, which the chunk sender calls after it has read the status of
the video, or when a repeat does no harm.
"""

from collections import deque
from enum import Enum
from typing import Final, Literal

from attrs import define, field, frozen

from ..protocol.content_range import ContentRange, PartOf, RangeOf
from .plan import Chunk, Plan, Received, SendMode, merge

__all__ = ["ChunkState", "Ledger", "LedgerSnapshot"]


class ChunkState(Enum):
    """State of a chunk."""

    PENDING = "pending"
    IN_FLIGHT = "in flight"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    FAILED = "failed"


Event = Literal["start", "accept", "put_back", "lose", "fail"]

TRANSITIONS: Final[dict[tuple[ChunkState, Event], ChunkState]] = {
    (ChunkState.PENDING, "start"): ChunkState.IN_FLIGHT,
    (ChunkState.IN_FLIGHT, "accept"): ChunkState.ACCEPTED,
    (ChunkState.IN_FLIGHT, "put_back"): ChunkState.PENDING,
    (ChunkState.IN_FLIGHT, "lose"): ChunkState.UNKNOWN,
    (ChunkState.IN_FLIGHT, "fail"): ChunkState.FAILED,
    (ChunkState.UNKNOWN, "accept"): ChunkState.ACCEPTED,
    (ChunkState.UNKNOWN, "put_back"): ChunkState.PENDING,
    (ChunkState.UNKNOWN, "fail"): ChunkState.FAILED,
}


@frozen
class LedgerSnapshot:
    """The ledger at one moment, sufficient to continue the upload without a status request."""

    mode: SendMode
    total: int | None
    chunk_size: int
    accepted: tuple[Chunk, ...]
    accepted_bytes: int
    """Accepted bytes, including those that the server received before this call."""

    def received(self) -> Received:
        """Return what the server has according to this ledger, without a status request."""
        total = self.total
        ranges = merge((chunk.start, chunk.stop) for chunk in self.accepted)
        mode = None if self.mode == "whole" else self.mode
        # Every byte was accepted, whatever the mode.
        if total is not None and ranges == ((0, total),):
            return Received(mode, ranges, filesize=total, complete=True)
        if mode == "bytes":
            return Received("bytes", ranges, total=total)
        if mode == "part" and ranges:
            parts = None if total is None else -(-total // self.chunk_size)
            numbers = frozenset(chunk.number for chunk in self.accepted)
            return Received("part", parts=numbers, parts_total=parts)
        return Received()


@define(eq=False)
class Ledger:
    """The chunks of one upload and their states. Only the methods change the attributes."""

    mode: SendMode
    chunk_size: int
    total: int | None = None
    """Size of the source in bytes, or None until a stream has ended."""
    accepted_bytes: int = 0
    """Bytes that the server has, including those that it received before this call."""
    parts: int | None = None
    """Number of chunks, including earlier ones, or None until a stream has ended."""
    earlier: tuple[Chunk, ...] = ()
    """Chunks of an earlier call, if it is known which ones the server accepted."""
    needs_total: bool = False
    """Every chunk states the total once it is known. Otherwise, only the last one of a stream."""
    _chunks: dict[int, Chunk] = field(factory=dict, init=False)
    _states: dict[int, ChunkState] = field(factory=dict, init=False)
    # Chunks that no worker has taken. A chunk that is put back stays with the worker that took it.
    _pending: deque[int] = field(factory=deque, init=False)
    _streamed: bool = field(default=False, init=False)
    # All chunks in order, without the accepted ones at the beginning.
    _open: deque[int] = field(factory=deque, init=False, repr=False)
    # Kept up to date with every transition, because the progress display reads it often.
    _counts: dict[ChunkState, int] = field(
        factory=lambda: dict.fromkeys(ChunkState, 0), init=False, repr=False
    )

    @classmethod
    def of(cls, plan: Plan) -> "Ledger":
        """Create the ledger of a plan, whose chunks are pending."""
        ledger = cls(plan.mode, plan.chunk_size, plan.total, plan.received_bytes, plan.parts)
        for chunk in plan.chunks:
            ledger.add(chunk)
        return ledger

    def add(self, chunk: Chunk) -> None:
        """Add a pending chunk. Raises ``RuntimeError`` if its number is already in the ledger."""
        if chunk.number in self._chunks:
            raise RuntimeError(f"chunk {chunk.number} is in the ledger already")
        self._chunks[chunk.number] = chunk
        self._states[chunk.number] = ChunkState.PENDING
        self._counts[ChunkState.PENDING] += 1
        self._pending.append(chunk.number)
        self._open.append(chunk.number)

    def append(self, size: int) -> Chunk:
        """Add the next chunk of a stream, pending, and return it."""
        number = len(self._chunks) + 1
        start = self._chunks[number - 1].stop if self._chunks else 0
        chunk = Chunk(number, start, size)
        self._streamed = True
        self.add(chunk)
        return chunk

    def end_stream(self, *, whole: bool) -> None:
        """Record the last chunk of a stream. ``whole``: it is sent as one plain request."""
        self.total = max((chunk.stop for chunk in self._chunks.values()), default=0)
        self.parts = len(self._chunks)
        if whole:
            self.mode = "whole"

    def content_range(self, chunk: Chunk) -> ContentRange | None:
        """Return the ``Content-Range`` of a chunk, or None for an upload in one request."""
        if self.mode == "whole":
            return None
        known = self.states_total(chunk)
        if self.mode == "part":
            return PartOf(chunk.number, self.parts if known else None)
        return RangeOf(chunk.start, chunk.stop - 1, self.total if known else None)

    def states_total(self, chunk: Chunk) -> bool:
        """Return whether the ``Content-Range`` of a chunk states the total."""
        if self.total is None:
            return False
        return not self._streamed or self.needs_total or chunk.stop == self.total

    @property
    def pending(self) -> int:
        """Number of chunks that no worker has taken."""
        return len(self._pending)

    def take(self) -> Chunk | None:
        """Return the next chunk that no worker has taken, or None."""
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
        """Record that the server has the chunk."""
        self._move(chunk, "accept")
        self.accepted_bytes += self._chunks[chunk.number].size

    def put_back(self, chunk: Chunk) -> None:
        """Record that the chunk may be sent again: the server lacks it, or a repeat is harmless."""
        self._move(chunk, "put_back")

    def lose(self, chunk: Chunk) -> None:
        """Record that an attempt ended without a verdict."""
        self._move(chunk, "lose")

    def fail(self, chunk: Chunk) -> None:
        """Record that the chunk will not be sent again in this call."""
        self._move(chunk, "fail")

    def state(self, chunk: Chunk) -> ChunkState:
        """Return the state of a chunk."""
        return self._states[chunk.number]

    @property
    def counts(self) -> dict[ChunkState, int]:
        """Number of chunks in each state."""
        return dict(self._counts)

    @property
    def states(self) -> tuple[tuple[Chunk, ChunkState], ...]:
        """All chunks in the order of their addition, each with its state."""
        # Both dicts have the chunks in the order in which they were added.
        return tuple(zip(self._chunks.values(), self._states.values(), strict=True))

    @property
    def lowest_open(self) -> int | None:
        """Number of the first chunk that is not accepted, or None."""
        while self._open and self._states[self._open[0]] is ChunkState.ACCEPTED:
            self._open.popleft()
        return self._open[0] if self._open else None

    @property
    def several_open(self) -> bool:
        """True if at least two chunks are not accepted."""
        return len(self._chunks) - self._counts[ChunkState.ACCEPTED] > 1

    @property
    def any_accepted(self) -> bool:
        """True if the server has bytes of this upload."""
        return self.accepted_bytes > 0

    @property
    def complete(self) -> bool:
        """True if the size is known and every byte is accepted."""
        return self.total is not None and self.accepted_bytes == self.total

    def snapshot(self) -> LedgerSnapshot:
        """Return an immutable copy of the accepted chunks and the totals."""
        accepted = self.earlier + tuple(
            self._chunks[number]
            for number, state in sorted(self._states.items())
            if state is ChunkState.ACCEPTED
        )
        return LedgerSnapshot(self.mode, self.total, self.chunk_size, accepted, self.accepted_bytes)
