"""The headers that tell when to send the next request (service.md#rate-limit-headers)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.rate_limit.headers import RateLimitHeaders, asked_wait, read_headers

NOW = 1_900_000_000.0
DATE = "Sat, 17 Mar 2030 17:46:40 GMT"
"""``NOW``."""
NAMES = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-retry-after", "retry-after")


def header_set(limit: str = "40", remaining: str = "39", retry_after: str = "60") -> dict[str, str]:
    return dict(zip(NAMES, (limit, remaining, retry_after), strict=False))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(header_set(), RateLimitHeaders(40, 39, 60.0), id="as documented"),
        pytest.param(
            header_set(remaining="0", retry_after="0.250"),
            RateLimitHeaders(40, 0, 0.25),
            id="fractions",
        ),
        pytest.param(
            header_set(limit="40.0"), RateLimitHeaders(40, 39, 60.0), id="numbers with a point"
        ),
        pytest.param(
            {**header_set(), "retry-after": "7"},
            RateLimitHeaders(40, 39, 60.0, 7.0),
            id="Retry-After is another header",
        ),
        pytest.param(
            header_set("-1", "-1", "0"),
            RateLimitHeaders(None, None, 0.0, quirk="rate-headers=unlimited"),
            id="no limit",
        ),
        pytest.param(
            header_set(limit="-1", remaining="5"),
            RateLimitHeaders(None, None, 60.0, quirk="rate-headers=unlimited"),
            id="a count without a limit",
        ),
        pytest.param({"retry-after": "7"}, RateLimitHeaders(standard=7.0), id="standard header"),
    ],
)
def test_the_headers_are_read(headers: dict[str, str], expected: RateLimitHeaders) -> None:
    assert read_headers(headers) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", "many", "nan", "inf", "-inf", "1e999", "40, 40", "\0"])
def test_a_header_that_makes_no_sense_is_missing_and_the_others_count(name: str, text: str) -> None:
    """A proxy may merge or cut headers."""
    headers = {**header_set(), "retry-after": "5"}
    without = {each: value for each, value in headers.items() if each != name}
    assert read_headers({**headers, name: text}) == read_headers(without)
    assert read_headers({name: text}) is None


@pytest.mark.parametrize("name", NAMES[2:])
def test_a_negative_wait_is_missing(name: str) -> None:
    assert read_headers({name: "-1"}) is None


@pytest.mark.parametrize("name", NAMES[2:])
@pytest.mark.parametrize(
    "text",
    ["1900000030", "1900000030.0", "1900000030000", "Sun, 17 Mar 2030 17:47:10 GMT"],
    ids=["Unix time", "fraction", "milliseconds", "HTTP date"],
)
def test_a_moment_is_compared_with_the_clock(name: str, text: str) -> None:
    """Seconds until 2001 would be more than 30 years."""
    read = read_headers({name: text}, NOW)
    assert read is not None
    assert read.wait == 30.0


def test_only_the_header_of_the_service_shows_the_quirk() -> None:
    read = read_headers({"x-ratelimit-retry-after": str(NOW)}, NOW)
    assert read == RateLimitHeaders(retry_after=0.001, quirk="rate-headers=timestamp")


@pytest.mark.parametrize(
    ("own", "wait"),
    [
        pytest.param(None, 30.0, id="no own clock"),
        pytest.param(NOW + 0.25, 29.75, id="the own clock is more exact"),
        pytest.param(NOW - 1.0, 30.0, id="a little slow"),
        pytest.param(NOW + 3.0, 29.0, id="a little fast, or the response was slow"),
        pytest.param(NOW + 500.0, 30.0, id="wrong"),
    ],
)
def test_the_clock_of_the_server_decides(own: float | None, wait: float) -> None:
    headers = {"date": "Sun, 17 Mar 2030 17:46:40 GMT", "retry-after": str(NOW + 30)}
    read = read_headers(headers, own)
    assert read is not None
    assert read.standard == wait


def test_a_date_without_a_zone_is_in_utc() -> None:
    read = read_headers({"retry-after": "Sun, 17 Mar 2030 17:47:10 -0000"}, NOW)
    assert read is not None
    assert read.standard == 30.0


def test_a_moment_without_any_clock_is_not_usable() -> None:
    assert read_headers({"retry-after": str(NOW)}) is None


def test_a_moment_that_has_passed_is_now() -> None:
    """And not 0, which some servers send with every response."""
    read = read_headers({"retry-after": str(NOW - 5)}, NOW)
    assert read is not None
    assert read.standard == 0.001


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"x-ratelimit-retry-after": "12", "retry-after": "5"}, 12.0),
        (429, {"x-ratelimit-retry-after": "12", "retry-after": "50"}, 50.0),
        (503, {"x-ratelimit-retry-after": "12", "retry-after": "5"}, 5.0),
        (503, {"x-ratelimit-retry-after": "12"}, None),
        (429, {}, None),
    ],
)
def test_the_wait_that_a_response_asks_for(
    status: int, headers: dict[str, str], wait: float | None
) -> None:
    """Responses other than 429 have ``X-RateLimit-Retry-After`` as well."""
    assert asked_wait(status, headers) == wait


@given(
    st.dictionaries(
        st.sampled_from([*NAMES, "date"]), st.text() | st.floats().map(str) | st.just(DATE)
    ),
    st.none() | st.floats(0, 1e11),
)
def test_whatever_the_headers_hold_the_numbers_are_usable(
    headers: dict[str, str], now: float | None
) -> None:
    read = read_headers(headers, now)
    if read is not None:
        assert read.limit is None or read.limit >= 0
        assert read.remaining is None or read.remaining >= 0
        assert read.retry_after is None or 0 <= read.retry_after < float("inf")
        assert read.wait is None or 0 <= read.wait < float("inf")
