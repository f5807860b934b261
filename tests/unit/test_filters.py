"""A filter without a value is refused, because the server would return everything."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

import pytest

from apivideo_async import UNSET, ApiVideoClient, ConfigurationError
from apivideo_async.protocol.query import filters, query_string

EMPTY: dict[str, Any] = {"list": [], "tuple": (), "mapping": {}}
NOT_SENDABLE: dict[str, Any] = {
    "set": {"a"},
    "frozenset": frozenset(),
    "generator": (text for text in ()),
    "bytes": b"a",
    "object": object(),
    "list in a list": [["a"]],
    "None in a list": [None],
    "empty list in a mapping": {"a": []},
    "None in a mapping": {"a": None},
    "lone surrogate": "\ud800",
    "lone surrogate in a key": {"\ud800": "a"},
}


@pytest.mark.parametrize(
    "value", [*EMPTY.values(), *NOT_SENDABLE.values()], ids=[*EMPTY, *NOT_SENDABLE]
)
def test_no_query_leaves_out_what_was_given(value: Any) -> None:
    with pytest.raises(ConfigurationError):
        query_string({"tags": value})


class Sort(str, Enum):  # noqa: UP042 - str() of it gives the member's name
    ASC = "asc"


def test_values_are_written_as_they_are() -> None:
    given = {"a": Sort.ASC, "b": 1.5, "c": date(2024, 2, 5), "d": datetime(2024, 2, 5, tzinfo=UTC)}
    assert query_string(given) == "a=asc&b=1.5&c=2024-02-05&d=2024-02-05T00%3A00%3A00%2B00%3A00"


@pytest.mark.parametrize(
    "value", [None, "", " ", [], {}, ["a", ""], {"a": ""}, {"": "a"}, {"a": None}], ids=repr
)
def test_an_empty_filter_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^live_stream_id"):
        filters({"liveStreamId": value})


def test_filters_keep_what_was_given_when_the_caller_changes_it_later() -> None:
    tags, metadata = ["a"], {"k": "v"}
    given = filters(
        {"tags": tags, "metadata": metadata, "sortBy": UNSET, "unique": False, "title": ""}
    )
    tags.clear()
    metadata.clear()
    assert given == {"tags": ["a"], "metadata": {"k": "v"}, "unique": False, "title": ""}


Call = Callable[[ApiVideoClient], Any]
TIMES = {"from_": None}
CALLS: dict[str, Call] = {
    "tags": lambda c: c.videos.list(tags=[]),
    "tags as a tuple": lambda c: c.videos.list(tags=()),
    "tags as a set": lambda c: c.videos.list(tags=set()),
    "tags as a generator": lambda c: c.videos.list(tags=(tag for tag in ())),
    "tags as one text": lambda c: c.videos.list(tags="tenant"),
    "tags as a mapping": lambda c: c.videos.list(tags={"a": "b"}),
    "tags None": lambda c: c.videos.list(tags=None),
    "an empty tag": lambda c: c.videos.list(tags=[""]),
    "a tag that is no text": lambda c: c.videos.list(tags=[5]),
    "metadata": lambda c: c.videos.list(metadata={}),
    "metadata as a list": lambda c: c.videos.list(metadata=[]),
    "metadata as pairs": lambda c: c.videos.list(metadata=[("tenant", "a")]),
    "metadata None": lambda c: c.videos.list(metadata=None),
    "metadata without a value": lambda c: c.videos.list(metadata={"tenant": None}),
    "metadata with an empty value": lambda c: c.videos.list(metadata={"tenant": ""}),
    "metadata with a list": lambda c: c.videos.list(metadata={"tenant": []}),
    "live_stream_id": lambda c: c.videos.list(live_stream_id=""),
    "live_stream_id None": lambda c: c.videos.list(live_stream_id=None),
    "title None": lambda c: c.videos.list(title=None),
    "discarded": lambda c: c.videos.list_discarded(tags=[]),
    "stream_key": lambda c: c.live_streams.list(stream_key=""),
    "summaries": lambda c: c.summaries.list(video_id=None),
    "tag value": lambda c: c.tags.list(value=None),
    "webhook events": lambda c: c.webhooks.list(events=[]),
    "token order": lambda c: c.upload_tokens.list(sort_by=""),
    "session metadata": lambda c: c.analytics.list_video_sessions("vi1", metadata={}),
    "session period": lambda c: c.analytics.list_video_sessions("vi1", period=""),
    "session period None": lambda c: c.analytics.list_video_sessions("vi1", period=None),
    "breakdown": lambda c: c.analytics.get_metrics_breakdown(
        "view", "country", filter_by={"media_id": []}
    ),
    "over time": lambda c: c.analytics.get_metrics_over_time("view", filter_by={"media_id": ()}),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_list_operation_refuses_an_empty_filter_at_the_call(call: Call) -> None:
    with pytest.raises(ConfigurationError):
        call(ApiVideoClient("key"))


@pytest.mark.parametrize(
    "filter_by",
    [
        *(None, [], {}, "media_id"),
        *(
            {"media_id": value}
            for value in ([], (), set(), range(0), None, "", [""], ["vi1", ""], [None])
        ),
        *(
            {"media_id": ["vi1"], "country": []},
            {"tag": ""},
            {"tag": []},
            {"media_type": None},
            {"referrer": []},
        ),
    ],
    ids=repr,
)
async def test_analytics_refuse_an_empty_filter(filter_by: Any) -> None:
    client = ApiVideoClient("key", base_url="http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=r"^filter_by"):
        await client.analytics.get_aggregated_metrics("play", "count", filter_by=filter_by)


async def test_what_clears_a_list_is_still_sent() -> None:
    from apivideo_async.protocol.writes import json_request
    from apivideo_async.resources._fields import video_fields

    request = json_request("x", "PATCH", "/x", video_fields({"tags": [], "metadata": {}}))
    assert request.body == b'{"tags": [], "metadata": []}'
