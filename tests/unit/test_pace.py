"""The pace that is derived from refusals (service.md#open-questions).

tests/unit/test_rate_kinds.py shows what it achieves against servers of each kind.
"""

import json
import math
from itertools import pairwise

from attrs import asdict
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.rate_limit.pace import CARE, KEPT, LIMITS, PATIENCE, Pace


def burst(pace: Pace, count: int, now: float = 0.0, gap: float = 0.01) -> float:
    """Start and accept requests one after the other. Returns the time of the last."""
    for _ in range(count):
        now += max(gap, pace.wait(now + gap) + gap)
        pace.start(now)
        pace.accept(now, now)
    return now


def refuse(pace: Pace, now: float, wait: float | None = None) -> float:
    pace.start(now)
    return pace.refuse(now, now, wait)


def learned(count: int = 40, period: float = 6.0) -> tuple[Pace, float]:
    """A pace of ``count`` requests in ``period`` seconds, from a refusal and a probe."""
    pace = Pace()
    burst(pace, count)
    refuse(pace, 0.5)
    pace.start(period + 0.01)
    pace.accept(period + 0.01, period + 0.01)
    return pace, period + 0.01


def test_at_each_documented_limit_one_request_goes_first() -> None:
    pace = Pace()
    for limit in LIMITS:
        now = burst(pace, limit - len(pace.starts))
        assert pace.wait(now) == 0.0
        pace.start(now)
        assert 0.0 < pace.wait(now + 0.1) <= PATIENCE
        pace.accept(now, now)
        burst(pace, CARE, now)
    assert pace.free
    pace.start(now)
    assert pace.wait(now) == 0.0


def test_a_response_that_takes_long_is_not_awaited() -> None:
    pace = Pace()
    now = burst(pace, LIMITS[0])
    pace.start(now)
    assert pace.wait(now + PATIENCE) == 0.0


def test_beyond_a_documented_limit_a_few_requests_at_a_time_start() -> None:
    pace = Pace()
    now = burst(pace, 60)
    assert in_flight(pace, now) == 2
    now = burst(pace, 30, now)
    assert in_flight(pace, now) == 3
    now = burst(pace, 700, now)
    assert in_flight(pace, now) == 50, "no limit"


def in_flight(pace: Pace, now: float) -> int:
    """Start requests while the pace allows it, at most 50. Returns how many."""
    pace = Pace(**asdict(pace))
    for number in range(50):
        if pace.wait(now) > 0:
            return number
        pace.start(now)
    return 50


def test_requests_of_the_minute_before_do_not_count() -> None:
    pace = Pace()
    burst(pace, LIMITS[0])
    pace.start(100.0)
    assert pace.wait(100.0) == 0.0


def test_the_first_refusal_tells_the_count_and_an_accepted_probe_the_period() -> None:
    pace, _ = learned()
    assert pace.count == 40
    assert math.isclose(pace.period, 6.0)


def test_requests_in_flight_at_the_first_refusal_do_not_raise_the_count() -> None:
    pace = Pace()
    burst(pace, 30)
    for _ in range(4):
        pace.start(0.5)
    for _ in range(4):
        pace.refuse(0.5, 0.6, None)
    assert pace.count == 30


def test_requests_in_flight_at_a_later_refusal_change_nothing() -> None:
    pace, now = learned()
    now = burst(pace, 39, now)
    pace.start(now)
    refuse(pace, now + 0.01)
    before = pace.count
    pace.overcounted = False
    assert pace.refuse(now, now + 0.02, None) == 0.0
    assert pace.count == before


def test_a_response_to_an_older_request_shows_nothing() -> None:
    pace = Pace()
    pace.start(0.1)
    refuse(pace, 0.5)
    pace.accept(0.1, 0.1)
    assert pace.accepted == 0


def test_a_pause_of_the_client_does_not_lengthen_the_period() -> None:
    pace = Pace()
    burst(pace, 40)
    refuse(pace, 0.5)
    pace.start(10_000.0)
    pace.accept(10_000.0, 10_000.0)
    assert 60.0 <= pace.period <= 64.0


def test_a_documented_window_is_tried_after_two_shorter_ones() -> None:
    pace = Pace()
    burst(pace, 40)
    refuse(pace, 0.5)
    assert refuse(pace, 5.51) == 5.5 / 2
    assert math.isclose(refuse(pace, 8.26), 60.0 - 8.25)
    assert math.isclose(refuse(pace, 70.01), 35.0), "then ever longer ones"


def test_a_wait_that_a_header_states_needs_no_shorter_attempts() -> None:
    pace = Pace()
    burst(pace, 40)
    refuse(pace, 0.51, 5.5)
    assert pace.refuted == 0.51 + 5.5 - PATIENCE - 0.01


def test_a_period_is_counted_from_the_latest_arrival() -> None:
    pace = Pace(count=1, period=6.0, proven=True, open=10)
    pace.start(0.0)
    assert math.isclose(pace.wait(0.0), PATIENCE + 6.0), "it may still be on its way"
    pace.accept(0.0, 0.4)
    assert math.isclose(pace.wait(0.4), 6.0)
    pace.start(7.0)
    pace.accept(7.0, 99.0)
    assert math.isclose(pace.wait(7.0), PATIENCE + 6.0), "a long response is not waited for"


def test_requests_that_were_slower_than_the_pace_do_not_prove_it() -> None:
    """One by one, they may be slower than a server refills its budget."""
    pace, now = learned()
    now = burst(pace, 39, now, gap=0.5)
    assert (pace.width, pace.proven) == (2, False)
    now = burst(pace, 40, now, gap=0.25)
    assert (pace.width, pace.proven) == (4, False)
    burst(pace, 40, now)
    assert (pace.width, pace.proven) == (None, True)


def test_a_shorter_period_is_tried_once_and_a_refusal_ends_the_attempt() -> None:
    pace, now = learned()
    now = burst(pace, 39, now)
    assert pace.trying
    before = pace.period
    first = pace.starts[-40]
    now = first + (pace.period + pace.refuted) / 2 + 1e-9
    assert pace.wait(now) == 0.0
    assert refuse(pace, now) == 0.0
    assert (pace.trying, pace.period) == (False, before)
    assert math.isclose(pace.wait(now), first + before - now)


def test_a_shorter_period_that_is_accepted_is_used() -> None:
    pace, now = learned()
    now = burst(pace, 39, now)
    before = pace.period
    now = pace.starts[-40] + (pace.period + pace.refuted) / 2 + 1e-9
    pace.start(now)
    pace.accept(now, now)
    assert pace.period < before


def test_a_shorter_period_of_which_only_the_beginning_was_accepted_is_not_sufficient() -> None:
    pace, now = learned()
    now = burst(pace, 39, now)
    before = pace.period
    now = burst(pace, 10, now)
    assert pace.period < before
    tried = pace.period
    refuse(pace, now + 0.01)
    assert (pace.refuted, pace.period) == (tried, before)


def test_an_attempt_that_was_not_sent_shows_nothing() -> None:
    pace, now = learned()
    now = burst(pace, 39, now)
    before = pace.period
    now = pace.starts[-40] + (pace.period + pace.refuted) / 2 + 1e-9
    pace.start(now)
    pace.withdraw(now)
    assert (pace.probe, pace.period) == (None, before)
    pace.withdraw(now + 1.0)  # A request that is not known changes nothing.


def test_a_refusal_in_an_unused_period_lengthens_it() -> None:
    pace, now = learned()
    now = burst(pace, 39, now)
    pace.trying = False
    now = pace.starts[-40] + pace.period + 1e-9
    before = pace.period
    assert 0.0 < refuse(pace, now) < 1.0
    assert before < pace.period <= before * 1.1


def test_refusals_within_a_period_show_the_rate() -> None:
    """A server that refills evenly accepts the first requests only."""
    pace, now = learned()
    now = burst(pace, 20, now)
    assert pace.count == 40
    refuse(pace, now + 0.01)
    assert pace.count is not None
    # 21 requests were accepted in 5.7 s.
    assert pace.count / pace.period <= 21 / 5.7


def test_a_pace_that_was_sufficient_is_not_slowed_down_by_much() -> None:
    pace, now = learned()
    now = burst(pace, 39, now)
    before = pace.period
    pace.trying = False
    now = burst(pace, 5, now)
    refuse(pace, now + 0.01)
    assert before <= pace.period <= before * 1.25


def test_one_request_in_each_period_is_slowed_down_too() -> None:
    pace = Pace(
        count=1, period=1.0, refuted=0.99, proven=True, starts=[0.0], arrived=[0.0], accepted=1
    )
    pace.start(1.0)
    pace.refuse(1.0, 1.0, None)
    assert pace.count == 1
    assert 1.0 < pace.period <= 1.25


def test_a_raised_limit_is_found() -> None:
    """Nothing is refused any more, so the pace increases."""
    pace, now = learned()
    began = now
    now = burst(pace, 2_000, now)
    assert 2_000 / (now - began) > 2 * 40 / 6.0


def test_a_request_that_was_not_sent_makes_room_for_another() -> None:
    pace = Pace()
    burst(pace, 3)
    pace.spend(3, 1.0)
    pace.start(2.0)
    pace.withdraw(2.0)
    pace.withdraw(pace.starts[-1])
    assert pace.wait(2.0) == 0.0
    pace.start(2.0)
    assert len(pace.starts) == pace.count == 3
    assert pace.probe is None


def test_a_budget_that_is_spent_needs_no_refusal() -> None:
    pace = Pace()
    burst(pace, 40)
    pace.spend(40, 0.4)
    assert (pace.count, pace.width) == (40, 1)
    pace.spend(20, 0.5)
    assert pace.count == 40, "it is known already"


def test_a_refusal_without_known_requests_still_tells_something() -> None:
    pace = Pace()
    assert pace.refuse(5.0, 5.0, None) == 0.0
    assert pace.count == 1
    assert pace.refuse(6.0, 6.0, None) >= 0.0


steps = st.lists(
    st.tuples(
        st.floats(0.0, 10.0),
        st.sampled_from(["accept", "refuse", "lose", "withdraw"]),
        st.booleans(),
    ),
    max_size=200,
)


@given(steps)
def test_whatever_happens_the_pace_is_kept_and_requests_go_on(
    schedule: list[tuple[float, str, bool]],
) -> None:
    pace, now = Pace(), 0.0
    for pause, outcome, patient in schedule:
        now += pause / 20
        wait = pace.wait(now)
        assert 0.0 <= wait < math.inf
        if patient:
            now += wait
        elif wait:
            continue
        count, period = pace.count, pace.period
        pace.start(now)
        if count is not None and not pace.trying and pace.probe is None:
            earlier = [each for each in pace.starts if now - period + 1e-6 < each]
            assert len(earlier) <= count
        if outcome == "accept":
            pace.accept(now, now)
        elif outcome == "refuse":
            before = None if pace.count is None else pace.count / max(pace.period, 1e-9)
            assert pace.refuse(now, now + 0.001, None) >= 0.0
            if before is not None:
                assert (pace.count or 0) / max(pace.period, 1e-9) <= before * 1.001
        elif outcome == "withdraw":
            pace.withdraw(now)
        now += 0.002
    assert len(pace.starts) <= KEPT
    assert all(earlier <= later for earlier, later in pairwise(pace.starts))
    assert Pace(**json.loads(json.dumps(asdict(pace), allow_nan=False))) == pace
