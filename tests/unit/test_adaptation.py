"""What an upload changes after a refusal, and what a later acceptance proves."""

from typing import Any

import pytest

from apivideo_async.config import UploadLimits
from apivideo_async.errors import ApiStatusError, Problem, RateLimitError
from apivideo_async.protocol.service_profile import ServiceProfile
from apivideo_async.uploads.adaptation import Adaptation, Sent

UNKNOWN_TOTAL = {"states_total": False, "total_known": False}
LIMITS = UploadLimits(smallest_chunk=10, largest_chunk=1_000)


def refusal(status: int = 400, slug: str | None = "no", **problem: Any) -> ApiStatusError:
    return ApiStatusError(f"{status}", status=status, slug=slug, problem=Problem(**problem))


def sent(**changes: Any) -> Sent:
    usual: dict[str, Any] = {
        "number": 1,
        "order": "any",
        "alone": True,
        "mode": "bytes",
        "states_total": True,
        "total_known": True,
        "size": 100,
        "several": True,
        "any_accepted": False,
        "smaller": False,
    }
    return Sent(**{**usual, **changes})


class Upload:
    """An upload, and what it has learned."""

    def __init__(self, **profile: Any) -> None:
        self.adaptation = Adaptation.of(ServiceProfile(**profile), LIMITS)
        self.learned: dict[str, dict[str, Any]] = {}

    def refused(self, error: ApiStatusError | None = None, **how: Any) -> str | None:
        return self.adaptation.after_refusal(error or refusal(), self.now(**how))

    def accepted(self, **how: Any) -> None:
        self.adaptation.after_acceptance(self.now(**how), self.learn)

    def now(self, **how: Any) -> Sent:
        now = {"order": self.adaptation.order, "mode": self.adaptation.mode or "bytes"}
        return sent(**{**now, **how})

    def learn(self, quirk: str, evidence: str, **changes: Any) -> None:
        self.learned[quirk] = changes


def test_one_refused_chunk_waits_for_its_turn_and_nothing_is_learned() -> None:
    upload = Upload()
    assert upload.refused(number=3, alone=False) == "again"
    assert upload.adaptation.careful == {3}
    assert upload.adaptation.order == "any"
    upload.accepted(number=3)
    assert upload.learned == {}


def test_two_refused_chunks_narrow_the_order_until_a_chunk_is_accepted() -> None:
    upload = Upload()
    for number in (2, 3):
        assert upload.refused(number=number, alone=False) == "again"
    assert upload.adaptation.order == "first_alone"
    assert upload.refused(number=4, alone=False, order="any") == "again", "it was sent before"
    assert upload.adaptation.order == "first_alone"
    upload.accepted(number=1, order="any")
    assert upload.learned == {}, "the first chunk was sent before, too"
    upload.accepted(number=2)
    assert upload.learned == {"first-chunk-first": {"chunk_order": "first_alone"}}
    assert upload.refused(refusal(423), number=5, alone=False, any_accepted=True) == "again"
    assert upload.adaptation.order == "sequential"
    upload.accepted(number=3)
    assert upload.learned["one-chunk-at-a-time"] == {"chunk_order": "sequential"}


def test_chunks_in_order_are_learned_from_other_statuses() -> None:
    upload = Upload(chunk_order="first_alone")
    for number in (3, 4):
        upload.refused(refusal(422), number=number, alone=False, any_accepted=True)
    upload.accepted()
    assert upload.learned == {"chunks-in-order": {"chunk_order": "sequential"}}


@pytest.mark.parametrize("status", [400, 404, 409])
def test_a_chunk_that_was_alone_is_not_refused_for_its_order(status: int) -> None:
    reaction = Upload().refused(refusal(status))
    assert reaction == ("again" if status == 400 else None), "400 may be about bytes or parts"


def test_bytes_then_parts_then_a_known_total_then_larger_chunks_are_tried() -> None:
    upload = Upload()
    assert upload.refused(**UNKNOWN_TOTAL) == "again"
    assert upload.adaptation.mode == "part"
    assert upload.refused(**UNKNOWN_TOTAL) == "plan"
    assert (upload.adaptation.mode, upload.adaptation.needs_total) == (None, True)
    assert upload.refused() == "again"
    assert upload.adaptation.mode == "part"
    assert upload.refused() == "plan"
    assert (upload.adaptation.mode, upload.adaptation.chunk_size) == (None, 200)
    assert upload.refused(size=200) == "again"
    assert upload.refused(size=200) == "plan"
    assert upload.adaptation.chunk_size == 400
    assert upload.refused(size=400) == "again"
    assert upload.refused(size=400) is None, "further guesses would cost too much"
    assert upload.learned == {}


def test_the_form_that_was_accepted_is_learned() -> None:
    upload = Upload()
    for number in (1, 2):
        upload.refused(number=number, alone=False)
    upload.refused(number=1)
    assert upload.adaptation.mode == "part"
    assert upload.adaptation.order == "any", "the order was not the cause"
    assert upload.refused(number=2, mode="bytes", alone=False) == "again", "it was sent before"
    upload.accepted()
    assert upload.learned == {"no-byte-ranges": {"byte_ranges": False}}


def test_the_form_of_a_chunk_that_was_accepted_meanwhile_is_used_again() -> None:
    upload = Upload()
    assert upload.refused() == "again"
    assert upload.adaptation.mode == "part"
    upload.accepted(mode="bytes", number=3)
    assert upload.adaptation.mode == "bytes"
    assert upload.refused(mode="part", any_accepted=True) == "again"
    assert upload.refused(any_accepted=True) is None
    assert upload.learned == {}


def test_the_service_says_that_a_chunk_was_accepted_in_the_form_before() -> None:
    started = refusal(slug="video-content-range-started-with-bytes")
    upload = Upload()
    assert upload.refused(mode="part") == "again"
    assert upload.adaptation.mode == "bytes"
    assert Upload().refused(started, mode="part") is None, "another client has started it"
    assert upload.refused(refusal(slug="video-content-range-started-with-part")) == "again"
    assert upload.adaptation.mode == "part"


def test_a_total_that_became_known_is_stated_without_another_plan() -> None:
    upload, ended = Upload(), {"states_total": False}
    for number in (1, 2):
        assert upload.refused(number=number, **ended) == "again"
    assert upload.adaptation.mode == "part"
    assert upload.refused(number=1, **ended) == "again"
    assert (upload.adaptation.mode, upload.adaptation.needs_total) == ("part", True)
    assert upload.refused(number=2, **ended) == "again", "it was sent before"
    upload.accepted(number=3, **ended)
    assert upload.learned == {}, "it was sent before, too"
    upload.accepted(number=1)
    assert upload.learned == {"no-unknown-totals": {"unknown_totals": False}}


def test_after_a_chunk_was_accepted_only_the_total_can_change() -> None:
    upload = Upload()
    assert upload.refused(any_accepted=True, **UNKNOWN_TOTAL) is None
    assert upload.refused(any_accepted=True, states_total=False) == "again"
    assert (upload.adaptation.mode, upload.adaptation.needs_total) == (None, True)
    assert upload.refused(any_accepted=True) is None


def test_a_total_that_was_needed_is_learned() -> None:
    upload = Upload()
    upload.refused(**UNKNOWN_TOTAL)
    upload.refused(**UNKNOWN_TOTAL)
    upload.accepted()
    assert upload.learned == {"no-unknown-totals": {"unknown_totals": False}}
    assert Upload(unknown_totals=False).adaptation.needs_total


@pytest.mark.parametrize(
    "error", [refusal(413, None), refusal(400, "video-content-range-by-bytes-range-too-large")]
)
def test_chunks_that_are_too_large_are_halved(error: ApiStatusError) -> None:
    upload = Upload()
    assert upload.refused(error, size=100, mode="whole") == "plan"
    assert upload.refused(error, size=100) == "plan", "another chunk of the same size"
    assert upload.adaptation.chunk_size == 50
    assert upload.refused(error, size=16) == "plan"
    upload.accepted(size=10)
    assert upload.learned == {"largest-request": {"largest_chunk": 10}}
    assert upload.refused(error, size=10) is None, "the protocol allows no smaller chunk"
    assert upload.refused(error, size=100, any_accepted=True) is None


@pytest.mark.parametrize(
    ("least", "expected"), [(None, 200), (150, 150), ("x", 200), (5_000, 1_000)]
)
def test_chunks_that_are_too_small_grow(least: Any, expected: int) -> None:
    upload = Upload()
    problem = {} if least is None else {"range": {"min": least}}
    error = refusal(400, "video-content-range-by-part-uploaded-file-too-small", **problem)
    assert upload.refused(error) == "plan"
    assert upload.refused(error) == "plan", "another chunk of the same size"
    assert upload.adaptation.chunk_size == expected
    upload.accepted(size=expected)
    assert upload.learned == {"minimum-chunk": {"smallest_chunk": expected}}
    for final in ({"any_accepted": True}, {"smaller": True}, {"size": 1_000}):
        assert upload.refused(error, **final) is None


@pytest.mark.parametrize(
    "error",
    [
        refusal(400, "uploaded-file-invalid-file"),
        refusal(400, "video-source-already-uploaded"),
        refusal(401, "authentication-invalid-token"),
        refusal(403, "no"),
    ],
)
def test_refusals_with_one_meaning_are_final(error: ApiStatusError) -> None:
    upload = Upload()
    assert upload.refused(error, alone=False, number=2) is None
    assert upload.adaptation.is_about_sending(error) == (error.slug == "no")


def test_a_whole_file_has_no_form_to_change() -> None:
    assert Upload().refused(mode="whole", several=False) is None


def test_a_form_is_not_changed_after_chunks_were_accepted() -> None:
    assert Upload().refused(any_accepted=True) is None


@pytest.mark.parametrize(("remaining", "expected"), [("0", set()), ("5", {2}), (None, {2})])
def test_a_429_is_about_the_order_only_if_the_budget_is_not_used_up(
    remaining: str | None, expected: set[int]
) -> None:
    upload = Upload()
    headers = {} if remaining is None else {"x-ratelimit-remaining": remaining}
    error = RateLimitError("429", status=429, headers=headers)
    upload.adaptation.after_rate_limit(error, sent(number=2, alone=False))
    assert upload.adaptation.careful == expected
    upload.adaptation.after_rate_limit(error, sent(number=3, alone=False))
    upload.accepted()
    assert ("one-chunk-at-a-time" in upload.learned) == bool(expected)


def test_a_response_that_does_not_come_narrows_the_order_then_the_wait_becomes_longer() -> None:
    upload = Upload()
    assert not upload.adaptation.after_timeout("no response", sent(alone=False))
    assert upload.adaptation.order == "sequential"
    assert not upload.adaptation.after_timeout("no response", sent(alone=False)), "sent before"
    upload.accepted()
    assert upload.learned == {"one-chunk-at-a-time": {"chunk_order": "sequential"}}
    assert not upload.adaptation.after_timeout("no response", upload.now()), "one may be lost"
    assert upload.adaptation.after_timeout("no response", upload.now())
