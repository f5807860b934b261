"""Which video is polled next, and when."""

from bisect import bisect_left
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.models import Quality, VideoStatus, VideoStatusEncoding
from apivideo_async.protocol.polling import (
    FIRST_INTERVAL,
    GROWTH,
    LONGEST_INTERVAL,
    SHARE,
    PollSchedule,
    encoding_failed,
)


def run(schedule: PollSchedule, until: float, limit: int | None) -> list[tuple[float, str]]:
    """Ask whenever it is time, without anything ever being done."""
    reads, now = [], 0.0
    while (now := now + schedule.wait(now, limit)) <= until:
        reads.append((now, schedule.begin_read(now)))
        schedule.later(now)
    return reads


def test_one_name_is_read_soon_and_then_less_and_less_often() -> None:
    schedule = PollSchedule()
    schedule.add(["vi1"], 0.0)
    moments = [moment for moment, _ in run(schedule, 60, limit=100)]
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert (moments[0], gaps[0], gaps[1]) == (
        0.0,
        FIRST_INTERVAL,
        pytest.approx(FIRST_INTERVAL * GROWTH),
    )
    assert gaps == sorted(gaps)
    assert max(gaps) == LONGEST_INTERVAL


@given(st.integers(2, 60), st.integers(1, 500))
def test_many_names_use_a_share_of_the_budget_and_each_is_read(count: int, limit: int) -> None:
    schedule = PollSchedule()
    names = [f"vi{number}" for number in range(count)]
    schedule.add(names, 0.0)
    reads = run(schedule, 600, limit)
    moments = [moment for moment, _ in reads]
    for first, moment in enumerate(moments):
        assert bisect_left(moments, moment + 59.99) - first <= limit * SHARE + 1
    first_round = [name for _, name in reads[:count]]
    assert first_round == names[: len(first_round)]
    if len(reads) > 3 * count:
        latest = {name: moment for moment, name in reads}
        assert (
            min(latest.values())
            >= reads[-1][0] - count * 60 / (limit * SHARE) - 2 * LONGEST_INTERVAL
        )


def test_without_a_limit_only_the_intervals_hold_back() -> None:
    schedule = PollSchedule()
    schedule.add(["a", "b", "a"], 0.0)
    assert len(schedule) == 2
    assert run(schedule, FIRST_INTERVAL, None) == [
        (0.0, "a"),
        (0.0, "b"),
        (FIRST_INTERVAL, "a"),
        (FIRST_INTERVAL, "b"),
    ]
    assert schedule.names == ["a", "b"]


def test_a_name_that_is_done_is_not_read_again() -> None:
    schedule = PollSchedule()
    schedule.add(["a", "b"], 0.0)
    assert schedule.begin_read(0.0) == "a"
    schedule.done()
    assert schedule.names == ["b"]
    assert {name for _, name in run(schedule, 10, 60)} == {"b"}


@pytest.mark.parametrize(
    ("states", "failed"),
    [
        ([], False),
        (["failed"], True),
        (["failed", "failed"], True),
        (["failed", "waiting"], False),
        (["encoded"], False),
    ],
)
def test_waiting_ends_when_every_quality_failed(states: list[str], failed: bool) -> None:
    qualities = [Quality(status=state) for state in states]
    assert encoding_failed(VideoStatus(encoding=VideoStatusEncoding(qualities=qualities))) is failed
    assert not encoding_failed(VideoStatus())
