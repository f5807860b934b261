"""The bandwidth limit as arithmetic, in virtual time (docs/design.md §2)."""

import bisect
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.rate_limit.token_bucket import (
    BURST,
    CREDIT,
    LARGEST_SLICE,
    SLICE,
    TokenBucket,
)

PERIOD = 5.0
"""Seconds over which the rate must not exceed 1.05 of the limit."""


class Sender:
    """Sends as much as the bucket allows. Records when how many bytes were sent in total."""

    def __init__(self, rate: int, late: float, seed: int = 1, now: float = 1000.0) -> None:
        self.now = self.began = now
        self.bucket = TokenBucket(rate, now)
        self.times, self.totals = [now], [0]
        self._late, self._random = late, random.Random(seed)

    @property
    def sent(self) -> int:
        return self.totals[-1]

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            while (wait := self.bucket.wait(self.now)) == 0:
                self.times.append(self.now)
                self.totals.append(self.sent + self.bucket.take())
            # A timer fires late, now and then much later than on average.
            late = self._late * self._random.expovariate(1)
            if self.now + wait + late > end:
                self.now = end
                return
            self.now += wait + late

    def most(self, seconds: float) -> int:
        """The largest number of bytes in any period of so many seconds."""
        return max(
            self.totals[bisect.bisect_right(self.times, time + seconds) - 1]
            - (self.totals[number - 1] if number else 0)
            for number, time in enumerate(self.times)
        )


@pytest.mark.parametrize("rate", [1, 7, 19, 1_000, 1_000_000, 250_000_000])
@pytest.mark.parametrize("late", [0.0, 0.001, 0.02])
def test_the_long_run_rate_is_the_limit(rate: int, late: float) -> None:
    seconds = 200 if rate < 100 else 20
    sender = Sender(rate, late)
    sender.run(seconds)
    assert 0.98 * rate * seconds <= sender.sent + sender.bucket.slice
    assert sender.sent <= rate * seconds


@given(st.integers(1_000, 10**8), st.floats(0, 0.2), st.integers(0, 999))
def test_no_period_of_five_seconds_exceeds_the_limit_by_more_than_one_twentieth(
    rate: int, late: float, seed: int
) -> None:
    sender = Sender(rate, late, seed)
    sender.run(12.0)
    assert sender.most(PERIOD) <= 1.05 * rate * PERIOD


def test_a_pause_is_not_followed_by_a_burst() -> None:
    sender = Sender(100_000, 0.0)
    sender.run(1.0)
    before = sender.sent
    sender.now += 3600.0
    sender.run(5.0)
    assert sender.sent - before <= 1.05 * 5 * 100_000
    sender.run(1_000.0)
    assert sender.sent - before <= (1_005 + CREDIT) * 100_000


def test_a_timer_that_fires_late_costs_nothing_in_the_long_run() -> None:
    sender = Sender(100_000, 0.0)
    for _ in range(10):
        sender.now += 0.5  # Nothing could be sent: the event loop was blocked.
        sender.run(59.5)
    assert sender.sent >= 0.998 * 600 * 100_000
    assert sender.most(PERIOD) <= 1.05 * PERIOD * 100_000


def test_nothing_is_available_at_the_start() -> None:
    bucket = TokenBucket(100_000, 50.0)
    assert bucket.wait(50.0) == pytest.approx(SLICE)
    assert bucket.wait(50.0 + SLICE) == 0


@pytest.mark.parametrize(
    ("rate", "size"), [(1, 1), (19, 1), (40, 2), (100_000, 5_000), (10**9, LARGEST_SLICE)]
)
def test_a_slice_is_a_short_time_of_the_rate_and_at_most_a_block(rate: int, size: int) -> None:
    assert TokenBucket(rate, 0.0).slice == size


def test_a_rate_below_one_slice_a_second_is_possible() -> None:
    """A fraction of a byte is never available at once, so a whole one must fit."""
    bucket = TokenBucket(1, 0.0)
    assert bucket.wait(0.0) == pytest.approx(1.0)
    assert (bucket.wait(1.0), bucket.take()) == (0, 1)
    assert bucket.wait(1.0) == pytest.approx(1.0)


def test_a_lower_rate_holds_from_the_next_slice_on() -> None:
    """Bytes that a fast rate made available are not sent at the slow one."""
    sender = Sender(10_000_000, 0.0)
    sender.run(1.0)
    sender.now += 1.0
    sender.bucket.set_rate(1_000, sender.now)
    before = sender.sent
    sender.run(5.0)
    assert 0.98 * 5_000 <= sender.sent - before <= 1.05 * 5_000


def test_a_higher_rate_holds_at_once() -> None:
    bucket = TokenBucket(1, 0.0)
    bucket.set_rate(1_000_000, 0.0)
    assert bucket.wait(0.0) == pytest.approx(SLICE)


def test_bytes_that_were_not_sent_are_available_again() -> None:
    bucket = TokenBucket(100_000, 0.0)
    assert bucket.wait(SLICE) == 0
    size = bucket.take()
    bucket.give_back(size)
    assert bucket.wait(SLICE) == 0
    bucket.give_back(10**9)
    sent = 0
    while bucket.wait(SLICE) == 0:
        sent += bucket.take()
    assert sent <= 100_000 * BURST


def test_a_clock_that_steps_back_takes_nothing_away() -> None:
    bucket = TokenBucket(100_000, 10.0)
    assert bucket.wait(10.0 + SLICE) == 0
    assert bucket.wait(10.0) == 0


def test_a_rounding_error_does_not_cause_a_wait_that_changes_no_time() -> None:
    now = 1e9
    bucket = TokenBucket(3, now)
    for _ in range(1_000):
        wait = bucket.wait(now)
        assert wait == 0 or now + wait > now
        now += wait
        if wait == 0:
            bucket.take()
