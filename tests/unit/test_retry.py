"""Whether and when a failed attempt is repeated.

See service.md#lost-responses, service.md#repeated-requests.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.config import RetryPolicy
from apivideo_async.errors import (
    ApiConnectionError,
    ApiResponseError,
    ApiTimeoutError,
    ApiVideoError,
    BadRequestError,
    ConfigurationError,
    RateLimitError,
    ServerError,
)
from apivideo_async.protocol.retry import Attempts, backoff, may_repeat, settle_delays

POLICY = RetryPolicy(attempts=3, seconds=100.0, first_delay=1.0, longest_delay=10.0)
LIMITED = RateLimitError("text", status=429)
FAILED = ServerError("text", status=503)
LOST = ApiConnectionError("text")
NOT_SENT = ApiConnectionError("text", delivery="not_sent")

policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 10),
    seconds=st.floats(1, 1000),
    first_delay=st.floats(0.01, 10),
    longest_delay=st.floats(0.01, 100),
)


def test_an_outdated_query_is_repeated_for_30_s_by_default() -> None:
    assert list(settle_delays(RetryPolicy().settle)) == [0.5, 1, 2, 4, 7.5, 7.5, 7.5]


@given(st.floats(0, 1000))
def test_the_repetitions_of_a_query_take_settle_seconds(settle: float) -> None:
    delays = list(settle_delays(settle))
    assert sum(delays) == pytest.approx(settle, abs=1e-5)
    assert len(delays) <= 20
    # Only the last delay may be shorter, because it is the rest.
    assert delays[:-1] == sorted(delays[:-1])


@pytest.mark.parametrize("settle", [-1.0, float("inf"), float("nan")])
def test_settle_is_a_finite_number_of_seconds(settle: float) -> None:
    with pytest.raises(ConfigurationError, match="settle"):
        RetryPolicy(settle=settle)


@pytest.mark.parametrize(
    ("error", "repeatable", "expected"),
    [
        pytest.param(LIMITED, False, True, id="429 was not executed: even a POST"),
        pytest.param(LIMITED, True, True, id="429, GET"),
        pytest.param(FAILED, True, True, id="5xx, GET"),
        pytest.param(FAILED, False, False, id="5xx, POST: it may have been executed"),
        pytest.param(LOST, True, True, id="answer lost, GET"),
        pytest.param(LOST, False, False, id="answer lost, POST"),
        pytest.param(NOT_SENT, False, True, id="never left, POST"),
        pytest.param(
            ApiTimeoutError("text", delivery="not_sent"),
            False,
            True,
            id="no connection in time, POST",
        ),
        pytest.param(ApiResponseError("text", status=200), True, True, id="cut answer, GET"),
        pytest.param(ApiResponseError("text", status=200), False, False, id="cut answer, POST"),
        pytest.param(BadRequestError("text", status=400), True, False, id="400 is final"),
        pytest.param(
            ConfigurationError("text"), True, False, id="nothing was sent, nothing changes"
        ),
    ],
)
def test_only_harmless_repeats_that_may_help(
    error: ApiVideoError, repeatable: bool, expected: bool
) -> None:
    assert may_repeat(error, repeatable=repeatable) is expected


@pytest.mark.parametrize(
    ("failures", "random", "seconds"),
    [
        pytest.param(1, 0.0, 0.5, id="first, shortest"),
        pytest.param(1, 1.0, 1.0, id="first, longest"),
        pytest.param(2, 1.0, 2.0, id="doubles"),
        pytest.param(4, 0.5, 6.0, id="in the middle of its half"),
        pytest.param(5, 1.0, 10.0, id="never above the longest"),
        pytest.param(10**6, 1.0, 10.0, id="never overflows"),
    ],
)
def test_waits_double_up_to_the_longest(failures: int, random: float, seconds: float) -> None:
    assert backoff(POLICY, failures, random) == seconds


@given(policies, st.integers(1, 60), st.floats(0, 1))
def test_a_wait_is_at_least_half_of_its_bound(
    policy: RetryPolicy, failures: int, random: float
) -> None:
    bound = min(policy.longest_delay, policy.first_delay * 2 ** (failures - 1))
    assert bound / 2 <= backoff(policy, failures, random) <= bound
    assert backoff(policy, failures, random) <= backoff(policy, failures + 1, random)


def test_a_failure_is_counted_and_a_429_is_not() -> None:
    """service.md#too-many-requests: a 429 was not executed, it waits for its window."""
    assert Attempts().after(FAILED, 5.0) == Attempts(1, 5.0)
    assert Attempts().after(FAILED, 5.0).after(FAILED, 9.0) == Attempts(2, 5.0)
    assert Attempts().after(FAILED, 5.0).after(LIMITED, 9.0) == Attempts(1, 5.0)
    assert Attempts().after(LIMITED, 5.0) == Attempts(0, 5.0)


def test_the_time_of_the_budget_begins_with_the_first_failure() -> None:
    """A chunk that took ten minutes and then failed is repeated like any other."""
    assert Attempts().delay(POLICY, 10**9, 1.0) == 0.0
    assert Attempts().after(FAILED, 10**9).delay(POLICY, 10**9, 1.0) == 1.0


@pytest.mark.parametrize(
    ("failures", "now", "expected"),
    [
        pytest.param(0, 0.0, 0.0, id="after a 429 at once: the limiter waits"),
        pytest.param(1, 0.0, 1.0, id="after one failure"),
        pytest.param(2, 0.0, 2.0, id="after two"),
        pytest.param(3, 0.0, None, id="attempts spent"),
        pytest.param(1, 99.0, 1.0, id="the last moment"),
        pytest.param(1, 99.1, None, id="the wait would end too late"),
        pytest.param(0, 100.5, None, id="time spent on 429s counts"),
    ],
)
def test_the_budget_ends_with_the_attempts_or_the_time(
    failures: int, now: float, expected: float | None
) -> None:
    assert Attempts(failures, 1000.0).delay(POLICY, 1000.0 + now, 1.0) == expected


@given(policies, st.lists(st.floats(0, 1), min_size=10, max_size=10))
def test_a_call_that_always_fails_ends_within_its_budget(
    policy: RetryPolicy, randoms: list[float]
) -> None:
    attempts, now, tries = Attempts(), 0.0, 0
    for random in randoms:
        tries += 1
        attempts = attempts.after(FAILED, now)
        wait = attempts.delay(policy, now, random)
        if wait is None:
            break
        now += wait
    assert tries <= policy.attempts
    assert now <= policy.seconds


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(FAILED, "2 failed attempts, the last: status 503", id="status"),
        pytest.param(LOST, "2 failed attempts, the last: no response", id="no answer"),
        pytest.param(
            ApiResponseError("text", status=200),
            "2 failed attempts, the last: no response",
            id="cut answer",
        ),
    ],
)
def test_the_final_error_describes_the_attempts(error: ApiVideoError, text: str) -> None:
    assert Attempts(2, 0.0).describe(error, 9.0) == text


def test_the_final_error_of_an_outage_names_its_duration() -> None:
    attempts = Attempts().after(FAILED, 1.0).after(LOST, 3.0).after(NOT_SENT, 9.0)
    assert attempts.describe(NOT_SENT, 14.4) == "no response for 11 s"


@pytest.mark.parametrize(
    ("seconds", "wait"),
    [("30", 30.0), ("0.1", 1.0), ("86400", 120.0)],
    ids=["longer", "shorter", "a day"],
)
def test_a_response_may_ask_for_a_longer_wait(seconds: str, wait: float) -> None:
    """The standard ``Retry-After``, two minutes at most (service.md#rate-limit-headers)."""
    policy = RetryPolicy(first_delay=1.0, longest_delay=10.0)
    error = ServerError("text", status=503, headers={"retry-after": seconds})
    attempts = Attempts().after(error, 0.0)
    assert attempts.delay(policy, 0.0, 1.0) == wait
    assert attempts.after(FAILED, 0.0).delay(policy, 0.0, 1.0) == 2.0, "of the last response only"


def test_the_limiter_waits_after_a_429_and_not_the_retry() -> None:
    error = RateLimitError("text", status=429, headers={"retry-after": "30"})
    assert Attempts().after(error, 0.0).delay(POLICY, 0.0, 1.0) == 0.0


PATIENT = RetryPolicy(
    attempts=2, seconds=1000.0, first_delay=1.0, longest_delay=20.0, outage=300.0, call_outage=60.0
)


@pytest.mark.parametrize("error", [LOST, NOT_SENT, ApiTimeoutError("text")])
@pytest.mark.parametrize(("limit", "seconds"), [(None, 60.0), (300.0, 300.0)])
def test_a_failure_without_a_response_uses_time_and_no_attempt(
    error: ApiConnectionError, limit: float | None, seconds: float
) -> None:
    attempts, now = Attempts(), 0.0
    while True:
        attempts = attempts.after(error, now)
        wait = attempts.delay(PATIENT, now, 1.0, limit)
        if wait is None:
            break
        assert wait <= 5.0, "the call must continue soon after the outage"
        now += wait
    assert attempts.failures == 0
    assert seconds - 5.0 <= now <= seconds


def test_a_response_ends_an_outage() -> None:
    attempts = Attempts().after(LOST, 0.0).after(FAILED, 55.0)
    assert attempts.after(LOST, 59.0).delay(PATIENT, 110.0, 1.0) == 1.0
    assert attempts.after(LOST, 59.0).delay(PATIENT, 119.0, 1.0) is None


def test_a_lost_request_can_count_as_an_attempt() -> None:
    """The status was read after it, so the server responds."""
    attempts = Attempts().after(LOST, 0.0, counts=True).after(LOST, 1.0, counts=True)
    assert attempts == Attempts(2, 0.0)
    assert attempts.delay(PATIENT, 1.0, 1.0) is None


def test_an_outage_is_part_of_the_time_of_a_call() -> None:
    policy = RetryPolicy(seconds=10.0)
    assert Attempts().after(LOST, 0.0).delay(policy, 9.5, 1.0) == 0.4
    assert Attempts().after(LOST, 0.0).delay(policy, 9.7, 1.0) is None


def test_a_single_attempt_is_not_repeated_in_an_outage() -> None:
    assert Attempts().after(NOT_SENT, 0.0).delay(RetryPolicy(attempts=1), 0.0, 1.0) is None
