"""The rules by which answers become observations, without a service."""

from typing import Any

import pytest

from apivideo_async import ConfigurationError, ServiceProfile
from apivideo_async.conformance import CheckOptions
from apivideo_async.conformance.observations import (
    SENT_AGAIN,
    Findings,
    UndeterminedError,
    profile_of,
)
from apivideo_async.conformance.probes.chunks import response_style
from apivideo_async.conformance.probes.rates import Sample, bucket_or_window, header_style
from apivideo_async.conformance.service import Answer
from apivideo_async.conformance.watching import watch

ID, VIDEO = b'{"videoId": "vi1"}', b'{"videoId": "vi1", "title": "t"}'


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=names, body=body, sent=0, received=0)


def limits(limit: str = "40", remaining: str = "39", wait: str = "60") -> dict[str, str]:
    return {
        "x_ratelimit_limit": limit,
        "x_ratelimit_remaining": remaining,
        "x_ratelimit_retry_after": wait,
    }


@pytest.mark.parametrize(
    ("answers", "style"),
    [
        ([answer(**limits()), answer(**limits(remaining="38", wait="0"))], None),
        ([answer(), answer(429)], "absent"),
        ([answer(), answer(429, retry_after="3")], "standard"),
        ([answer(), answer(429, retry_after="Sat, 17 Mar 2030 17:46:40 GMT")], "standard-date"),
        ([answer(**limits(limit="-1"))], "unlimited"),
        ([answer(**limits(remaining="-1"))], "unlimited"),
        ([answer(**limits(wait="1900000000"))], "timestamp"),
        ([answer(**limits(wait="0")), answer(**limits(wait="0"))], "zero"),
        ([answer(x_ratelimit_limit="40", x_ratelimit_remaining="39")], "partial"),
        # A page of a gateway has no headers of the service.
        ([answer(**limits()), answer(), answer(502)], None),
    ],
)
def test_the_form_of_the_headers(answers: list[Answer], style: str | None) -> None:
    assert header_style(answers) == style


@pytest.mark.parametrize(
    ("first", "last", "style"),
    [
        (answer(201, ID), answer(201, VIDEO), None),
        (answer(308, ID), answer(201, VIDEO), "308"),
        (answer(204, b""), answer(204, b""), "204"),
        (answer(202, ID), answer(202, VIDEO), "202"),
        (answer(201, b"{}"), answer(201, b"{}"), "empty"),
        (answer(201, VIDEO), answer(201, VIDEO), "full"),
        (answer(201, ID), answer(201, ID), "id"),
    ],
)
def test_the_form_of_the_responses(first: Answer, last: Answer, style: str | None) -> None:
    assert response_style(first, last) == style


def samples(*counted: int) -> list[Sample]:
    return [Sample(100, 100 - number, 1.0) for number in counted]


@pytest.mark.parametrize(
    ("counted", "whole_seconds", "kind"),
    [
        # A window that ends every fourth sample.
        ((7, 8, 9, 1, 2, 3, 4, 1, 2, 3, 4, 1), False, None),
        ((7, 8, 9, 1, 2, 3, 4, 1, 2, 3, 4, 1), True, None),
        # A bucket that returns a request between two samples, or after every fourth.
        ((1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), True, "token-bucket"),
        ((7, 8, 9, 9, 10, 11, 12, 12, 13, 14, 15, 15), False, "token-bucket"),
        ((7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13), True, "token-bucket"),
        # A sliding window that counts four of these samples.
        ((20, 21, 22, 5, 4, 4, 4, 4, 4, 4, 4, 4), False, "sliding"),
    ],
)
def test_the_kind_of_a_short_window(
    counted: tuple[int, ...], whole_seconds: bool, kind: str | None
) -> None:
    assert bucket_or_window(samples(*counted), whole_seconds=whole_seconds) == kind


def test_a_window_in_which_nothing_returns_is_undetermined() -> None:
    with pytest.raises(UndeterminedError):
        bucket_or_window(samples(1, 2, 3, 4), whole_seconds=False)


def test_a_difference_is_kept_and_the_stricter_order_wins() -> None:
    findings = Findings()
    findings.differs("one-chunk-at-a-time", "Seen.", 409, chunk_order="sequential")
    findings.differs("first-chunk-first", "Seen.", 404, chunk_order="first_alone")
    findings.differs("status-delay", "Late.", "0.5")
    findings.agrees("status-delay", "At once.")
    findings.undetermined("status-delay", "no answer")
    findings.differs(SENT_AGAIN, "Accepted.")
    found = {one.quirk for one in findings if one.state == "differs"}
    assert found == {"one-chunk-at-a-time=409", "first-chunk-first=404", "status-delay=0.5", None}
    assert profile_of(findings) == ServiceProfile(chunk_order="sequential")


async def test_a_delay_is_measured_between_two_queries() -> None:
    results = iter([False, False, True])

    async def look() -> bool:
        return next(results)

    seen = await watch(look, 5)
    assert seen.absent is not None
    assert seen.seen is not None
    assert 0.04 < seen.absent < seen.seen
    assert (seen.at_once, seen.delay, seen.value) == (False, seen.seen, f"{seen.seen:.1f}")
    missing = await watch(lambda: look_never(), 0.05)
    assert (missing.seen, missing.value) == (None, None)
    assert "not within" in str(missing)


async def look_never() -> bool:
    return False


@pytest.mark.parametrize(
    "wrong", [{"settle": -1}, {"pause": 0}, {"window": float("inf")}, {"largest": -1}]
)
def test_options_that_cannot_be_used_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        CheckOptions(**wrong)
