"""Which videos count as created with an idempotency key. See service.md#repeated-requests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apivideo_async.config import UNSET
from apivideo_async.errors import ConfigurationError
from apivideo_async.models import Video, from_json
from apivideo_async.protocol.keyed_videos import Wanted, created_together, keys_in, oldest, with_key

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def video(key: str | None = "Job-2024-7", **fields: Any) -> Video:
    pairs = {} if key is None else {"ingestKey": key}
    given = {"video_id": "vi1", "title": "Talk", "created_at": NOW, "metadata": pairs, **fields}
    return Video(**given)


def wanted(**fields: Any) -> Wanted:
    return Wanted(**{"key": "Job-2024-7", "title": "Talk", "since": NOW, **fields})


def test_the_key_is_added_to_the_metadata() -> None:
    assert with_key(UNSET, "k") == {"ingestKey": "k"}
    assert with_key({"a": "b"}, "k") == {"a": "b", "ingestKey": "k"}
    for pairs, key in (({}, ""), ({"ingestKey": "other"}, "k")):
        with pytest.raises(ConfigurationError, match="idempotency_key"):
            with_key(pairs, key)


def test_the_name_of_the_pair_may_have_another_case() -> None:
    assert keys_in(Video(metadata={"ingestKey": "a", "ingestkey": "b"})) == ["a"]
    assert keys_in(Video(metadata={"other": "a", "INGESTKEY": "b"})) == ["b"]
    assert keys_in(Video(metadata={"other": "a"})) == []


ODD_PAIRS = [
    None,
    {"key": "ingestKey"},
    {"key": "ingestKey", "value": None},
    {"key": "author", "value": "B"},
    {"key": ["x"], "value": "y"},
]


@pytest.mark.parametrize("odd", ODD_PAIRS, ids=str)
@pytest.mark.parametrize("before", [True, False])
def test_an_unreadable_pair_does_not_hide_the_key(odd: Any, before: bool) -> None:
    """Otherwise a second video would be created."""
    readable = [{"key": "author", "value": "A"}, {"key": "ingestKey", "value": "Job-2024-7"}]
    pairs = [odd, *readable] if before else [*readable, odd]
    read = from_json({"videoId": "vi1", "metadata": pairs}, Video)
    assert read.metadata["ingestKey"] == "Job-2024-7"
    assert wanted().has_key(read)
    assert wanted().is_own(read)


def test_every_key_of_a_video_counts_but_the_video_is_not_own() -> None:
    pairs = [{"key": "ingestKey", "value": value} for value in ("other", "Job-2024-7")]
    read = from_json({"videoId": "vi1", "title": "Talk", "metadata": pairs}, Video)
    assert keys_in(read) == ["other", "Job-2024-7"]
    assert wanted().has_key(read)
    assert wanted(key="other").has_key(read)
    assert wanted(key="OTHER").has_key(read, modified=True)
    assert wanted().is_related(read)
    assert not wanted().is_own(read), "deleting it would delete the video of the other key"


def test_the_oldest_video_counts_and_then_the_smallest_id() -> None:
    first = video(video_id="vi2")
    others = [
        video(video_id="vi0", created_at=NOW + HOUR),
        video(video_id="vi1", created_at=None),
        video(video_id="vi3"),
    ]
    for videos in ([first, *others], [*others, first]):
        assert oldest(videos) is first


@pytest.mark.parametrize(
    ("stored", "exact", "modified", "without_title"),
    [
        pytest.param("Job-2024-7", True, True, True, id="the key itself"),
        pytest.param("JOB-2024-7 ", False, True, False, id="upper case and a space"),
        pytest.param(" Job-2024-\uff17", False, True, False, id="other form of a character"),
        pytest.param("Job-2024", False, True, False, id="shortened"),
        pytest.param("job-2", False, False, False, id="too short to be a proof"),
        pytest.param("Job-2024-77", False, False, False, id="a longer key"),
        pytest.param("Job-2024-8", False, False, False, id="another key"),
        pytest.param("", False, False, False, id="empty"),
        pytest.param(None, False, False, False, id="no key"),
    ],
)
def test_a_modified_key_counts_only_with_the_title(
    stored: str | None, exact: bool, modified: bool, without_title: bool
) -> None:
    assert wanted().has_key(video(stored)) is exact
    assert wanted().has_key(video(stored), modified=True) is modified
    assert wanted(title=None).has_key(video(stored), modified=True) is without_title
    assert wanted().has_key(video(stored, title="Other"), modified=True) is without_title


def test_a_shortened_key_counts_only_in_a_new_video() -> None:
    """Different keys may have the same beginning."""
    short = video("Job-2024", created_at=NOW - timedelta(minutes=5))
    assert wanted().has_key(short, modified=True), "the clocks may differ"
    assert not wanted(since=NOW + HOUR).has_key(short, modified=True)
    assert not wanted(since=None).has_key(short, modified=True)
    assert not wanted().has_key(video("Job-2024", created_at=None), modified=True)


def test_a_form_of_the_key_that_the_service_has_shown_counts_in_a_new_video() -> None:
    seen = wanted(stored="8f14e45f")
    assert seen.has_key(video("8f14e45f"), modified=True)
    assert not seen.has_key(video("8f14e45f", created_at=NOW - HOUR), modified=True)
    assert seen.is_related(video("8F14E45F"))


@pytest.mark.parametrize(
    ("stored", "related"),
    [
        ("Job-2024-7", True),
        ("job-2024-7 ", True),
        ("Job-2024-77", True),
        ("Job", True),
        ("other", False),
        ("", False),
        (None, False),
    ],
)
def test_results_that_no_comparison_explains_show_that_a_filter_is_ignored(
    stored: str | None, related: bool
) -> None:
    assert wanted().is_related(video(stored)) is related


@pytest.mark.parametrize(
    ("mark", "owner", "own"),
    [
        (None, None, True),
        ("0a1b2c3d4e5f", None, False),
        (None, "0a1b2c3d4e5f", False),
        ("0a1b2c3d4e5f", "0a1b2c3d4e5f", True),
        ("0A1B2C3D4E5F ", "0a1b2c3d4e5f", True),
        ("0a1b2c3d", "0a1b2c3d4e5f", True),
        ("ffffffffffff", "0a1b2c3d4e5f", False),
    ],
)
def test_a_container_of_another_ledger_is_not_own(
    mark: str | None, owner: str | None, own: bool
) -> None:
    pairs = {"ingestKey": "Job-2024-7", **({"ingestLedger": mark} if mark else {})}
    assert wanted(owner=owner).is_own(video(metadata=pairs)) is own
    assert not wanted(owner=owner, key="another key").is_own(video(metadata=pairs))


def test_videos_that_were_created_together_may_result_from_one_request() -> None:
    assert created_together(video(), video(created_at=NOW - timedelta(seconds=4)))
    assert not created_together(video(), video(created_at=NOW + timedelta(seconds=6)))
    assert not created_together(video(), video(created_at=None))
    assert not created_together(video(created_at=None), video())
