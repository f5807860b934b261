"""Behaviour of single models beyond their fields: addresses, timecodes, events."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apivideo_async.errors import ConfigurationError
from apivideo_async.models import (
    LiveStream,
    LiveStreamBroadcastStarted,
    MetricsContext,
    Pagination,
    Restream,
    UnknownEvent,
    VideoClip,
    VideoEncodingQualityCompleted,
    Webhook,
    event_from,
    from_json,
    timecode,
    to_json,
)
from apivideo_async.protocol.request import build_request
from apivideo_async.protocol.response import Response, decode_page

# -- timecodes


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(), "00:00:00.000"),
        (timedelta(seconds=1.5), "00:00:01.500"),
        (timedelta(hours=26, minutes=3, seconds=4, microseconds=5600), "26:03:04.006"),
        (timedelta(microseconds=999_600), "00:00:01.000"),
    ],
)
def test_a_duration_becomes_a_timecode(duration: timedelta, text: str) -> None:
    """service.md#time-codes."""
    assert timecode(duration) == text


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(hours=999)))
def test_a_timecode_is_off_by_less_than_a_millisecond(duration: timedelta) -> None:
    hours, minutes, seconds = timecode(duration).split(":")
    read = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    assert abs(read - duration) < timedelta(milliseconds=1)


def test_a_clip_takes_durations_and_texts() -> None:
    clip = VideoClip(start_timecode=timedelta(seconds=2), end_timecode="00:00:09:12")
    assert to_json(clip) == {"startTimecode": "00:00:02.000", "endTimecode": "00:00:09:12"}
    with pytest.raises(ConfigurationError, match="start of the video"):
        VideoClip(start_timecode=timedelta(seconds=-1))
    with pytest.raises(ConfigurationError, match="a text or a timedelta, not float"):
        timecode(1.5)  # type: ignore[arg-type]


# -- live streams


def test_a_live_stream_has_addresses_for_encoders() -> None:
    """service.md#live-streams."""
    stream = from_json({"liveStreamId": "li1", "streamKey": "cc1b&4"}, LiveStream)
    assert stream.rtmp_url == "rtmp://broadcast.api.video/s/cc1b&4"
    assert stream.rtmps_url == "rtmps://broadcast.api.video:1936/s/cc1b&4"
    assert stream.srt_url == "srt://broadcast.api.video:6200?streamid=cc1b%264"
    keyless = LiveStream()
    assert (keyless.rtmp_url, keyless.rtmps_url, keyless.srt_url) == (None, None, None)


@pytest.mark.parametrize(
    "body", [{"streamKey": "s3cret"}, {"streamkey": "s3cret"}, {"signatureSecret": "s3cret"}]
)
@pytest.mark.parametrize("kind", [LiveStream, Restream, Webhook])
def test_keys_are_not_shown(kind: type[Any], body: dict[str, str]) -> None:
    """Also in unknown members (service.md#webhook-subscriptions, service.md#live-streams)."""
    assert "s3cret" not in repr(from_json(body, kind))


# -- events of webhooks

AT = "2024-08-15T10:18:47+00:00"
EVENTS: dict[str, dict[str, str]] = {
    "live-stream.broadcast.started": {"liveStreamId": "li1"},
    "live-stream.broadcast.ended": {"liveStreamId": "li1"},
    "video.source.recorded": {"liveStreamId": "li1", "videoId": "vi1"},
    "video.encoding.quality.completed": {"videoId": "vi1", "encoding": "hls", "quality": "720p"},
    "video.caption.generated": {
        "videoId": "vi1",
        "captionId": "c1",
        "generationMode": "transcript",
        "language": "en",
    },
    "video.summary.generated": {"videoId": "vi1", "summaryId": "s1"},
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_read_as_its_own_class(name: str) -> None:
    """service.md#webhook-events."""
    body = {"type": name, "emittedAt": AT, **EVENTS[name]}
    event = event_from(body)
    assert (event.type, event.TYPE, event.extra) == (name, name, {})
    assert type(event).__name__ == "".join(
        part.title() for part in name.replace("-", ".").split(".")
    )
    assert to_json(event) == body


@pytest.mark.parametrize(
    "body", [{"type": "video.new", "videoId": "vi1"}, {}, {"type": 5}, {"type": None, "a": 1}]
)
def test_an_unknown_event_keeps_all_members(body: dict[str, Any]) -> None:
    event = event_from(body)
    assert isinstance(event, UnknownEvent)
    assert {**to_json(event)} == {"type": "", **{k: v for k, v in body.items() if v is not None}}
    assert json.loads(event.key) == to_json(event)


def test_the_invalid_date_of_the_official_example_is_kept_as_text() -> None:
    """service.md#webhook-events: ``2024-08-151T…``."""
    event = event_from(
        {"type": "video.summary.generated", "emittedAt": "2024-08-151T10:18:47+00:00"}
    )
    assert (event.emitted_at, event.extra) == (None, {"emittedAt": "2024-08-151T10:18:47+00:00"})


@pytest.mark.parametrize("name", EVENTS)
def test_a_key_is_equal_only_for_repeats_of_an_event(name: str) -> None:
    """Type, ids, quality and encoding identify an event (service.md#webhook-events)."""
    body = {"type": name, "emittedAt": AT, **EVENTS[name]}
    assert event_from(body).key == event_from({**body, "new": 1}).key
    keys = {event_from({**body, member: "other"}).key for member in EVENTS[name]}
    assert len(keys | {event_from(body).key}) == len(EVENTS[name]) + 1
    later = {**body, "emittedAt": "2024-08-16T10:18:47+00:00"}
    assert (event_from(later).key != event_from(body).key) == name.startswith("live-stream")


def test_every_broadcast_of_a_live_stream_has_its_own_key() -> None:
    moments = [datetime(2024, 8, day, tzinfo=UTC) for day in (1, 2)]
    first, second = (
        LiveStreamBroadcastStarted(type="t", live_stream_id="li1", emitted_at=at) for at in moments
    )
    assert first.key != second.key
    assert VideoEncodingQualityCompleted().key == "////"


# -- pages


def test_a_page_of_analytics_contains_its_query() -> None:
    body = {"context": {"metric": "view-5"}, "data": [], "new": 1, "pagination": {"links": []}}
    page = decode_page(
        build_request("x", "GET", "/"), Response(200, {}, json.dumps(body).encode()), MetricsContext
    )
    assert (page.context, page.extra, page.pagination) == (
        MetricsContext(metric="view-5"),
        {"new": 1},
        Pagination(),
    )


def test_pagination_of_another_form_is_kept_as_received() -> None:
    body = {"data": [], "pagination": "none", "context": [1]}
    page = decode_page(
        build_request("x", "GET", "/"), Response(200, {}, json.dumps(body).encode()), MetricsContext
    )
    assert (page.pagination, page.context, page.extra) == (
        Pagination(),
        None,
        {"pagination": "none", "context": [1]},
    )
