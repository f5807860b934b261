"""Chunks in the status of a video (service.md#resuming, service.md#upload-status)."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.models import VideoStatus, from_json
from apivideo_async.uploads.plan import Received
from apivideo_async.uploads.received import (
    ALREADY_COMPLETE,
    ALREADY_RECEIVED,
    missing,
    received_of,
)


def status(**ingest: Any) -> VideoStatus:
    return from_json({"ingest": ingest, "encoding": {"playable": False}}, VideoStatus)


def entry(first: Any, last: Any, total: int | None = 300) -> dict[str, Any]:
    return {"from": first, "to": last, "total": total}


def test_the_slugs_are_those_of_the_contract() -> None:
    """service.md#upload-errors."""
    assert (
        frozenset(
            {
                "video-content-range-by-bytes-range-overlap",
                "video-content-range-by-part-part-already-sent",
            }
        )
        == ALREADY_RECEIVED
    )
    assert ALREADY_COMPLETE == "video-source-already-uploaded"


@pytest.mark.parametrize(
    "body", [{"ingest": None, "encoding": {"playable": False}}, {"encoding": {}}, {}], ids=str
)
def test_an_empty_container_holds_nothing(body: dict[str, Any]) -> None:
    """service.md#empty-containers: ``ingest`` is null."""
    assert received_of(from_json(body, VideoStatus)) == Received()


@pytest.mark.parametrize(
    ("ingest", "held"),
    [
        pytest.param(
            {"status": "uploaded", "filesize": 300, "receivedBytes": []},
            Received(filesize=300, complete=True),
            id="regular upload",
        ),
        pytest.param(
            {
                "status": "uploading",
                "receivedBytes": [entry(0, 99), entry(200, 299), entry(100, 149)],
            },
            Received("bytes", ((0, 150), (200, 300)), total=300),
            id="bytes: one entry per chunk, in any order, inclusive ends",
        ),
        pytest.param(
            {
                "status": "uploading",
                "receivedBytes": [entry(0, 99), {"from": 100}, {"to": 5}, entry("x", 250)],
            },
            Received("bytes", ((0, 100),), total=300),
            id="bytes: an entry without both ends says nothing",
        ),
        pytest.param(
            {"status": "uploading", "receivedParts": {"parts": [1, 2, 4], "total": None}},
            Received("part", parts=frozenset({1, 2, 4})),
            id="parts, total unknown",
        ),
        pytest.param(
            {"status": "uploaded", "filesize": 300, "receivedParts": {"parts": [1, 2], "total": 2}},
            Received("part", parts=frozenset({1, 2}), parts_total=2, filesize=300, complete=True),
            id="parts stay after completion",
        ),
        pytest.param(
            {
                "status": "uploading",
                "receivedBytes": [entry(0, 99)],
                "receivedParts": {"parts": [], "total": None},
            },
            Received("bytes", ((0, 100),), total=300),
            id="an empty list of parts is no mode",
        ),
        pytest.param({"status": "uploading"}, Received(), id="begun, nothing arrived"),
        pytest.param(
            {"status": "missing", "filesize": None},
            Received(),
            id="the older word for an empty container",
        ),
    ],
)
def test_a_status_is_read_in_all_its_shapes(ingest: dict[str, Any], held: Received) -> None:
    """service.md#upload-status."""
    assert received_of(status(**ingest)) == held


@pytest.mark.parametrize(
    ("word", "complete"),
    [
        ("uploaded", True),
        ("last_chunck_uploaded", True),
        ("merging", True),
        ("ingested", True),
        ("uploading", False),
        ("ingesting", False),
        ("missing", False),
        ("something new", False),
        (None, False),
    ],
)
def test_which_words_mean_that_every_byte_has_arrived(word: str | None, complete: bool) -> None:
    """service.md#ingest-status: three sets of values; an unknown one promises nothing."""
    assert received_of(status(status=word)).complete is complete


# -- the check at the end


@pytest.mark.parametrize(
    ("held", "total", "parts"),
    [
        pytest.param(
            Received("bytes", ((0, 300),), filesize=300, complete=True), 300, None, id="bytes"
        ),
        pytest.param(
            Received("bytes", ((0, 300),), total=300), 300, None, id="bytes, still uploading"
        ),
        pytest.param(
            Received("bytes", ((0, 300),), complete=True), 300, None, id="bytes, complete, no size"
        ),
        pytest.param(
            Received("part", parts=frozenset({1, 2, 3}), parts_total=3), 300, 3, id="parts"
        ),
        pytest.param(
            Received("part", parts=frozenset({1}), filesize=300, complete=True),
            300,
            None,
            id="parts, unnumbered",
        ),
        pytest.param(Received(filesize=300, complete=True), 300, 1, id="one request"),
        pytest.param(Received(complete=True), 300, None, id="complete, size not told"),
        pytest.param(
            Received("bytes", ((0, 300),), filesize=7, total=300),
            300,
            None,
            id="filesize counts only when complete",
        ),
    ],
)
def test_a_server_that_holds_everything_is_believed(
    held: Received, total: int, parts: int | None
) -> None:
    """design.md §4 rule 10."""
    assert missing(held, total, parts) is None


@pytest.mark.parametrize(
    ("held", "total", "parts", "message"),
    [
        pytest.param(
            Received(filesize=299, complete=True),
            300,
            None,
            "the server has 299 bytes, the source has 300",
            id="size",
        ),
        pytest.param(
            Received("part", parts=frozenset({1, 2}), filesize=9_000, complete=True),
            3_000,
            2,
            "the server has 9,000 bytes, the source has 3,000",
            id="size of wrongly cut parts",
        ),
        pytest.param(
            Received("bytes", ((0, 100), (150, 300))),
            2_000,
            None,
            "the server does not have bytes 100-149, 300-1,999 of 2,000",
            id="bytes",
        ),
        pytest.param(
            Received("bytes", tuple((n * 10, n * 10 + 5) for n in range(9))),
            85,
            None,
            "the server does not have bytes 5-9, 15-19, 25-29, 35-39, 45-49 of 85",
            id="at most five gaps are listed",
        ),
        pytest.param(
            Received("part", parts=frozenset({2})),
            300,
            3,
            "the server does not have parts [1, 3] of 3",
            id="parts",
        ),
        pytest.param(
            Received("part", parts=frozenset({9})),
            300,
            9,
            "the server does not have parts [1, 2, 3, 4, 5] of 9",
            id="at most five parts are listed",
        ),
        pytest.param(
            Received(),
            3_000,
            None,
            "the server does not report the 3,000 bytes that were sent",
            id="nothing",
        ),
    ],
)
def test_what_is_missing_is_named(
    held: Received, total: int, parts: int | None, message: str
) -> None:
    """design.md §4 rule 10."""
    assert missing(held, total, parts) == message


@pytest.mark.parametrize(
    ("held", "parts"),
    [
        pytest.param(Received("bytes", ((0, 400),)), None, id="bytes beyond the end"),
        pytest.param(
            Received("bytes", ((0, 300),)), None, id="every byte, but the server waits for more"
        ),
        pytest.param(
            Received("part", parts=frozenset({1, 2})),
            2,
            id="every part, but the server waits for more",
        ),
        pytest.param(Received("part", parts=frozenset({1, 2, 3})), 2, id="a part too many"),
        pytest.param(
            Received("part", parts=frozenset({1, 2}), parts_total=3), 2, id="another total"
        ),
    ],
)
def test_a_server_that_holds_more_than_was_sent_is_not_complete(
    held: Received, parts: int | None
) -> None:
    """The server must have exactly ``total`` bytes, as far as it reports them."""
    assert missing(held, 300, parts) is not None


@given(st.integers(1, 400), st.lists(st.integers(0, 399), max_size=8, unique=True))
def test_a_status_that_lists_every_chunk_is_complete_and_any_other_is_not(
    total: int, cuts: list[int]
) -> None:
    bounds = [0, *sorted(cut for cut in cuts if 0 < cut < total), total]
    chunks = [entry(first, stop - 1, total) for first, stop in itertools.pairwise(bounds)]
    received = received_of(status(status="uploading", receivedBytes=chunks))
    assert missing(received, total, None) is None
    for index in range(len(chunks)):
        some = chunks[:index] + chunks[index + 1 :]
        received = received_of(status(status="uploading", receivedBytes=some))
        assert missing(received, total, None) is not None
