"""The Content-Range header in both forms (service.md#upload-modes)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.protocol.content_range import ContentRange, PartOf, RangeOf, parse_content_range

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
    assert parse_content_range(header) == value


@given(content_ranges)
def test_a_header_reads_back_as_what_was_written(value: ContentRange) -> None:
    assert CONTRACT_FORM.fullmatch(value.header)
    assert parse_content_range(value.header) == value


near_headers = st.from_regex(CONTRACT_FORM, fullmatch=True) | st.lists(
    st.sampled_from(
        ["bytes", "part", " ", "-", "/", "*", "0", "17", "٣", "\n", "%20", "+1", "Bytes", ""]
    ),
    max_size=8,
).map("".join)


@given(near_headers)
def test_exactly_the_contracts_form_is_read(header: str) -> None:
    """service.md#content-range: the expression of the specification, ASCII digits, nothing before or after."""
    if CONTRACT_FORM.fullmatch(header):
        assert (
            re.sub(r"\d+", lambda digits: str(int(digits[0])), header)
            == parse_content_range(header).header
        )
    else:
        with pytest.raises(ValueError, match=r"^not a Content-Range of an upload: "):
            parse_content_range(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes 0-1",
        "bytes 0-5242879",
        "bytes 1-2/3 ",
        "bytes 1-2/3\n",
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
    with pytest.raises(ValueError, match=r"^not a Content-Range of an upload: "):
        parse_content_range(header)


def test_order_of_the_numbers_is_not_judged_here() -> None:
    """service.md#upload-errors: from above to is the server's error, of its own slug; the emulator needs to read it."""
    assert parse_content_range("bytes 200-100/5000") == RangeOf(200, 100, 5000)
