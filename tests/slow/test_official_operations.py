"""The vendor's own Python client, unmodified, through every operation that it has."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apivideo_async.emulator import Emulator, Play
from apivideo_async.emulator.routes import OPERATIONS

pytestmark = [
    pytest.mark.slow,
    # Its dependencies, not ours.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
LEGACY = {
    "account.get",
    "analytics.list_video_sessions",
    "analytics.list_live_stream_sessions",
    "analytics.list_session_events",
}
"""Not in the specification any more, and so not in the clients."""
RENEWAL = "auth.refresh"
"""The client renews by a timer, ten seconds before the token ends: a test of its own."""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(video_restore=True).in_thread() as running:
        yield running


@pytest.fixture
def official(emulator: Emulator) -> Iterator[SimpleNamespace]:
    import apivideo
    from apivideo import apis

    client = apivideo.AuthenticatedApiClient(emulator.api_key)
    client.configuration.host = emulator.url
    names = (
        "Analytics",
        "Captions",
        "Chapters",
        "LiveStreams",
        "PlayerThemes",
        "Summaries",
        "Tags",
    )
    names += ("UploadTokens", "Videos", "Watermarks", "Webhooks")
    with client:
        yield SimpleNamespace(**{name: getattr(apis, f"{name}Api")(client) for name in names})


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, bytes], Any]:
    def opened(name: str, data: bytes) -> Any:
        (tmp_path / name).write_bytes(data)
        return (tmp_path / name).open("rb")

    return opened


def test_every_operation(emulator: Emulator, official: SimpleNamespace, file: Any) -> None:
    """The emulator's log contains every operation that the emulator serves."""
    video_id = of_videos(official, file)
    of_upload_tokens(official, file)
    of_text_tracks(official, video_id, file)
    of_live_streams(official, file)
    of_players(official, file)
    of_watermarks_and_tags(official, file)
    of_summaries(official, video_id)
    of_webhooks(official)
    of_analytics(emulator, official, video_id)
    of_discarded_videos(official, video_id)
    served = {
        operation.name
        for operation in OPERATIONS
        if operation.rate is not None or "auth" in operation.name
    }
    used = {
        record.operation
        for record in emulator.requests
        if record.status is not None and record.status < 300
    }
    assert served - used == LEGACY | {RENEWAL}


def test_the_client_renews_its_token() -> None:
    """By its timer, with the refresh token; the calls after that use the new pair."""
    import apivideo
    from apivideo import apis

    with Emulator(token_lifetime=11).in_thread() as emulator:
        client = apivideo.AuthenticatedApiClient(emulator.api_key)
        client.configuration.host = emulator.url
        with client:
            videos = apis.VideosApi(client)
            videos.list()
            deadline = time.monotonic() + 10
            while emulator.requests[-1].operation != RENEWAL and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.2)
            videos.list()
    told = [(record.operation, record.status, record.token_id) for record in emulator.requests]
    assert told[0] == ("auth.authenticate", 200, None)
    assert told[1] == ("videos.list", 200, "access-1")
    assert (RENEWAL, 200, None) in told
    assert told[-1][2] != "access-1"


def of_videos(official: SimpleNamespace, file: Any) -> str:
    videos = official.Videos
    video_id = videos.create(
        {
            "title": "Maths",
            "tags": ["a", "b c"],
            "metadata": [{"key": "k", "value": "v"}],
            "language": "fr",
        }
    ).video_id
    assert videos.upload(video_id, file("a.mp4", b"x" * 1000)).assets.mp4
    assert videos.get(video_id).language == "fr"
    assert videos.update(video_id, {"title": "Maths 2", "transcript": True}).title == "Maths 2"
    status = videos.get_status(video_id)
    assert (status.ingest.status, status.encoding.playable) == ("uploaded", True)
    assert status.encoding.metadata.width == 1280
    assert videos.upload_thumbnail(video_id, file("a.png", PNG)).video_id == video_id
    assert videos.pick_thumbnail(video_id, {"timecode": "00:00:01.00"}).video_id == video_id
    for filters in ({"title": "maths"}, {"tags": ["a", "b c"]}, {"metadata": {"k": "v"}}):
        assert [video.video_id for video in videos.list(**filters).data] == [video_id]
    assert videos.list(metadata={"k": "w"}).data == []
    return video_id


def of_upload_tokens(official: SimpleNamespace, file: Any) -> None:
    tokens = official.UploadTokens
    token = tokens.create_token({"ttl": 3600}).token
    assert (
        official.Videos.upload_with_upload_token(token, file("d.mp4", b"x" * 1000)).title == "d.mp4"
    )
    assert tokens.get_token(token).ttl == 3600
    assert [each.token for each in tokens.list(sort_by="ttl").data] == [token]
    tokens.delete_token(token)


def of_text_tracks(official: SimpleNamespace, video_id: str, file: Any) -> None:
    captions, chapters = official.Captions, official.Chapters
    assert captions.upload(video_id, "en", file("en.vtt", b"WEBVTT")).language_name == "English"
    assert captions.update(video_id, "en", {"default": True}).default
    assert captions.get(video_id, "en").srclang == "en"
    assert [each.srclang for each in captions.list(video_id).data] == ["fr", "en"], (
        "the transcript is the first"
    )
    captions.delete(video_id, "en")
    assert chapters.upload(video_id, "de", file("de.vtt", b"WEBVTT")).language == "de"
    assert chapters.get(video_id, "de").uri.endswith("/chapters/de")
    assert len(chapters.list(video_id).data) == 1
    chapters.delete(video_id, "de")


def of_live_streams(official: SimpleNamespace, file: Any) -> None:
    live = official.LiveStreams
    restream = {"name": "r", "server_url": "rtmp://example.test/app", "stream_key": "k"}
    made = live.create({"name": "Live", "restreams": [restream]})
    live_id = made.live_stream_id
    assert live.get(live_id).restreams[0].server_url == restream["server_url"]
    assert live.update(live_id, {"name": "Show", "restreams": []}).restreams == []
    assert [each.name for each in live.list(stream_key=made.stream_key).data] == ["Show"]
    assert live.upload_thumbnail(live_id, file("b.png", PNG)).live_stream_id == live_id
    assert live.delete_thumbnail(live_id).live_stream_id == live_id
    assert live.complete(live_id) is None
    live.delete(live_id)


def of_players(official: SimpleNamespace, file: Any) -> None:
    players = official.PlayerThemes
    player_id = players.create({"name": "Theme", "text": "rgba(0, 0, 0, 1)"}).player_id
    assert (
        players.upload_logo(player_id, file("logo.png", PNG), link="https://a.test").assets.link
        == "https://a.test"
    )
    assert players.get(player_id).text == "rgba(0, 0, 0, 1)"
    assert players.update(player_id, {"force_loop": True}).force_loop
    assert [player.name for player in players.list(sort_by="name").data] == ["Theme"]
    players.delete_logo(player_id)
    players.delete(player_id)


def of_watermarks_and_tags(official: SimpleNamespace, file: Any) -> None:
    watermark_id = official.Watermarks.upload(file("w.png", PNG)).watermark_id
    assert [each.watermark_id for each in official.Watermarks.list(sort_by="createdAt").data] == [
        watermark_id
    ]
    official.Watermarks.delete(watermark_id)
    tags = official.Tags.list(value="B", sort_by="videoCount", sort_order="desc").data
    assert [(tag.value, tag.video_count) for tag in tags] == [("b c", 1)]


def of_summaries(official: SimpleNamespace, video_id: str) -> None:
    summaries = official.Summaries
    summary_id = summaries.create({"video_id": video_id, "origin": "auto"}).summary_id
    (summary,) = summaries.list(video_id=video_id, source_status="completed").data
    assert summary.summary_id == summary_id
    assert summaries.get_summary_source(summary_id).abstract
    assert summaries.update(summary_id, {"takeaways": ["one"]}).takeaways == ["one"]
    summaries.delete(summary_id)


def of_webhooks(official: SimpleNamespace) -> None:
    webhooks, event = official.Webhooks, "video.encoding.quality.completed"
    made = webhooks.create({"events": [event], "url": "https://example.test/"})
    assert webhooks.get(made.webhook_id).signature_secret == made.signature_secret
    assert [each.webhook_id for each in webhooks.list(events=event).data] == [made.webhook_id]
    webhooks.delete(made.webhook_id)


def of_analytics(emulator: Emulator, official: SimpleNamespace, video_id: str) -> None:
    analytics, now = official.Analytics, datetime.now(UTC)
    emulator.add_plays(
        *(
            Play(media_id=video_id, at=now - timedelta(hours=1), country=land)
            for land in ("FR", "US")
        )
    )
    frame = {"_from": (now - timedelta(hours=2)).isoformat(), "to": now.isoformat()}
    assert analytics.get_aggregated_metrics("play", "count", **frame).data == 2
    chosen = {"country": ["FR", "US"], "tag": "b c", "media_type": "video"}
    assert analytics.get_aggregated_metrics("view", "count", filter_by=chosen).data == 2
    buckets = analytics.get_metrics_breakdown(
        "play", "country", sort_by="dimensionValue", **frame
    ).data
    assert [(each.dimension_value, each.metric_value) for each in buckets] == [("FR", 1), ("US", 1)]
    series = analytics.get_metrics_over_time("play", interval="hour", **frame).data
    assert [each.metric_value for each in series] == [2]


def of_discarded_videos(official: SimpleNamespace, video_id: str) -> None:
    videos = official.Videos
    videos.delete(video_id)
    assert [video.video_id for video in videos.list_discarded().data] == [video_id]
    assert videos.get_discarded(video_id).discarded
    assert not videos.update_discarded(video_id, {"discarded": False}).discarded
