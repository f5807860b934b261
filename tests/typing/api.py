"""Code of users: a strict type checker must accept it, except the lines with ``type: ignore``.

It is never run; ``make types`` checks it. A line that is wrong on purpose has a comment with the
rule that it violates. mypy reports comments without an error.
"""

from datetime import date, datetime, timedelta
from typing import assert_type

from apivideo_async import (
    UNSET,
    Account,
    AggregatedMetrics,
    ApiVideoClient,
    Caption,
    Chapter,
    FilterBy,
    LiveStream,
    LiveStreamAssets,
    MetricBucket,
    Page,
    Paginator,
    PrivateSession,
    RawResponse,
    Restream,
    Summary,
    Tag,
    UploadToken,
    Video,
    VideoAssets,
    VideoClip,
    VideoStatus,
    Webhook,
    WebhookEvent,
    WebhookHandler,
    webhooks,
)
from apivideo_async.webhooks import UnknownEvent, VideoEncodingQualityCompleted


async def right(client: ApiVideoClient) -> None:
    assert_type(
        await client.videos.create(title="t", tags=["a"], metadata={"k": "v"}, player_id="pl1"),
        Video,
    )
    assert_type(
        await client.videos.update("vi1", player_id=None, language=None, description=UNSET), Video
    )
    await client.videos.create(title="t", extra_body={"new": [1]}, extra_query={"flag": True})
    await client.webhooks.create(events=[], url="https://x", extra_body={"new": None})
    await client.watermarks.upload(b"x", extra_query={"new": "a"})
    await client.upload(b"x", extra_body={"new": 1})
    assert_type(
        client.videos.list(tags=("a",), sort_by="createdAt", page_size=10), Paginator[Video]
    )
    assert_type(await client.videos.list(), Page[Video])
    assert_type(await client.videos.list().first(), Video | None)
    assert_type([video async for video in client.videos.list()], list[Video])
    assert_type(await client.videos.pick_thumbnail("vi1", timecode=timedelta(seconds=3)), Video)
    assert_type(await client.videos.wait_until_playable("vi1", probe=True), VideoStatus)
    assert_type(await client.upload_tokens.create(ttl=timedelta(hours=1)), UploadToken)
    await client.videos.create(
        title="t", clip=VideoClip(start_timecode=timedelta(seconds=1), end_timecode="10")
    )
    stream = await client.live_streams.create(
        name="x", restreams=[Restream(name="a", server_url="b", stream_key="c")]
    )
    assert_type(stream, LiveStream)
    assert_type(stream.rtmp_url, str | None)
    assert_type(await client.live_streams.complete("li1"), None)
    session = await client.live_streams.open_private_session(stream)
    assert_type(session, PrivateSession[LiveStreamAssets])
    assert_type(session.assets.player, str | None)
    video = await client.videos.get("vi1")
    assert_type((await client.videos.open_private_session(video)).assets, VideoAssets)
    assert_type(client.tags.list(value="a"), Paginator[Tag])
    assert_type(
        await client.summaries.create(video_id="vi1", origin="auto", attributes=["abstract"]),
        Summary,
    )
    assert_type(await client.webhooks.create(events=["video.new.event"], url="https://x"), Webhook)
    since: datetime = datetime(2024, 1, 1)
    filters = FilterBy(country=["FR"], tag="a")
    numbers = await client.analytics.get_aggregated_metrics(
        "play", "count", from_=since, filter_by=filters
    )
    assert_type(numbers, AggregatedMetrics)
    assert_type(numbers.data, float | None)
    buckets = client.analytics.get_metrics_breakdown(
        "view", "country", view_duration="5s", page_size=100
    )
    assert_type(buckets, Paginator[MetricBucket])
    client.analytics.list_video_sessions("vi1", period=(date(2018, 1, 1), date(2018, 2, 1)))


async def raw(client: ApiVideoClient) -> None:
    """Every method of ``with_raw_response`` has the arguments and the result of its original."""
    videos = client.videos.with_raw_response
    assert_type(await videos.get("vi1"), RawResponse[Video])
    assert_type((await videos.get("vi1")).value.title, str | None)
    assert_type(await videos.list(tags=["a"], page_size=10), RawResponse[Page[Video]])
    assert_type(await videos.create(title="t", public=True), RawResponse[Video])
    assert_type(await videos.delete("vi1", missing_ok=True), RawResponse[None])
    assert_type(await videos.upload("vi1", b"x", filename="x.mp4"), RawResponse[Video])
    assert_type(await videos.upload_with_token("to1", b"x"), RawResponse[Video])
    assert_type(await videos.upload_thumbnail("vi1", b"x"), RawResponse[Video])
    assert_type(await videos.wait_until_playable("vi1", timeout=9), RawResponse[VideoStatus])
    assert_type(await client.captions.with_raw_response.get("vi1", "fr"), RawResponse[Caption])
    assert_type(await client.chapters.with_raw_response.list("vi1"), RawResponse[Page[Chapter]])
    assert_type(await client.live_streams.with_raw_response.complete("li1"), RawResponse[None])
    assert_type(
        await client.analytics.with_raw_response.get_metrics_breakdown("view", "country"),
        RawResponse[Page[MetricBucket]],
    )
    assert_type(await client.account.with_raw_response.get(), RawResponse[Account])
    await videos.get()  # type: ignore[call-arg]
    await videos.update("vi1", titel="t")  # type: ignore[call-arg]
    await client.players.with_raw_response.create(enable_api="true")  # type: ignore[arg-type]
    videos.open_upload("vi1")  # type: ignore[attr-defined]
    client.webhooks.with_raw_response.verify(b"", {})  # type: ignore[attr-defined]


def events(client: ApiVideoClient, body: bytes, headers: dict[str, str]) -> None:
    event = client.webhooks.unwrap(body, headers)
    assert_type(event, WebhookEvent)
    if isinstance(event, VideoEncodingQualityCompleted):
        assert_type(event.video_id, str | None)
    assert_type(webhooks.verify(body, headers, ["new", "old"]), None)
    handler = WebhookHandler("secret")

    @handler.on(VideoEncodingQualityCompleted)
    async def ready(event: VideoEncodingQualityCompleted) -> None: ...

    @handler.on(UnknownEvent)  # type: ignore[arg-type]
    async def wrong_event(event: VideoEncodingQualityCompleted) -> None: ...


async def wrong(client: ApiVideoClient) -> None:
    await client.videos.create()  # type: ignore[call-arg]
    await client.videos.create(titel="t")  # type: ignore[call-arg]
    await client.videos.create(title="t", public="yes")  # type: ignore[arg-type]
    await client.videos.create(title=None)  # type: ignore[arg-type]
    await client.videos.create(title="t", player_id=None)  # type: ignore[arg-type]
    await client.videos.create(title="t", extra_body=[])  # type: ignore[arg-type]
    await client.upload_tokens.create(extra_headers={})  # type: ignore[call-arg]
    await client.videos.create(title="t", metadata=[("a", "b")])  # type: ignore[arg-type]
    await client.videos.update("vi1", description=None)  # type: ignore[arg-type]
    await client.videos.update("vi1", clip=VideoClip())  # type: ignore[call-arg]
    await client.videos.get(video_id=5)  # type: ignore[arg-type]
    await client.videos.pick_thumbnail("vi1", timecode=3)  # type: ignore[arg-type]
    client.videos.list(sort_by="name")  # type: ignore[arg-type]
    client.videos.list(page=2)  # type: ignore[call-arg]
    await client.captions.update("vi1", "fr", default="yes")  # type: ignore[arg-type]
    await client.captions.upload("vi1", "fr")  # type: ignore[call-arg]
    await client.live_streams.create(name="x", restreams=[{"name": "a"}])  # type: ignore[list-item]
    await client.players.create(enable_api="true")  # type: ignore[arg-type]
    await client.summaries.create("vi1")  # type: ignore[call-arg]
    await client.summaries.create(video_id="vi1", attributes=["title"])  # type: ignore[list-item]
    await client.webhooks.create(events="a", url=5)  # type: ignore[arg-type]
    await client.analytics.get_aggregated_metrics("play")  # type: ignore[call-arg]
    await client.analytics.get_aggregated_metrics("play", "count", from_="2024-01-01")  # type: ignore[arg-type]
    client.analytics.get_metrics_breakdown("view", "country", view_duration="7s")  # type: ignore[arg-type]
    FilterBy(planet="earth")  # type: ignore[typeddict-unknown-key]
    (await client.videos.get("vi1")).title = "x"  # type: ignore[misc]
    assert (await client.videos.get("vi1")).titel  # type: ignore[attr-defined]
    webhooks.unwrap("text", {}, "secret")  # type: ignore[arg-type]
