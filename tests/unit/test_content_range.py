"""The Content-Range header in both forms (service.md#upload-modes)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.emulator.rules import ranges
from apivideo_async.emulator.rules.problems import RefusedError
from apivideo_async.emulator.rules.ranges import Limits, parse_content_range
from apivideo_async.protocol.content_range import ContentRange, PartOf, RangeOf

CONTRACT_FORM = re.compile(r"(bytes [0-9]+-[0-9]+|part [0-9]+)/([0-9]+|\*)")

numbers = st.integers(min_value=0, max_value=10**18)
totals = st.none() | numbers
content_ranges = st.builds(RangeOf, numbers, numbers, totals) | st.builds(PartOf, numbers, totals)


@pytest.mark.parametrize(
    ("value", "header"),
    [
        pytest.param(RangeOf(0, 5_242_879, 10_485_760), "bytes 0-5242879/10485760", id="bytes"),
        pytest.param(RangeOf(5, 9), "bytes 5-9/*", id="bytes, total unknown"),
        pytest.param(PartOf(2, 3), "part 2/3", id="part"),
        pytest.param(PartOf(2), "part 2/*", id="part, total unknown"),
    ],
)
def test_headers_look_as_in_the_contract(value: ContentRange, header: str) -> None:
    """service.md#upload-modes, service.md#multipart-bodies."""
    assert value.header == header


@given(content_ranges)
def test_a_header_has_the_form_of_the_specification(value: ContentRange) -> None:
    """service.md#content-range."""
    assert CONTRACT_FORM.fullmatch(value.header)


@given(st.integers(0, 99), st.integers(0, 49), st.sampled_from([None, 200]))
def test_the_emulator_reads_what_was_written(first: int, more: int, total: int | None) -> None:
    limits = Limits(min_chunk=1, max_chunk=50)
    sent = parse_content_range(RangeOf(first, first + more, total).header, limits)
    assert sent == ranges.ContentRange("bytes", first, first + more + 1, total)
    part = parse_content_range(PartOf(first + 1, total).header, limits)
    assert part == ranges.ContentRange("parts", first, first + 1, total)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes 0-1",
        "bytes 0-5242879",
        "part 1/2/3",
        "part -1/3",
        "part 1-2/3",
        "bytes 1/3",
        "Content-Range: bytes 200-100/5000",
        "part%201%2F3",
        "part ١/٣",  # noqa: RUF001
    ],
)
def test_what_the_guides_got_wrong_is_refused(header: str) -> None:
    """service.md#faulty-examples lists the slips of the official pages."""
    assert not CONTRACT_FORM.fullmatch(header)
    with pytest.raises(RefusedError):
        parse_content_range(header, Limits())
