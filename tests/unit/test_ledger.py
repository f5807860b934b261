"""The state machine of an upload (docs/design.md §4 rule 3)."""

import itertools
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from apivideo_async.protocol.content_range import PartOf, RangeOf
from apivideo_async.uploads.ledger import ChunkState, Ledger, LedgerSnapshot
from apivideo_async.uploads.plan import Chunk, Plan, Received

PENDING, IN_FLIGHT, UNKNOWN, ACCEPTED, FAILED = ChunkState
EVENTS = ("start", "accept", "put_back", "lose", "fail")

LEGAL = {
    (PENDING, "start"): IN_FLIGHT,
    (IN_FLIGHT, "accept"): ACCEPTED,
    (IN_FLIGHT, "put_back"): PENDING,
    (IN_FLIGHT, "lose"): UNKNOWN,
    (IN_FLIGHT, "fail"): FAILED,
    (UNKNOWN, "accept"): ACCEPTED,
    (UNKNOWN, "put_back"): PENDING,
    (UNKNOWN, "fail"): FAILED,
}
PATHS = {
    PENDING: (),
    IN_FLIGHT: ("start",),
    UNKNOWN: ("start", "lose"),
    ACCEPTED: ("start", "accept"),
    FAILED: ("start", "fail"),
}
CHUNK = Chunk(1, 0, 10)


def ledger_in(state: ChunkState) -> Ledger:
    ledger = Ledger("bytes", 10, 10)
    ledger.add(CHUNK)
    for event in PATHS[state]:
        getattr(ledger, event)(CHUNK)
    return ledger


@pytest.mark.parametrize(
    ("state", "event"), [pytest.param(*move, id=f"{move[0].value} {move[1]}") for move in LEGAL]
)
def test_a_chunk_moves_along_the_table(state: ChunkState, event: str) -> None:
    ledger = ledger_in(state)
    getattr(ledger, event)(CHUNK)
    after = LEGAL[state, event]
    assert ledger.state(CHUNK) is after
    assert ledger.counts == {**dict.fromkeys(ChunkState, 0), after: 1}


@pytest.mark.parametrize(
    ("state", "event"),
    [
        pytest.param(*move, id=f"{move[0].value} {move[1]}")
        for move in itertools.product(ChunkState, EVENTS)
        if move not in LEGAL
    ],
)
def test_every_other_move_is_a_bug_of_ours(state: ChunkState, event: str) -> None:
    ledger = ledger_in(state)
    before = (ledger.counts, ledger.snapshot())
    with pytest.raises(RuntimeError, match=f"^chunk 1 is {state.value}: it cannot {event}$"):
        getattr(ledger, event)(CHUNK)
    assert (ledger.state(CHUNK), ledger.counts, ledger.snapshot()) == (state, *before), (
        "nothing changed"
    )


def test_the_drawing_of_the_module_names_the_same_states() -> None:
    assert [state.value for state in ChunkState] == [
        "pending",
        "in flight",
        "unknown",
        "accepted",
        "failed",
    ]


def test_a_chunk_is_entered_once() -> None:
    ledger = ledger_in(ACCEPTED)
    with pytest.raises(RuntimeError, match=r"^chunk 1 is in the ledger already$"):
        ledger.add(CHUNK)
    assert ledger.counts[ACCEPTED] == 1


def test_a_chunk_that_was_never_entered_cannot_move() -> None:
    with pytest.raises(KeyError):
        ledger_in(PENDING).start(Chunk(2, 10, 10))


def test_chunks_are_taken_once_in_their_order() -> None:
    ledger = Ledger("part", 10)
    chunks = [Chunk(3, 20, 10), Chunk(1, 0, 10), Chunk(2, 10, 10)]
    for chunk in chunks:
        ledger.add(chunk)
    assert [ledger.take() for _ in range(4)] == [*chunks, None]


def test_the_states_are_those_of_all_chunks_in_the_order_of_their_addition() -> None:
    ledger = Ledger("part", 10)
    chunks = [Chunk(3, 20, 10), Chunk(1, 0, 10), Chunk(2, 10, 10)]
    for chunk in chunks:
        ledger.add(chunk)
    ledger.start(chunks[1])
    ledger.start(chunks[0])
    ledger.accept(chunks[0])
    expected = [ChunkState.ACCEPTED, ChunkState.IN_FLIGHT, ChunkState.PENDING]
    assert ledger.states == tuple(zip(chunks, expected, strict=True))


def test_a_chunk_that_was_put_back_stays_with_its_worker() -> None:
    """The chunk sender repeats its own chunk, so no other worker may take it."""
    ledger = ledger_in(PENDING)
    assert ledger.take() == CHUNK
    ledger.start(CHUNK)
    ledger.put_back(CHUNK)
    assert ledger.take() is None


@pytest.mark.parametrize(
    ("chunks", "held"),
    [
        pytest.param((Chunk(1, 0, 60), Chunk(2, 60, 40)), 0, id="fresh"),
        pytest.param((Chunk(2, 60, 40),), 60, id="a rest"),
        pytest.param((), 100, id="nothing left"),
    ],
)
def test_the_ledger_of_a_plan_starts_with_what_the_server_holds(
    chunks: tuple[Chunk, ...], held: int
) -> None:
    ledger = Ledger.of(Plan(100, "bytes", 60, chunks, 2))
    assert (ledger.mode, ledger.chunk_size, ledger.total, ledger.accepted_bytes) == (
        "bytes",
        60,
        100,
        held,
    )
    assert ledger.counts[PENDING] == len(chunks)
    assert ledger.complete is (held == 100)
    for chunk in chunks:
        ledger.start(chunk)
        ledger.accept(chunk)
    assert ledger.complete is True


def test_while_the_end_is_unknown_nothing_is_complete() -> None:
    """A stream: only its last piece tells the total."""
    ledger = Ledger("part", 10)
    ledger.add(CHUNK)
    ledger.start(CHUNK)
    ledger.accept(CHUNK)
    assert ledger.complete is False
    ledger.end_stream(whole=False)
    assert ledger.complete is True
    assert (ledger.total, ledger.parts, ledger.mode) == (10, 1, "part")


def test_chunks_of_a_stream_follow_each_other_until_its_end() -> None:
    ledger = Ledger("bytes", 10)
    chunks = [ledger.append(size) for size in (10, 10, 3)]
    assert chunks == [Chunk(1, 0, 10), Chunk(2, 10, 10), Chunk(3, 20, 3)]
    assert ledger.pending == 3
    assert ledger.content_range(chunks[2]) == RangeOf(20, 22)
    ledger.end_stream(whole=False)
    assert (ledger.total, ledger.parts) == (23, 3)
    assert ledger.content_range(chunks[2]) == RangeOf(20, 22, 23)


def test_a_stream_of_one_chunk_may_be_sent_as_one_plain_request() -> None:
    ledger = Ledger("part", 10)
    chunk = ledger.append(4)
    assert ledger.content_range(chunk) == PartOf(1)
    ledger.end_stream(whole=True)
    assert (ledger.mode, ledger.total, ledger.parts) == ("whole", 4, 1)
    assert ledger.content_range(chunk) is None


def test_counts_are_a_copy() -> None:
    ledger = ledger_in(PENDING)
    ledger.counts[PENDING] = 99
    assert ledger.counts[PENDING] == 1


def test_a_snapshot_does_not_change_afterwards() -> None:
    ledger = ledger_in(IN_FLIGHT)
    before = ledger.snapshot()
    ledger.accept(CHUNK)
    assert before == LedgerSnapshot("bytes", 10, 10, (), 0)
    assert ledger.snapshot() == LedgerSnapshot("bytes", 10, 10, (CHUNK,), 10)


@pytest.mark.parametrize(
    ("mode", "total", "accepted", "expected"),
    [
        ("whole", 50, (), Received()),
        ("part", 50, (), Received()),
        ("whole", 50, (Chunk(1, 0, 50),), Received(None, ((0, 50),), filesize=50, complete=True)),
        ("bytes", 50, (Chunk(2, 20, 20),), Received("bytes", ((20, 40),), total=50)),
        ("part", 50, (Chunk(2, 20, 20),), Received("part", (), frozenset({2}), 3)),
        ("part", None, (Chunk(1, 0, 20),), Received("part", (), frozenset({1}))),
    ],
)
def test_a_snapshot_says_what_the_server_has(
    mode: Any, total: int | None, accepted: tuple[Chunk, ...], expected: Received
) -> None:
    size = sum(chunk.size for chunk in accepted)
    assert LedgerSnapshot(mode, total, 20, accepted, size).received() == expected


class LedgerMachine(RuleBasedStateMachine):
    """Any interleaving of moves, against a dictionary of states."""

    numbers = st.integers(1, 12)

    @initialize(held=st.integers(0, 50), total=st.none() | st.integers(0, 200))
    def open(self, held: int, total: int | None) -> None:
        self.ledger = Ledger("part", 20, total, held)
        self.held, self.total = held, total
        self.chunks: dict[int, Chunk] = {}
        self.states: dict[int, ChunkState] = {}
        self.queue: list[int] = []

    @rule(number=numbers, size=st.integers(1, 20))
    def add(self, number: int, size: int) -> None:
        chunk = Chunk(number, (number - 1) * 20, size)
        if number in self.chunks:
            with pytest.raises(RuntimeError):
                self.ledger.add(chunk)
        else:
            self.ledger.add(chunk)
            self.chunks[number], self.states[number] = chunk, PENDING
            self.queue.append(number)

    @rule()
    def take(self) -> None:
        expected = self.chunks[self.queue.pop(0)] if self.queue else None
        assert self.ledger.take() == expected

    @precondition(lambda self: self.chunks)
    @rule(data=st.data(), event=st.sampled_from(EVENTS))
    def move(self, data: st.DataObject, event: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.chunks)))
        chunk, after = self.chunks[number], LEGAL.get((self.states[number], event))
        if after is None:
            with pytest.raises(RuntimeError):
                getattr(self.ledger, event)(chunk)
        else:
            getattr(self.ledger, event)(chunk)
            self.states[number] = after

    @rule()
    def end_the_stream(self) -> None:
        self.ledger.end_stream(whole=False)
        self.total = max((chunk.stop for chunk in self.chunks.values()), default=0)

    @invariant()
    def states_and_counts_agree(self) -> None:
        assert {
            number: self.ledger.state(chunk) for number, chunk in self.chunks.items()
        } == self.states
        values: list[Any] = list(self.states.values())
        assert self.ledger.counts == {state: values.count(state) for state in ChunkState}

    @invariant()
    def only_accepted_bytes_are_counted(self) -> None:
        accepted = tuple(
            self.chunks[number] for number in sorted(self.states) if self.states[number] is ACCEPTED
        )
        size = self.held + sum(chunk.size for chunk in accepted)
        assert self.ledger.accepted_bytes == size
        assert self.ledger.complete is (self.total is not None and size == self.total)
        assert self.ledger.snapshot() == LedgerSnapshot("part", self.total, 20, accepted, size)


TestLedgerMachine = LedgerMachine.TestCase
