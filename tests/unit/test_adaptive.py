"""Adaptive concurrency on simulated lines: it finds a suitable width without harm."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.uploads.adaptive import (
    HOLD,
    LIMITED_WIDTH,
    LONGEST_HOLD,
    AdaptiveConcurrency,
)

MIB = 1024 * 1024
BLOCK = MIB / 4
TICK = 0.01

Rate = Callable[[int], float]
"""Bytes per second of all connections together, by their number."""


def each(rate: float) -> Rate:
    return lambda connections: connections * rate


def shared(rate: float) -> Rate:
    return lambda connections: rate


class Line:
    """Sends an endless sequence of chunks; bytes are counted per block, as in an upload."""

    def __init__(
        self, rate: Rate, tuner: AdaptiveConcurrency, *, capacity: int = 1_000, lost_every: int = 0
    ) -> None:
        self.rate = rate
        self.tuner = tuner
        self.capacity = capacity
        self.lost_every = lost_every
        self.now = 100.0
        self.sent = 0.0
        self.widths = [tuner.width]
        self._chunk = 64 * MIB
        self._open: list[list[float]] = []
        self._numbers = itertools.count(1)

    def run(self, seconds: float) -> int:
        """Go on; return the width at the end."""
        for _ in range(round(seconds / TICK)):
            self.now += TICK
            self._start()
            self._move()
        return self.tuner.width

    def _start(self) -> None:
        while len(self._open) < self.tuner.width:
            if len(self._open) >= self.capacity:
                # Refused at once, and the client waits before the next attempt.
                self._ended(self.now, failed=True)
                break
            self._open.append([self.now, 0.0, 0.0])

    def _ended(self, started: float, *, failed: bool) -> None:
        self.tuner.ended(started, self.now, failed=failed, in_flight=len(self._open))
        if self.widths[-1] != self.tuner.width:
            self.widths.append(self.tuner.width)

    def _move(self) -> None:
        share = self.rate(len(self._open)) * TICK / len(self._open)
        for connection in list(self._open):
            connection[1] += share
            blocks = connection[1] // BLOCK
            connection[1] -= blocks * BLOCK
            connection[2] += blocks * BLOCK
            self.sent += blocks * BLOCK
            if self.tuner.count_sent(int(blocks * BLOCK), self.now, in_flight=len(self._open)):
                self.widths.append(self.tuner.width)
            if connection[2] >= self._chunk:
                self._open.remove(connection)
                self._ended(
                    connection[0],
                    failed=bool(self.lost_every) and next(self._numbers) % self.lost_every == 0,
                )


def test_slow_connections_are_multiplied_up_to_the_bound() -> None:
    line = Line(each(12.5e6), AdaptiveConcurrency(4, 16))
    assert line.run(2) == 16
    assert line.widths == [4, 8, 16]


def test_what_is_lost_on_the_way_up_is_little() -> None:
    """Ten seconds of a line that gives 16 connections 200 MB/s."""
    line = Line(each(12.5e6), AdaptiveConcurrency(8, 16))
    line.run(10)
    assert line.sent > 0.97 * 10 * 200e6


@pytest.mark.parametrize("rate", [1e6, 20e6, 500e6])
def test_a_full_line_is_left_at_the_first_width(rate: float) -> None:
    line = Line(shared(rate), AdaptiveConcurrency(4, 16))
    line.run(60)
    assert line.widths[:3] == [4, 8, 4]
    assert max(line.widths) == 8
    assert line.sent > 0.95 * 60 * rate


def test_the_width_stops_where_the_line_is_full() -> None:
    """Eight connections fill it: sixteen would be of no use."""
    line = Line(lambda connections: min(connections, 8) * 10e6, AdaptiveConcurrency(4, 16))
    assert line.run(5) == 8
    assert line.widths == [4, 8, 16, 8]


def test_the_bound_holds_when_it_is_no_double() -> None:
    line = Line(each(12.5e6), AdaptiveConcurrency(4, 10))
    assert line.run(5) == 10
    full = Line(lambda connections: min(connections, 8) * 10e6, AdaptiveConcurrency(4, 10))
    assert full.run(5) == 8


def test_a_server_that_takes_only_so_many_is_given_no_more() -> None:
    line = Line(each(12.5e6), AdaptiveConcurrency(4, 16), capacity=8)
    assert line.run(60) == 8
    assert line.sent > 0.93 * 60 * 8 * 12.5e6


def test_a_server_that_takes_fewer_than_the_first_width_is_met_halfway() -> None:
    line = Line(each(12.5e6), AdaptiveConcurrency(4, 16), capacity=1)
    assert line.run(30) == 1


def test_one_chunk_at_a_time_stays_one() -> None:
    tuner = AdaptiveConcurrency(1, 1)
    for _ in range(9):
        assert tuner.ended(1.0, 2.0, failed=True, in_flight=0) in (True, False)
    assert tuner.width == 1


def test_losses_that_fewer_connections_would_not_spare_do_not_slow_the_upload() -> None:
    """One attempt in ten fails, however many there are."""
    line = Line(each(12.5e6), AdaptiveConcurrency(4, 16), lost_every=10)
    assert line.run(60) == 16


def test_a_failure_of_an_attempt_that_began_before_a_change_does_not_count_twice() -> None:
    tuner = AdaptiveConcurrency(16, 16)
    for _ in range(5):
        tuner.ended(1.0, 2.0, failed=True, in_flight=8)
    assert tuner.width == 8
    for _ in range(8):
        assert not tuner.ended(1.0, 2.1, failed=True, in_flight=3)
    assert tuner.width == 8


def test_tries_that_are_of_no_use_become_rare() -> None:
    """After 0, 10, 30, 70, 150, 310 seconds and then every 160."""
    assert (HOLD, LONGEST_HOLD) == (10, 160)
    line = Line(shared(50e6), AdaptiveConcurrency(4, 16))
    line.run(600)
    assert line.widths.count(8) == 7


def test_a_line_that_becomes_wider_is_noticed() -> None:
    line = Line(shared(50e6), AdaptiveConcurrency(4, 16))
    assert line.run(5) == 4
    line.rate = each(12.5e6)
    assert line.run(15) == 16


def test_few_chunks_say_nothing_about_more() -> None:
    tuner = AdaptiveConcurrency(4, 16)
    for tenth in range(1, 100):
        assert not tuner.count_sent(8 * MIB, tenth / 10, in_flight=2)
    assert tuner.width == 4


@given(
    first=st.integers(1, 20),
    most=st.integers(1, 40),
    events=st.lists(
        st.tuples(
            st.floats(0.001, 30),
            st.integers(-(10**8), 10**9),
            st.integers(0, 40),
            st.sampled_from([None, True, False]),
        ),
        max_size=60,
    ),
)
def test_the_width_stays_within_its_bounds(
    first: int, most: int, events: list[tuple[float, int, int, bool | None]]
) -> None:
    tuner = AdaptiveConcurrency(first, most)
    now = 0.0
    for seconds, size, in_flight, failed in events:
        now += seconds
        before = tuner.width
        changed = (
            tuner.count_sent(size, now, in_flight=in_flight)
            if failed is None
            else tuner.ended(now, now, failed=failed, in_flight=in_flight)
        )
        assert 1 <= tuner.width <= most
        assert changed or tuner.width == before


def limited(limit: float, each: float) -> Rate:
    """Connections of ``each`` bytes per second, together at most at the limit of the user."""
    return lambda connections: min(limit, connections * each)


@pytest.mark.parametrize("limit", [200_000, 20 * MIB])
def test_with_a_bandwidth_limit_few_connections_suffice(limit: int) -> None:
    tuner = AdaptiveConcurrency(8, 16)
    tuner.follow_limit(limit, 100.0)
    line = Line(limited(limit, 1000 * MIB), tuner)
    assert line.run(300) == LIMITED_WIDTH
    assert max(line.widths) == LIMITED_WIDTH


def test_below_the_limit_the_width_grows() -> None:
    tuner = AdaptiveConcurrency(8, 16)
    tuner.follow_limit(40 * MIB, 100.0)
    line = Line(limited(40 * MIB, 5 * MIB), tuner)
    assert line.run(60) == 8


def test_a_new_limit_reduces_the_width_once_and_its_end_lets_it_grow() -> None:
    tuner = AdaptiveConcurrency(8, 16)
    line = Line(each(5 * MIB), tuner)
    assert line.run(60) == 16
    tuner.follow_limit(4 * MIB, line.now)
    assert tuner.width == LIMITED_WIDTH
    line.rate = limited(4 * MIB, 5 * MIB)
    tuner.follow_limit(4 * MIB, line.now)
    # Longer than the 16 chunks that were in flight need.
    assert line.run(600) == LIMITED_WIDTH
    line.rate = each(5 * MIB)
    tuner.follow_limit(None, line.now)
    assert line.run(60) == 16


def test_a_limit_leaves_one_connection_for_each_upload() -> None:
    tuner = AdaptiveConcurrency(16, 16, limited=12)
    tuner.follow_limit(1_000, 0.0)
    assert tuner.width == 12
