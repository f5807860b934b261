"""The arithmetic of progress: sent and accepted are never mixed (docs/design.md §4)."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.uploads.ledger import ChunkState
from apivideo_async.uploads.progress import RATE_WINDOW, Meter, UploadProgress

PROGRESS = UploadProgress(
    video_id="vi1",
    bytes_total=200,
    bytes_sent=150,
    bytes_accepted=50,
    rate=10.0,
    eta=5.0,
    elapsed=15.0,
    chunks={ChunkState.ACCEPTED: 1},
)


@pytest.mark.parametrize(
    ("total", "accepted", "fraction", "finished"),
    [
        pytest.param(200, 0, 0.0, False, id="begun"),
        pytest.param(200, 50, 0.25, False, id="under way: what was sent does not count"),
        pytest.param(200, 200, 1.0, True, id="finished"),
        pytest.param(None, 50, None, False, id="a stream without an end yet"),
        pytest.param(0, 0, None, True, id="nothing to send"),
    ],
)
def test_only_accepted_bytes_are_progress(
    total: Any, accepted: int, fraction: float | None, finished: bool
) -> None:
    progress = attrs.evolve(PROGRESS, bytes_total=total, bytes_accepted=accepted)
    assert (progress.fraction, progress.finished) == (fraction, finished)


def test_before_anything_is_sent_there_is_no_rate() -> None:
    meter = Meter(100.0, received=500)
    assert (meter.sent, meter.rate(100.0), meter.rate(101.0), meter.eta(101.0, 1000)) == (
        500,
        0.0,
        0.0,
        None,
    )


def test_received_bytes_say_nothing_about_the_rate() -> None:
    meter = Meter(100.0, received=500)
    meter.add(100, 102.0)
    assert (meter.sent, meter.rate(102.0)) == (600, 50.0)


def test_skipped_bytes_say_nothing_about_the_rate() -> None:
    """The beginning of a stream that the server has already is read, but not sent."""
    meter = Meter(0.0)
    meter.add(100, 1.0)
    meter.skip(1000)
    meter.add(100, 2.0)
    assert (meter.sent, meter.rate(2.0)) == (1200, 100.0)


def test_the_rate_is_taken_over_the_last_seconds() -> None:
    """A slow minute long ago does not count: 100 bytes per second, whatever was before."""
    meter = Meter(0.0)
    for second in range(1, 61):
        meter.add(1, float(second))
    for second in range(61, 81):
        meter.add(100, float(second))
    assert meter.rate(80.0) == 100.0


def test_the_last_seconds_are_at_least_five() -> None:
    """One byte per second for a minute, then a hundred: only the last five seconds count."""
    meter = Meter(0.0)
    for second in range(1, 67):
        meter.add(1 if second <= 60 else 100, float(second))
        if second == 65:
            assert meter.rate(65.0) == 501 / 6
    assert meter.rate(66.0) == 100.0


def test_the_rate_falls_while_nothing_moves() -> None:
    meter = Meter(0.0)
    meter.add(100, 1.0)
    assert (meter.rate(1.0), meter.rate(2.0), meter.rate(10.0)) == (100.0, 50.0, 10.0)


def test_many_small_counts_are_not_kept_one_by_one() -> None:
    """One sample each tenth of a second; memory does not grow with the number of blocks."""
    meter = Meter(0.0)
    for block in range(100_000):
        meter.add(1, block / 10_000)
    assert meter.sent == 100_000
    assert len(meter._samples) <= RATE_WINDOW * 10 + 3
    assert meter.rate(10.0) == pytest.approx(10_000, rel=0.01)


def test_bytes_of_a_failed_attempt_are_taken_back() -> None:
    """They must go out again."""
    meter = Meter(0.0)
    meter.add(100, 1.0)
    meter.add(-40, 1.0)
    assert (meter.sent, meter.rate(1.0)) == (60, 60.0)


def test_the_rate_is_never_negative() -> None:
    meter = Meter(0.0)
    for second in range(1, 10):
        meter.add(100, float(second))
    meter.add(-900, 9.0)
    assert (meter.sent, meter.rate(9.0), meter.eta(9.0, 1000)) == (0, 0.0, None)


@pytest.mark.parametrize(
    ("total", "eta"),
    [
        pytest.param(None, None, id="end unknown"),
        pytest.param(150, 1.0, id="50 bytes at 50 per second"),
        pytest.param(100, None, id="all sent"),
        pytest.param(60, None, id="more sent than there is (a repeat)"),
    ],
)
def test_the_remaining_time_is_what_is_left_at_this_rate(
    total: int | None, eta: float | None
) -> None:
    meter = Meter(0.0)
    meter.add(100, 2.0)
    assert meter.eta(2.0, total) == eta


@given(st.floats(1, 1e9), st.lists(st.floats(0.01, 30), min_size=1, max_size=60))
def test_at_a_steady_speed_the_rate_is_that_speed(speed: float, gaps: list[float]) -> None:
    """However often, and however rarely, something is counted."""
    meter, now = Meter(7.0), 7.0
    for gap in gaps:
        now += gap
        meter.add(round(speed * gap * 1000), now)
    assert meter.rate(now) == pytest.approx(speed * 1000, rel=0.01, abs=60)
