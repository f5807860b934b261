"""The pure rules: ledger, windows, ranges, encoding, sessions.

See service.md#rate-limits, service.md#uploads, service.md#encoding-status,
service.md#private-sessions.
"""

import contextlib
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.emulator.rules import encoding
from apivideo_async.emulator.rules.identifiers import Identifiers
from apivideo_async.emulator.rules.problems import RefusedError
from apivideo_async.emulator.rules.ranges import (
    ContentRange,
    Limits,
    UnsatisfiableRangeError,
    parse_content_range,
    parse_range,
)
from apivideo_async.emulator.rules.rate_windows import (
    ROUNDING,
    UNREACHED,
    FixedWindow,
    RateLimiter,
    SlidingWindow,
    TokenBucket,
    Use,
    format_wait,
    parse_rate_limits,
)
from apivideo_async.emulator.rules.source_ledger import SourceLedger
from apivideo_async.emulator.state.credentials import SESSION_SECONDS, PrivateSessions

LIMITS = Limits(min_chunk=10, max_chunk=100)


def slug(error: pytest.ExceptionInfo[RefusedError]) -> str:
    return error.value.body["type"].rpartition("/")[2]


def test_default_limits_are_the_documented_ones():
    assert Limits() == Limits(5_242_880, 209_715_200, 10_000, 52_428_800_000)


@given(st.text())
def test_any_header_is_parsed_or_refused(value):
    with contextlib.suppress(RefusedError):
        chunk = parse_content_range(value, LIMITS)
        assert isinstance(chunk, ContentRange)


@given(st.integers(0, 10**7), st.integers(0, 99), st.integers(1, 10**7) | st.none())
def test_header_round_trip(first, more, beyond):
    last = first + more
    total = None if beyond is None else last + beyond
    text = f"bytes {first}-{last}/{'*' if total is None else total}"
    if total is not None and more + 1 < LIMITS.min_chunk and beyond != 1:
        with pytest.raises(RefusedError):
            parse_content_range(text, LIMITS)
    else:
        chunk = parse_content_range(text, LIMITS)
        assert chunk == ContentRange("bytes", first, last + 1, total)
        assert chunk.size == more + 1


def test_no_header():
    assert parse_content_range(None, LIMITS) is None
    assert parse_content_range(" part 3/* ", LIMITS) == ContentRange("parts", 2, 3, None)


@st.composite
def uploads(draw):
    """Chunk sizes, only the last of which may be small; an order; the requests with the total."""
    sizes = draw(st.lists(st.integers(10, 100), max_size=7))
    sizes.append(draw(st.integers(1, 100)))
    order = draw(st.permutations(range(len(sizes))))
    states_total = draw(st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes)))
    if not any(states_total):
        states_total[draw(st.integers(0, len(sizes) - 1))] = True
    return sizes, order, states_total


def chunk(sizes: list[int], index: int, states_total: bool, mode: str) -> ContentRange:
    if mode == "part":
        return ContentRange("parts", index, index + 1, len(sizes) if states_total else None)
    first = sum(sizes[:index])
    return ContentRange("bytes", first, first + sizes[index], sum(sizes) if states_total else None)


@given(uploads(), st.sampled_from(["part", "bytes"]), st.data())
def test_any_order_completes_exactly_with_the_last_missing_chunk(upload, mode, data):
    """A legal upload is never refused and completes once. A repeated chunk changes nothing.

    See service.md#upload-rules.
    """
    sizes, order, states_total = upload
    ledger = SourceLedger(LIMITS)
    sent: list[int] = []
    for index in order:
        request = chunk(sizes, index, states_total[index], mode)
        ledger.accept(request, sizes[index])
        sent.append(index)
        assert ledger.size == sum(sizes[earlier] for earlier in sent)
        total_known = any(states_total[earlier] for earlier in sent)
        assert ledger.complete == (len(sent) == len(sizes) and total_known)
        again = data.draw(st.sampled_from(sent))
        before = ledger.size
        with pytest.raises(RefusedError) as refused:
            ledger.accept(chunk(sizes, again, states_total[again], mode), sizes[again])
        expected = {"part": "part-already-sent", "bytes": "range-overlap"}[mode]
        assert slug(refused) == "video-source-already-uploaded" or slug(refused).endswith(expected)
        assert ledger.size == before
    assert ledger.complete


@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(1, 60), st.sampled_from([None, 100, 150, 200])),
        max_size=12,
    )
)
def test_accepted_ranges_never_overlap_and_fit_the_total(requests):
    """Accepted ranges are disjoint and inside the total, and only the last one may be small."""
    ledger = SourceLedger(LIMITS)
    for first, length, total in requests:
        try:
            header = f"bytes {first}-{first + length - 1}/{total or '*'}"
            ledger.accept(parse_content_range(header, LIMITS), length)
        except RefusedError:
            continue
    if ledger.chunks is None:
        return
    ranges, total = ledger.chunks.ranges, ledger.chunks.total
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(ranges))
    assert sum(end - start for start, end in ranges) == ledger.size
    last_end = ranges[-1][1] if total is None else total
    assert ranges[-1][1] <= last_end
    assert all(end - start >= 10 or end == last_end for start, end in ranges)
    assert ledger.complete == (total == ledger.size)


@given(
    st.lists(
        st.tuples(st.integers(1, 8), st.integers(1, 30), st.sampled_from([None, 3, 5])), max_size=12
    )
)
def test_accepted_parts_fit_the_total(requests):
    ledger = SourceLedger(LIMITS)
    sizes: dict[int, int] = {}
    for number, size, total in requests:
        try:
            position = ledger.accept(
                parse_content_range(f"part {number}/{total or '*'}", LIMITS), size
            )
        except RefusedError:
            continue
        assert position == number - 1
        assert number not in sizes
        sizes[number] = size
    if ledger.chunks is None:
        return
    total = ledger.chunks.total
    assert ledger.chunks.ranges == [(number - 1, number) for number in sorted(sizes)]
    assert ledger.size == sum(sizes.values())
    last = max(sizes) if total is None else total
    assert max(sizes) <= last
    assert all(size >= 10 or number == last for number, size in sizes.items())
    assert ledger.complete == (total == len(sizes))


def test_modes_are_never_mixed():
    ledger = SourceLedger(LIMITS)
    assert not ledger.started
    ledger.accept(ContentRange("parts", 0, 1, 2), 10)
    for request, expected in (
        (None, "video-content-range-already-initiated"),
        (ContentRange("bytes", 0, 10, 20), "video-content-range-started-with-part"),
    ):
        with pytest.raises(RefusedError) as refused:
            ledger.accept(request, 10)
        assert slug(refused) == expected


@given(st.integers(1, 5), st.lists(st.floats(0, 3), max_size=40))
def test_a_window_admits_its_limit_and_no_more(limit, pauses):
    """No window admits more than its limit. The wait in the headers is always sufficient."""
    window, now, admitted, ends = FixedWindow(limit, 5.0), 0.0, 0, -1.0
    for pause in pauses:
        now += pause
        if now >= ends - ROUNDING:
            admitted, ends = 0, now + 5.0
        verdict = window.take(now)
        admitted += verdict.allowed
        assert admitted <= limit
        assert verdict.remaining == limit - admitted
        assert verdict.allowed or admitted == limit
        assert verdict.resets_in == pytest.approx(ends - now)
        if not verdict.allowed:
            headers = verdict.headers()
            now += float(headers["X-RateLimit-Retry-After"])
            assert window.take(now).allowed
            admitted, ends = 1, now + 5.0


@pytest.mark.parametrize(
    ("seconds", "window", "text"),
    [(59.01, 60, "60"), (60.0, 60, "60"), (0.2, 10, "1"), (0.2, 1, "0.200"), (0.0001, 1, "0.001")],
)
def test_waits_are_never_too_short(seconds, window, text):
    assert format_wait(seconds, window) == text


def test_a_class_without_a_limit_has_one_that_is_never_reached():
    verdict = RateLimiter(parse_rate_limits("off"), 60).take("reads", 0)
    assert (verdict.allowed, verdict.limit, verdict.remaining) == (True, UNREACHED, UNREACHED - 1)
    partial = RateLimiter(parse_rate_limits({"reads": 1}), 60)
    assert partial.take("writes", 0).limit == UNREACHED
    assert partial.take("reads", 0).limit == 1


def test_the_use_of_a_class_is_forgotten_when_its_window_ends():
    limiter = RateLimiter({"reads": 2}, 60)
    assert limiter.use("reads", 0.0) == Use()
    for _ in range(3):
        limiter.take("reads", 0.0)
    assert limiter.use("reads", 59.5) == Use(remaining=0, resets_in=1, refused=1)
    assert limiter.use("reads", 60.0) == Use(remaining=2, resets_in=None, refused=1)


@given(st.integers(1, 5), st.lists(st.floats(0, 3), max_size=40))
def test_a_sliding_window_admits_its_limit_in_any_window_of_its_length(limit, pauses):
    """The wait after a refusal is sufficient, and it is not longer than necessary."""
    window, now, admitted = SlidingWindow(limit, 5.0), 0.0, []
    for pause in pauses:
        now += pause
        verdict = window.take(now)
        if not verdict.allowed:
            assert not window.take(now + verdict.resets_in - 0.001).allowed
            now += verdict.resets_in
            verdict = window.take(now)
        assert verdict.allowed
        admitted.append(now)
        in_window = [moment for moment in admitted if now - moment < 5.0 - ROUNDING]
        assert len(in_window) <= limit
        assert verdict.remaining == limit - len(in_window)


@given(st.integers(1, 5), st.lists(st.floats(0, 3), max_size=40))
def test_a_token_bucket_admits_its_limit_and_what_is_refilled(limit, pauses):
    bucket, now, start = TokenBucket(limit, 5.0), 0.0, None
    for count, pause in enumerate(pauses, 1):
        now += pause
        start = now if start is None else start
        verdict = bucket.take(now)
        if not verdict.allowed:
            now += verdict.resets_in
            verdict = bucket.take(now)
        assert verdict.allowed
        assert count <= limit + (now - start) * limit / 5.0 + 0.001


@pytest.mark.parametrize("kind", ["sliding", "token-bucket"])
def test_a_limit_of_zero_admits_nothing(kind):
    verdict = RateLimiter({"reads": 0}, 60).take("reads", 0, kind)
    assert (verdict.allowed, verdict.remaining, verdict.resets_in) == (False, 0, 60)


@given(
    st.none() | st.text() | st.from_regex(r"bytes=[0-9]{0,4}-[0-9]{0,4}", fullmatch=True),
    st.integers(0, 2000),
)
def test_ranges_lie_inside_the_media(value, size):
    try:
        chosen = parse_range(value, size)
    except UnsatisfiableRangeError:
        return
    if chosen is not None:
        start, stop = chosen
        assert 0 <= start < stop <= size


def test_encoding_paces():
    immediate = encoding.parse_pace("immediate")
    assert immediate.progress(0, 0) == math.inf
    assert encoding.parse_pace("polls:0").progress(0, 0) == math.inf
    assert encoding.parse_pace(2).progress(1, 9) == 0.5
    assert encoding.parse_pace("polls:4").progress(99, 1) == 0.25
    with pytest.raises(ValueError, match="encoding"):
        encoding.parse_pace("inf")


@given(st.floats(0, 3))
def test_playable_with_the_first_quality(progress):
    states = [quality["status"] for quality in encoding.qualities(progress)]
    assert encoding.playable(progress) == ("encoded" in states)
    order = ["encoded", "encoding", "waiting"]
    assert states == sorted(states, key=order.index)
    assert states.count("encoding") <= 1


def test_sessions_expire():
    access = PrivateSessions(Identifiers(0))
    token = access.new_token("vi1")
    assert access.open_session("vi2", token, 0.0) is None
    session = access.open_session("vi1", token, 0.0)
    assert access.authorize("vi1", token, session, SESSION_SECONDS - 1) == session
    assert access.authorize("vi1", token, session, SESSION_SECONDS) is None
    assert access.authorize("vi1", "unknown", session, 1.0) is None
    assert access.authorize("vi2", token, session, 1.0) is None
    assert access.authorize("vi1", token, None, 1.0) is None
