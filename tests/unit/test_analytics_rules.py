"""How questions to analytics are written.

See service.md#filter-encoding, service.md#analytics, service.md#legacy-periods.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from apivideo_async import UNSET, ConfigurationError
from apivideo_async.protocol.analytics import filter_value, period_text, view_duration_text
from apivideo_async.protocol.json_body import check_names, text_list
from apivideo_async.protocol.request import query_string


@pytest.mark.parametrize(
    ("given", "query"),
    [
        (
            {"media_type": "video", "tag": "Cool videos"},
            "filterBy%5BmediaType%5D=video&filterBy%5Btag%5D=Cool+videos",
        ),
        ({"country": "FR"}, "filterBy%5Bcountry%5D%5B%5D=FR"),
        ({"country": ["FR"]}, "filterBy%5Bcountry%5D%5B%5D=FR"),
        ({"browser": ("a", "b")}, "filterBy%5Bbrowser%5D%5B%5D=a&filterBy%5Bbrowser%5D%5B%5D=b"),
        ({"referrer": ""}, "filterBy%5Breferrer%5D%5B%5D="),
        (
            {"referrer": "https://x/?a=b"},
            "filterBy%5Breferrer%5D%5B%5D=https%3A%2F%2Fx%2F%3Fa%3Db",
        ),
        ({"media_id": UNSET}, ""),
    ],
)
def test_a_filter_is_encoded_as_documented(given: dict[str, Any], query: str) -> None:
    assert query_string({"filterBy": filter_value(given)}) == query


def test_no_filter_is_not_sent() -> None:
    assert query_string({"filterBy": filter_value(UNSET)}) == ""


@pytest.mark.parametrize(
    "given", [{"tag": ["a"]}, {"media_type": ["video"]}, {"country": 5}, {"country": [5]}]
)
def test_a_filter_of_another_form_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="filter_by"):
        filter_value(given)


def test_an_unknown_dimension_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no mediaId; it has media_id"):
        filter_value({"mediaId": ["vi1"]})


@pytest.mark.parametrize(
    ("period", "text"),
    [
        (UNSET, UNSET),
        ("2018-W01", "2018-W01"),
        (date(2018, 1, 1), "2018-01-01"),
        (datetime(2018, 1, 1, 23, 59, tzinfo=UTC), "2018-01-01"),
        ((date(2018, 1, 1), datetime(2018, 1, 15, tzinfo=UTC)), "2018-01-01/2018-01-15"),
    ],
)
def test_a_period_is_written_as_documented(period: Any, text: Any) -> None:
    assert period_text(period) == text


@pytest.mark.parametrize(
    ("value", "text"), [(UNSET, UNSET), ("3s", "3s"), (timedelta(seconds=30), "30s")]
)
def test_a_view_duration_is_in_seconds(value: Any, text: Any) -> None:
    assert view_duration_text(value) == text


@pytest.mark.parametrize("value", [None, UNSET])
def test_a_pair_without_a_value_never_widens_a_filter(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="has no value"):
        query_string({"metadata": {"a": value}})


def test_one_text_is_no_list() -> None:
    assert text_list("tags", ("a", "b")) == ["a", "b"]
    with pytest.raises(ConfigurationError, match="tags must be a list of texts, not one text"):
        text_list("tags", "a")


def test_a_misspelt_name_is_a_type_error() -> None:
    check_names("players have", ["name"], ["name"])
    with pytest.raises(TypeError, match="players have no field nam; they have name"):
        check_names("players have", ["nam"], ["name"])
