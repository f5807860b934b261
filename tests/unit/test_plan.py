"""Sizes to chunks: a fresh plan, and the rest of an interrupted upload.

See service.md#upload-modes, service.md#upload-rules, service.md#resuming.
"""

import itertools
import math
from collections.abc import Iterable
from typing import Any

import attrs
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from apivideo_async.config import MIB, Mode, UploadLimits, UploadOptions
from apivideo_async.errors import SourceError, UploadError
from apivideo_async.protocol.content_range import PartOf, RangeOf
from apivideo_async.uploads.ledger import Ledger
from apivideo_async.uploads.plan import (
    LARGEST_AUTOMATIC,
    LARGEST_FOR_BUDGET,
    Chunk,
    Plan,
    Received,
    check_total,
    choose_chunk_size,
    gaps,
    make_plan,
    merge,
    most_buffered,
    most_in_flight,
    plan_rest,
    stream_chunk_size,
)

REAL = UploadLimits()
SMALL = UploadLimits(smallest_chunk=5, largest_chunk=200)
"""The protocol with bytes for mebibytes."""

concurrencies = st.integers(1, 64)
modes: st.SearchStrategy[Mode | None] = st.sampled_from(["bytes", "part", None])


@st.composite
def real_uploads(draw: st.DrawFn) -> tuple[int, UploadOptions]:
    total = draw(st.integers(1, REAL.largest_total) | st.integers(1, 400 * MIB))
    smallest = max(REAL.smallest_chunk, -(-total // REAL.most_parts))
    size = draw(st.none() | st.integers(smallest, REAL.largest_chunk))
    mode = draw(modes)
    return total, UploadOptions(chunk_size=size, concurrency=draw(concurrencies), mode=mode)


@st.composite
def scaled_uploads(draw: st.DrawFn) -> tuple[int, UploadOptions]:
    smallest = draw(st.integers(1, 50))
    limits = UploadLimits(
        smallest_chunk=smallest,
        largest_chunk=draw(st.integers(2 * smallest, 40 * smallest)),
        largest_total=5_000,
    )
    size = draw(st.none() | st.integers(smallest, limits.largest_chunk))
    mode = draw(modes)
    options = UploadOptions(
        chunk_size=size, concurrency=draw(concurrencies), mode=mode, limits=limits
    )
    return draw(st.integers(1, 5_000)), options


uploads = real_uploads() | scaled_uploads()


# -- a fresh plan


@given(uploads)
def test_chunks_tile_the_file_exactly(upload: tuple[int, UploadOptions]) -> None:
    total, options = upload
    plan = make_plan(total, options)
    position = 0
    for number, chunk in enumerate(plan.chunks, 1):
        assert (chunk.number, chunk.start) == (number, position)
        assert chunk.size > 0
        position = chunk.stop
    assert position == total
    assert (plan.total, plan.parts, plan.received_bytes) == (total, len(plan.chunks), 0)


@given(uploads)
def test_every_chunk_is_within_the_limits(upload: tuple[int, UploadOptions]) -> None:
    """service.md#upload-modes: at most 10,000 chunks of 5 to 200 MiB, the last may be smaller."""
    total, options = upload
    plan = make_plan(total, options)
    assert len(plan.chunks) <= options.limits.most_parts
    assert all(chunk.size == plan.chunk_size for chunk in plan.chunks[:-1])
    assert plan.chunks[-1].size <= plan.chunk_size <= max(options.limits.largest_chunk, 1)
    assert len(plan.chunks) == 1 or plan.chunk_size >= options.limits.smallest_chunk


@given(uploads)
def test_one_chunk_goes_as_one_plain_request(upload: tuple[int, UploadOptions]) -> None:
    """design.md §4 rule 1; ranges unless asked otherwise (rule 2)."""
    total, options = upload
    plan = make_plan(total, options)
    assert plan.mode == ("whole" if len(plan.chunks) == 1 else options.mode or "bytes")


@given(uploads)
def test_a_chunk_size_that_was_asked_for_is_taken(upload: tuple[int, UploadOptions]) -> None:
    total, options = upload
    assume(options.chunk_size is not None)
    assert make_plan(total, options).chunk_size == options.chunk_size


@given(st.integers(1, REAL.largest_total) | st.integers(1, 3_000 * MIB), concurrencies)
def test_the_number_of_chunks_is_a_multiple_of_the_concurrency(
    total: int, concurrency: int
) -> None:
    """Chunks have at least 5 MiB; with requests to spare, they are equal and at most 64 MiB."""
    plan = make_plan(total, UploadOptions(concurrency=concurrency), spare=10_000)
    count = len(plan.chunks)
    multiple = math.ceil(count / concurrency) * concurrency
    assert count == multiple or multiple * REAL.smallest_chunk > total
    assert plan.chunk_size - plan.chunks[-1].size < count
    assert plan.chunk_size <= LARGEST_AUTOMATIC


@pytest.mark.parametrize(
    ("total", "concurrency", "sizes"),
    [
        pytest.param(1, 4, [1], id="one byte"),
        pytest.param(5 * MIB, 4, [5 * MIB], id="5 MiB"),
        pytest.param(10 * MIB - 1, 4, [10 * MIB - 1], id="two chunks would be too small"),
        pytest.param(10 * MIB, 4, [5 * MIB] * 2, id="two of the smallest"),
        pytest.param(20 * MIB, 4, [5 * MIB] * 4, id="one for each worker"),
        pytest.param(256 * MIB, 4, [64 * MIB] * 4, id="four of the usual largest"),
        pytest.param(256 * MIB + 4, 4, [32 * MIB + 1] * 7 + [32 * MIB - 3], id="one more round"),
        pytest.param(100 * MIB, 1, [50 * MIB] * 2, id="one worker"),
    ],
)
def test_chunks_by_example(total: int, concurrency: int, sizes: list[int]) -> None:
    plan = make_plan(total, UploadOptions(concurrency=concurrency))
    assert [chunk.size for chunk in plan.chunks] == sizes


@pytest.mark.parametrize(
    ("total", "most", "sizes"),
    [
        pytest.param(20 * MIB, 16, [5 * MIB] * 4, id="as for four"),
        pytest.param(127 * MIB, 16, [127 * MIB // 4] * 4, id="for eight, chunks would be small"),
        pytest.param(128 * MIB, 16, [16 * MIB] * 8, id="for eight"),
        pytest.param(256 * MIB, 16, [16 * MIB] * 16, id="for sixteen"),
        pytest.param(4096 * MIB, 16, [64 * MIB] * 64, id="a multiple of every width"),
        pytest.param(256 * MIB, 10, [32 * MIB] * 8, id="sixteen will not be"),
        pytest.param(30 * MIB, 3, [10 * MIB] * 3, id="four will not be"),
    ],
)
def test_chunks_for_a_concurrency_that_is_still_to_be_found(
    total: int, most: int, sizes: list[int]
) -> None:
    plan = make_plan(total, UploadOptions(concurrency="auto", max_concurrency=most))
    assert [chunk.size for chunk in plan.chunks] == sizes


@pytest.mark.parametrize(
    ("total", "spare", "count"),
    [
        pytest.param(
            6400 * MIB, 100, 100, id="the most of 64 MiB that production allows in a minute"
        ),
        pytest.param(6401 * MIB, 100, 100, id="one byte a request more"),
        pytest.param(30_720 * MIB, 100, 240, id="30 GiB take 128 MiB chunks"),
        pytest.param(256 * MIB, 100, 16, id="plenty"),
        pytest.param(256 * MIB, 5, 5, id="as many as there are"),
        pytest.param(256 * MIB, 0, 2, id="none: chunks of 128 MiB"),
        pytest.param(20 * MIB, 0, 1, id="none: one request"),
        pytest.param(1, 0, 1, id="one byte"),
    ],
)
def test_a_scarce_budget_makes_larger_chunks(total: int, spare: int, count: int) -> None:
    """The limit counts requests, not bytes."""
    assert len(make_plan(total, UploadOptions(), spare).chunks) == count
    assert len(plan_rest(total, UploadOptions(), Received(), spare).chunks) == count


@given(uploads, st.integers(0, 200))
def test_a_budget_never_makes_more_chunks_nor_forbidden_ones(
    upload: tuple[int, UploadOptions], spare: int
) -> None:
    total, options = upload
    plan = make_plan(total, options, spare)
    assert len(plan.chunks) <= len(make_plan(total, options, 10_000).chunks)
    limits = options.limits
    assert plan.chunk_size <= max(
        options.chunk_size or 0, min(LARGEST_FOR_BUDGET, limits.largest_chunk)
    )
    assert all(chunk.size >= limits.smallest_chunk for chunk in plan.chunks[:-1])


def test_what_a_budget_leaves_of_an_interrupted_upload_is_cut_larger() -> None:
    held = Received("bytes", ((0, 64 * MIB),), total=576 * MIB)
    assert [
        len(plan_rest(576 * MIB, UploadOptions(), held, spare).chunks) for spare in (100, 0)
    ] == [15, 5]


@pytest.mark.parametrize(
    ("options", "chunk", "flying"),
    [
        pytest.param(UploadOptions(), 16 * MIB, 4, id="80 MiB by default"),
        pytest.param(UploadOptions(concurrency=9), 8 * MIB, 9, id="more at once, smaller chunks"),
        pytest.param(UploadOptions(concurrency=31), 5 * MIB, 31, id="never below what is allowed"),
        pytest.param(
            UploadOptions(concurrency=1, memory=1024 * MIB), 64 * MIB, 1, id="never above the usual"
        ),
        pytest.param(
            UploadOptions(memory=272 * MIB), 272 * MIB // 5, 4, id="more memory, larger chunks"
        ),
        pytest.param(
            UploadOptions(memory=272 * MIB, chunk_size=16 * MIB), 16 * MIB, 16, id="or more of them"
        ),
        pytest.param(
            UploadOptions(chunk_size=64 * MIB), 64 * MIB, 1, id="a large chunk leaves room for one"
        ),
        pytest.param(
            UploadOptions(chunk_size=64 * MIB, concurrency=4),
            64 * MIB,
            4,
            id="unless told otherwise",
        ),
        pytest.param(UploadOptions(max_concurrency=2, memory=24 * MIB), 8 * MIB, 2, id="fewer"),
        pytest.param(UploadOptions(spool=True), 64 * MIB, 16, id="on disk there is room"),
    ],
)
def test_chunks_of_a_stream_fit_the_memory(options: UploadOptions, chunk: int, flying: int) -> None:
    assert (stream_chunk_size(options), most_buffered(options, chunk)) == (chunk, flying)


def test_the_most_in_flight_is_the_number_or_the_bound() -> None:
    assert [most_in_flight(UploadOptions()), most_in_flight(UploadOptions(concurrency=3))] == [
        16,
        3,
    ]


def test_the_largest_file_of_the_protocol_fits_in_10_000_smallest_chunks() -> None:
    """service.md#upload-size-limit."""
    plan = make_plan(52_428_800_000, UploadOptions(chunk_size=5 * MIB))
    assert (len(plan.chunks), plan.chunks[-1].size) == (10_000, 5 * MIB)


@pytest.mark.parametrize(
    "plan", [make_plan, lambda total, options: plan_rest(total, options, Received())]
)
@pytest.mark.parametrize(
    ("total", "message"),
    [
        pytest.param(
            0, r"^the source is empty \(0 bytes\): there is nothing to upload$", id="empty"
        ),
        pytest.param(
            52_428_800_001,
            r"^the source has 52,428,800,001 bytes; "
            r"api\.video accepts at most 52,428,800,000 \(48\.8 GiB\): ",
            id="one byte too much",
        ),
    ],
)
def test_sizes_that_the_service_does_not_take_are_refused(
    plan: Any, total: int, message: str
) -> None:
    """service.md#upload-modes, service.md#empty-files (an empty file: raise before sending),
    service.md#upload-size-limit.
    """
    with pytest.raises(SourceError, match=message):
        plan(total, UploadOptions())


@pytest.mark.parametrize("total", [1, 30 * 1024 * MIB, 52_428_800_000])
def test_sizes_up_to_the_limit_are_taken(total: int) -> None:
    check_total(total, REAL)
    assert choose_chunk_size(total, UploadOptions()) <= LARGEST_FOR_BUDGET


def test_a_negative_size_is_a_source_error() -> None:
    """``BytesIO(b"")`` after ``seek(5)`` has it: SeekableSource computes 0 - 5."""
    with pytest.raises(SourceError):
        make_plan(-5, UploadOptions())


def test_too_many_chunks_are_refused_with_the_size_that_works() -> None:
    """service.md#upload-modes: at most 10,000."""
    limits = attrs.evolve(SMALL, most_parts=10)
    with pytest.raises(
        SourceError,
        match=r"^the source has 11 chunks; api\.video accepts at most 10: "
        r"set chunk_size to at least 11 bytes$",
    ):
        make_plan(101, UploadOptions(chunk_size=10, limits=limits))
    assert len(make_plan(101, UploadOptions(chunk_size=11, limits=limits)).chunks) == 10


def test_a_size_chosen_by_us_never_makes_too_many_chunks() -> None:
    """With the real limits, only thousands of workers would lead to this error."""
    limits = attrs.evolve(SMALL, most_parts=10)
    assert len(make_plan(100, UploadOptions(concurrency=16, limits=limits)).chunks) <= 10


# -- ranges

ranges = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 12)).map(lambda pair: (pair[0], sum(pair))),
    max_size=12,
)


def positions(held: Iterable[tuple[int, int]]) -> set[int]:
    return {position for start, stop in held for position in range(start, stop)}


@given(ranges)
def test_merging_keeps_every_byte_and_leaves_nothing_that_touches(
    held: list[tuple[int, int]],
) -> None:
    """service.md#received-chunks: the status lists one entry per chunk."""
    merged = merge(held)
    assert positions(merged) == positions(held)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(merged))
    assert merge(merged) == merged


@given(ranges, st.integers(72, 90))
def test_gaps_are_what_is_not_held(held: list[tuple[int, int]], total: int) -> None:
    missing = gaps(held, total)
    assert positions(missing) == set(range(total)) - positions(held)
    assert merge(missing) == missing


@pytest.mark.parametrize(
    ("held", "total", "expected"),
    [
        pytest.param([], 10, ((0, 10),), id="nothing held"),
        pytest.param([(0, 10)], 10, (), id="all held"),
        pytest.param([(5, 10), (0, 5)], 10, (), id="out of order"),
        pytest.param([(2, 4), (6, 8)], 10, ((0, 2), (4, 6), (8, 10)), id="between"),
        pytest.param([(0, 12)], 10, (), id="held beyond the end"),
    ],
)
def test_gaps_by_example(
    held: list[tuple[int, int]], total: int, expected: tuple[tuple[int, int], ...]
) -> None:
    assert gaps(held, total) == expected


@pytest.mark.parametrize(
    ("held", "expected"), [([(20, 30)], ((0, 10),)), ([(0, 10), (20, 30)], ())], ids=str
)
def test_no_gap_reaches_beyond_the_total(
    held: list[tuple[int, int]], expected: tuple[tuple[int, int], ...]
) -> None:
    assert gaps(held, 10) == expected


# -- what is held


@pytest.mark.parametrize(
    ("held", "covers", "empty"),
    [
        pytest.param(Received(), False, True, id="nothing"),
        pytest.param(Received(mode="part"), False, True, id="a mode alone is nothing"),
        pytest.param(Received(complete=True), True, False, id="complete"),
        pytest.param(Received("part", parts=frozenset({2})), True, False, id="its number"),
        pytest.param(Received("part", parts=frozenset({1, 3})), False, False, id="other numbers"),
        pytest.param(Received("bytes", ((10, 20),)), True, False, id="exactly its bytes"),
        pytest.param(Received("bytes", ((0, 30),)), True, False, id="more"),
        pytest.param(
            Received("bytes", ((0, 19),)), False, False, id="one byte is missing at the end"
        ),
        pytest.param(
            Received("bytes", ((11, 30),)), False, False, id="one byte is missing at the start"
        ),
        pytest.param(
            Received("bytes", ((0, 15), (16, 30))), False, False, id="one byte is missing inside"
        ),
    ],
)
def test_held_tells_whether_a_chunk_is_there(held: Received, covers: bool, empty: bool) -> None:
    """service.md#resuming."""
    assert (held.covers(Chunk(2, 10, 10)), held.empty) == (covers, empty)


# -- the rest of an interrupted upload


@st.composite
def interrupted(draw: st.DrawFn) -> tuple[int, UploadOptions, Received]:
    """A chunked upload of which some chunks arrived."""
    total, options = draw(uploads)
    plan = make_plan(total, options)
    assume(len(plan.chunks) > 1)
    first, last = sorted(
        draw(st.lists(st.sampled_from(plan.chunks), min_size=2, max_size=2)), key=lambda c: c.number
    )
    few = draw(st.lists(st.sampled_from(plan.chunks), max_size=20))
    arrived = {*plan.chunks[first.number - 1 : last.number], *few}
    if plan.mode == "part":
        # Some request told the total, or one is still to come that can.
        known = (
            plan.parts if len(arrived) == plan.parts else draw(st.sampled_from([None, plan.parts]))
        )
        return (
            total,
            options,
            Received("part", parts=frozenset(chunk.number for chunk in arrived), parts_total=known),
        )
    return (
        total,
        options,
        Received("bytes", merge((chunk.start, chunk.stop) for chunk in arrived), total=total),
    )


def as_begun(total: int, options: UploadOptions) -> UploadOptions:
    """The same options, with the chunk size that they led to: what the journal keeps."""
    return attrs.evolve(options, chunk_size=make_plan(total, options).chunk_size)


def held_ranges(held: Received, plan: Plan) -> list[tuple[int, int]]:
    if held.mode == "bytes":
        return list(held.ranges)
    size = plan.chunk_size
    return [((number - 1) * size, min(number * size, plan.total)) for number in held.parts]


def assert_tiles(total: int, held: Received, plan: Plan) -> None:
    have, rest = held_ranges(held, plan), [(chunk.start, chunk.stop) for chunk in plan.chunks]
    assert merge([*have, *rest]) == ((0, total),)
    assert (
        sum(stop - start for start, stop in merge(have)) + sum(chunk.size for chunk in plan.chunks)
        == total
    )
    assert plan.received_bytes == total - sum(chunk.size for chunk in plan.chunks)


@given(interrupted())
def test_what_is_held_and_the_rest_tile_the_file_exactly(
    upload: tuple[int, UploadOptions, Received],
) -> None:
    """service.md#resuming: only the rest, with the mode and part size of the first call."""
    total, options, held = upload
    plan = plan_rest(total, as_begun(total, options), held)
    assert_tiles(total, held, plan)
    assert plan.mode == held.mode
    assert not any(held.covers(chunk) for chunk in plan.chunks)
    if held.mode == "part":
        assert set(plan.chunks) == {
            c for c in make_plan(total, options).chunks if c.number not in held.parts
        }
    else:
        assert [chunk.number for chunk in plan.chunks] == list(range(1, len(plan.chunks) + 1))


@given(interrupted())
def test_the_rest_of_a_chunked_upload_is_within_the_limits(
    upload: tuple[int, UploadOptions, Received],
) -> None:
    """service.md#upload-modes: the same options cut chunks that the server takes."""
    total, options, held = upload
    for chunk in plan_rest(total, as_begun(total, options), held).chunks:
        assert chunk.size <= options.limits.largest_chunk
        assert chunk.size >= options.limits.smallest_chunk or chunk.stop == total


@st.composite
def odd_ranges(draw: st.DrawFn) -> tuple[int, UploadOptions, Received]:
    """What another client with another chunk size left behind."""
    total, options = draw(scaled_uploads())
    ends = st.lists(st.integers(0, total), min_size=2, max_size=8, unique=True)
    bounds = sorted(draw(ends))
    held = merge(zip(bounds[::2], bounds[1::2], strict=False))
    return total, options, Received("bytes", held, total=total)


def inner_gaps(total: int, held: Received) -> list[int]:
    return [stop - start for start, stop in gaps(held.ranges, total) if stop != total]


@given(odd_ranges())
def test_odd_ranges_are_completed_or_refused(upload: tuple[int, UploadOptions, Received]) -> None:
    """service.md#upload-modes: refused if a gap inside the file is too small for a chunk."""
    total, options, held = upload
    if any(size < options.limits.smallest_chunk for size in inner_gaps(total, held)):
        with pytest.raises(
            UploadError, match="but a chunk of this size is only allowed at the end of the file"
        ):
            plan_rest(total, options, held)
    else:
        assert_tiles(total, held, plan_rest(total, options, held))


@given(odd_ranges())
@example(
    (1_000, UploadOptions(chunk_size=150, limits=SMALL), Received("bytes", ((0, 10), (309, 1_000))))
)
def test_no_piece_of_odd_ranges_is_too_large(upload: tuple[int, UploadOptions, Received]) -> None:
    """service.md#upload-errors range-too-large.

    In mebibytes: chunk_size 150 MiB and a gap of 299 MiB make one chunk of 299 MiB.
    """
    total, options, held = upload
    assume(all(size >= options.limits.smallest_chunk for size in inner_gaps(total, held)))
    assert all(
        chunk.size <= options.limits.largest_chunk
        for chunk in plan_rest(total, options, held).chunks
    )


@given(odd_ranges())
@example((41, UploadOptions(chunk_size=5, limits=SMALL), Received("bytes", ((0, 5), (21, 41)))))
def test_no_piece_of_odd_ranges_is_too_small(upload: tuple[int, UploadOptions, Received]) -> None:
    """service.md#upload-errors range-too-small.

    In mebibytes: a gap of 15 MiB + 1 byte and chunk_size 5 MiB end in 5 MiB - 1 byte.
    """
    total, options, held = upload
    smallest = options.limits.smallest_chunk
    assume(all(size >= smallest for size in inner_gaps(total, held)))
    sizes = [chunk.size for chunk in plan_rest(total, options, held).chunks if chunk.stop != total]
    assert all(size >= smallest for size in sizes)


def test_a_gap_too_small_to_be_sent_is_named() -> None:
    held = Received("bytes", ((0, 10), (13, 100)))
    with pytest.raises(
        UploadError, match=r"^bytes 10 to 12 are missing, but a chunk of this size "
    ):
        plan_rest(200, UploadOptions(limits=SMALL), held)
    assert plan_rest(103, UploadOptions(limits=SMALL), Received("bytes", ((0, 100),))).chunks == (
        Chunk(1, 100, 3),
    )


def test_bytes_beyond_the_source_are_not_of_this_source() -> None:
    with pytest.raises(
        UploadError,
        match=r"^the server has bytes up to 101, the source has 100: not the same file",
    ):
        plan_rest(100, UploadOptions(limits=SMALL), Received("bytes", ((0, 101),)))


def test_an_empty_container_gets_a_fresh_plan() -> None:
    options = UploadOptions(mode="part", limits=SMALL, chunk_size=10)
    assert plan_rest(100, options, Received("bytes")) == make_plan(100, options)


def test_the_mode_of_the_server_wins() -> None:
    """service.md#one-source-per-video: bytes and parts cannot be mixed."""
    parts = UploadOptions(mode="part", limits=SMALL, chunk_size=10)
    assert plan_rest(100, parts, Received("bytes", ((0, 10),))).mode == "bytes"
    assert (
        plan_rest(
            100, attrs.evolve(parts, mode="bytes"), Received("part", parts=frozenset({1}))
        ).mode
        == "part"
    )


@pytest.mark.parametrize(
    ("held", "message"),
    [
        pytest.param(
            Received("part", parts=frozenset({1}), parts_total=3),
            r"^the upload was started with 3 parts, and a chunk_size of 10 bytes makes 10: "
            r"pass the chunk_size it was started with$",
            id="another number of parts",
        ),
        pytest.param(
            Received("part", parts=frozenset({1, 11})),
            r"^the upload was started with at least 11 parts, "
            r"and a chunk_size of 10 bytes makes 10: ",
            id="a part beyond the last",
        ),
    ],
)
def test_parts_that_were_cut_otherwise_are_refused(held: Received, message: str) -> None:
    """service.md#resuming: the same part size; the status tells numbers, never sizes."""
    with pytest.raises(UploadError, match=message):
        plan_rest(100, UploadOptions(chunk_size=10, limits=SMALL), held)


@pytest.mark.parametrize("parts_total", [None, 0, 4, 20_000])
def test_numbered_parts_are_never_cut_by_a_guess(parts_total: int | None) -> None:
    """service.md#resuming: the status has numbers without sizes.

    Parts of another size would complete a broken video.
    """
    with pytest.raises(UploadError, match="pass the chunk_size it was started with"):
        plan_rest(
            100,
            UploadOptions(limits=SMALL),
            Received("part", parts=frozenset({2, 3}), parts_total=parts_total),
        )


def test_ranges_that_are_all_held_but_were_never_totalled_cannot_be_completed() -> None:
    """service.md#upload-total, as for parts."""
    with pytest.raises(UploadError, match="no request stated the total size"):
        plan_rest(100, UploadOptions(limits=SMALL), Received("bytes", ((0, 100),)))
    assert (
        plan_rest(
            100, UploadOptions(limits=SMALL), Received("bytes", ((0, 100),), total=100)
        ).chunks
        == ()
    )


def test_parts_that_are_all_held_but_were_never_totalled_cannot_be_completed() -> None:
    """service.md#upload-total: one request must state the total, and no request is left."""
    with pytest.raises(UploadError):
        plan_rest(
            100,
            UploadOptions(chunk_size=25, limits=SMALL),
            Received("part", parts=frozenset({1, 2, 3, 4})),
        )


# -- complete containers


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(Received(filesize=100, complete=True), id="one request"),
        pytest.param(Received("bytes", ((0, 100),), filesize=100, complete=True), id="ranges"),
        pytest.param(Received("bytes", ((0, 100),), complete=True), id="ranges, no filesize"),
        pytest.param(
            Received("part", parts=frozenset({1}), filesize=100, complete=True), id="parts"
        ),
    ],
)
def test_a_complete_upload_of_the_same_size_needs_nothing(held: Received) -> None:
    """design.md §4, decisions: content is not compared."""
    plan = plan_rest(100, UploadOptions(), held)
    assert (plan.chunks, plan.received_bytes, plan.mode) == ((), 100, held.mode or "whole")


@pytest.mark.parametrize(
    ("held", "what"),
    [
        pytest.param(Received(filesize=99, complete=True), "a source of 99 bytes", id="filesize"),
        pytest.param(
            Received("bytes", ((0, 99),), complete=True),
            "a source of 99 bytes",
            id="ranges",
        ),
        pytest.param(Received(filesize=0, complete=True), "a source of 0 bytes", id="filesize 0"),
        pytest.param(Received(complete=True), "a source", id="size unknown"),
    ],
)
def test_a_complete_upload_of_another_size_is_another_file(held: Received, what: str) -> None:
    """service.md#one-source-per-video: one source per container."""
    expected = (
        f"^the video already has {what}, and the source to upload has 100 bytes: "
        "create another container$"
    )
    with pytest.raises(UploadError, match=expected):
        plan_rest(100, UploadOptions(), held)


# -- what a request says


@pytest.mark.parametrize(
    ("mode", "total", "parts", "expected"),
    [
        pytest.param("whole", 100, 1, None, id="whole: no header"),
        pytest.param("bytes", 100, 4, RangeOf(20, 29, 100), id="bytes: inclusive"),
        pytest.param("bytes", None, None, RangeOf(20, 29), id="bytes, end unknown"),
        pytest.param("part", 100, 10, PartOf(3, 10), id="part"),
        pytest.param("part", 100, None, PartOf(3), id="part, end unknown"),
    ],
)
def test_content_ranges_say_what_a_chunk_carries(
    mode: Any, total: int | None, parts: int | None, expected: Any
) -> None:
    """service.md#upload-modes."""
    ledger = Ledger(mode, 10, total, parts=parts)
    assert ledger.content_range(Chunk(3, 20, 10)) == expected


def test_another_total_is_another_file() -> None:
    """Ranges carry the total of the file that they were cut from (service.md#received-chunks)."""
    held = Received("bytes", ((0, 50),), total=101)
    with pytest.raises(
        UploadError, match=r"^the upload was started with a file of 101 bytes, the source has 100: "
    ):
        plan_rest(100, UploadOptions(limits=SMALL), held)


def test_parts_that_are_being_merged_need_nothing() -> None:
    """The status may tell no size yet (service.md#ingest-status: merging)."""
    plan = plan_rest(
        100,
        UploadOptions(limits=SMALL),
        Received("part", parts=frozenset({1, 2}), parts_total=2, complete=True),
    )
    assert (plan.chunks, plan.parts, plan.mode) == ((), 2, "part")


@pytest.mark.parametrize(
    ("total", "limit", "spare", "sizes"),
    [
        pytest.param(1024 * MIB, None, 100, (64, 64), id="no limit"),
        pytest.param(1024 * MIB, 20 * MIB, 100, (64, 64), id="a limit that needs no change"),
        pytest.param(1024 * MIB, MIB, 100, (30, 32), id="30 seconds of the limit"),
        pytest.param(1024 * MIB, MIB, 2, (30, 32), id="a budget that no limit can use up"),
        pytest.param(1024 * MIB, 1000, 100, (5, 6), id="the smallest chunk that is allowed"),
        pytest.param(9 * MIB, 1000, 100, (4.5, 9), id="a small file"),
        pytest.param(50_000 * MIB, 1, 100, (5, 5.1), id="at most 10,000 chunks"),
    ],
)
def test_a_bandwidth_limit_leads_to_smaller_chunks(
    total: int, limit: int | None, spare: int, sizes: tuple[float, float]
) -> None:
    options = UploadOptions()
    for plan in (
        make_plan(total, options, spare, limit),
        plan_rest(total, options, Received(), spare, limit),
    ):
        low, high = sizes
        assert low * MIB <= plan.chunk_size <= high * MIB
        assert all(chunk.size >= min(total, 5 * MIB) for chunk in plan.chunks[:-1])
        assert len(plan.chunks) <= options.limits.most_parts


@given(st.integers(1, 52_428_800_000), st.integers(1, 10**9))
def test_a_plan_with_a_bandwidth_limit_is_allowed(total: int, limit: int) -> None:
    plan = make_plan(total, UploadOptions(), 100, limit)
    assert sum(chunk.size for chunk in plan.chunks) == total
    assert all(chunk.size >= 5 * MIB for chunk in plan.chunks[:-1])


def test_a_given_chunk_size_wins_over_a_bandwidth_limit() -> None:
    assert choose_chunk_size(100 * MIB, UploadOptions(chunk_size=50 * MIB), 100, 1) == 50 * MIB
