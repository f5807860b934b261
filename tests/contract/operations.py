"""Every operation of api.video: how it is called here, and what must then be on the wire.

See service.md#operations, service.md#legacy-operations.

Each row passes every argument, so that the request contains every parameter of this package.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from typing import Any
from urllib.parse import quote

from attrs import field, frozen

from apivideo_async import models as m
from tests.conftest import CHUNK, options

ID = {
    "videoId": "vi/1 é",
    "uploadToken": "to?1",
    "liveStreamId": "li#1",
    "playerId": "pl%1",
    "watermarkId": "watermark_1",
    "summaryId": "summary_1",
    "webhookId": "webhook_1",
    "sessionId": "ps1",
    "language": "fr-BE",
    "metric": "view",
    "aggregation": "count",
    "breakdown": "operating-system",
}
"""What stands for each path parameter; ids are opaque, so these hold what must be quoted."""

VTT = b"WEBVTT\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
FROM = datetime(2024, 2, 5, tzinfo=timezone(timedelta(hours=1)))


@frozen(kw_only=True)
class Operation:
    """One row."""

    name: str
    """The method: ``videos.list``."""
    verb: str
    path: str
    """As the specification writes it."""
    options: Mapping[str, Any] = field(factory=dict)
    """Every keyword the method takes."""
    required: tuple[str, ...] = ()
    """Those it cannot do without."""
    source: bytes | None = None
    query: list[tuple[str, str]] = field(factory=list)
    json: Any = None
    bare: Any = None
    """The JSON when only what is required is given."""
    file: tuple[str, str] | None = None
    """File name and content type of the multipart body."""
    fields: Mapping[str, str] = field(factory=dict)
    status: int = 200
    model: Any = None
    """What an answer becomes; of a list, what an item becomes. None: the answer is empty."""
    answer: Any = None
    listed: bool = False
    authenticated: bool = True

    @property
    def arguments(self) -> list[Any]:
        """The positional arguments: path parameters, then the source."""
        names = [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
        given: list[Any] = [ID[name] for name in names]
        if self.name == "videos.upload_with_token":
            given.append(ID["uploadToken"])
        return given if self.source is None else [*given, self.source]

    @property
    def quoted(self) -> str:
        path = self.path
        for name, value in ID.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        return path

    @property
    def body(self) -> Any:
        """What the server answers."""
        if not self.listed:
            return self.answer
        return {
            "data": [self.answer, {**self.answer, "new": 1}],
            "pagination": {"pagesTotal": 1, "links": []},
        }

    def method(self, client: Any) -> Callable[..., Any]:
        section, _, name = self.name.partition(".")
        return getattr(getattr(client, section), name)

    def call(self, client: Any) -> Any:
        return self.method(client)(*self.arguments, **self.options)

    def call_bare(self, client: Any) -> Any:
        return self.method(client)(
            *self.arguments, **{name: self.options[name] for name in self.required}
        )


PAGE = {"current_page": 2, "page_size": 50}
PAGE_QUERY = [("currentPage", "2"), ("pageSize", "50")]


def wire_pairs(wire: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name to text, or to pairs, as pairs."""
    return [
        pair
        for key, value in wire.items()
        for pair in (value if isinstance(value, list) else [(key, value)])
    ]


def listing(
    name: str, path: str, model: Any, answer: Any, given: Any = None, wire: Any = None
) -> Operation:
    return Operation(
        name=name,
        verb="GET",
        path=path,
        options={**(given or {}), **PAGE},
        query=[*wire_pairs(wire or {}), *PAGE_QUERY],
        model=model,
        answer=answer,
        listed=True,
    )


def removal(name: str, path: str) -> Operation:
    return Operation(name=name, verb="DELETE", path=path, options={"missing_ok": True}, status=204)


def show(name: str, path: str, model: Any, answer: Any) -> Operation:
    return Operation(name=name, verb="GET", path=path, model=model, answer=answer)


VIDEO = {
    "videoId": "vi1",
    "title": "t",
    "metadata": [{"key": "a", "value": "b"}],
    "assets": {"hls": "https://x/y"},
}
TOKEN = {"token": "to1", "ttl": 60, "createdAt": "2024-05-28T11:15:07+00:00"}
CAPTION = {
    "uri": "/videos/vi1/captions/fr",
    "srclang": "fr",
    "languageName": "Français",
    "default": True,
}
CHAPTER = {"uri": "/videos/vi1/chapters/fr", "src": "https://x/fr.vtt", "language": "fr"}
LIVE = {
    "liveStreamId": "li1",
    "streamKey": "k",
    "restreams": [{"name": "n", "serverUrl": "rtmp://x/y"}],
}
THEME = {
    "playerId": "pl1",
    "name": "n",
    "enableApi": False,
    "assets": {"logo": "https://x/logo.png"},
}
WATERMARK = {"watermarkId": "watermark_1", "createdAt": "2024-05-28T11:15:07+00:00"}
SUMMARY = {"summaryId": "summary_1", "videoId": "vi1", "origin": "auto", "sourceStatus": "waiting"}
SUMMARY_TEXT = {"abstract": "a", "takeaways": ["b"]}
HOOK = {
    "webhookId": "webhook_1",
    "events": ["video.source.recorded"],
    "url": "https://x",
    "signatureSecret": "s",
}
CONTEXT = {"metric": "unique-view-5", "timeframe": {"from": "2024-05-28T11:15:07+00:00"}}
SESSION = {
    "session": {"sessionId": "ps1"},
    "location": {"country": "France"},
    "os": {"shortname": "W10"},
}
TOKENS = {"access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 3600}

SORTED = {"sort_by": "createdAt", "sort_order": "desc"}
SORTED_WIRE: dict[str, Any] = {"sortBy": "createdAt", "sortOrder": "desc"}
VIDEO_QUERY = {
    "title": "é&",
    "tags": ["a", "b c"],
    "metadata": {"Author": "John Doe", "x": "1&2"},
    "description": "d",
    "live_stream_id": "li1",
    **SORTED,
}
VIDEO_WIRE: dict[str, Any] = {
    "title": "é&",
    "tags": [("tags[]", "a"), ("tags[]", "b c")],
    "metadata": [("metadata[Author]", "John Doe"), ("metadata[x]", "1&2")],
    "description": "d",
    "liveStreamId": "li1",
    **SORTED_WIRE,
}

UPDATE = {
    "title": "One",
    "description": "d",
    "public": False,
    "panoramic": True,
    "mp4_support": False,
    "player_id": None,
    "tags": ("a", "b"),
    "metadata": {"k": "v"},
    "language": "fr",
    "transcript": True,
    "transcript_summary": True,
    "transcript_summary_attributes": ["abstract", "takeaways"],
}
UPDATE_WIRE = {
    "title": "One",
    "description": "d",
    "public": False,
    "panoramic": True,
    "mp4Support": False,
    "playerId": None,
    "tags": ["a", "b"],
    "metadata": [{"key": "k", "value": "v"}],
    "language": "fr",
    "transcript": True,
    "transcriptSummary": True,
    "transcriptSummaryAttributes": ["abstract", "takeaways"],
}
CREATE = {
    "source": "https://example.com/movie.mp4",
    "clip": m.VideoClip(start_timecode=timedelta(seconds=3), end_timecode="00:01:00"),
    "watermark": m.VideoWatermark(
        id="w1",
        top="1px",
        left="2%",
        bottom="3px",
        right="4px",
        width="50%",
        height="initial",
        opacity="70%",
    ),
    "player_id": "pl1",
}
CREATE_WIRE = {
    "source": "https://example.com/movie.mp4",
    "clip": {"startTimecode": "00:00:03.000", "endTimecode": "00:01:00"},
    "watermark": {
        "id": "w1",
        "top": "1px",
        "left": "2%",
        "bottom": "3px",
        "right": "4px",
        "width": "50%",
        "height": "initial",
        "opacity": "70%",
    },
    "playerId": "pl1",
}

THEME_TEXTS = {
    "name": "name",
    "text": "text",
    "link": "link",
    "link_hover": "linkHover",
    "link_active": "linkActive",
    "track_played": "trackPlayed",
    "track_unplayed": "trackUnplayed",
    "track_background": "trackBackground",
    "background_top": "backgroundTop",
    "background_bottom": "backgroundBottom",
    "background_text": "backgroundText",
}
THEME_FLAGS = {
    "enable_api": "enableApi",
    "enable_controls": "enableControls",
    "force_autoplay": "forceAutoplay",
    "hide_title": "hideTitle",
    "force_loop": "forceLoop",
}
THEME_OPTIONS = {
    **dict.fromkeys(THEME_TEXTS, "rgba(1, 2, 3, .5)"),
    **dict.fromkeys(THEME_FLAGS, False),
}
THEME_WIRE = {
    **dict.fromkeys(THEME_TEXTS.values(), "rgba(1, 2, 3, .5)"),
    **dict.fromkeys(THEME_FLAGS.values(), False),
}

LIVE_OPTIONS = {
    "name": "Live",
    "public": False,
    "player_id": "pl1",
    "restreams": [m.Restream(name="Y", server_url="rtmp://host/app", stream_key="k")],
}
LIVE_WIRE = {
    "name": "Live",
    "public": False,
    "playerId": "pl1",
    "restreams": [{"name": "Y", "serverUrl": "rtmp://host/app", "streamKey": "k"}],
}

METRICS = {
    "from_": FROM,
    "to": datetime(2024, 2, 6, 1, 2, 3, tzinfo=UTC),
    "unique": True,
    "view_duration": timedelta(seconds=5),
    "filter_by": {
        "media_id": ["vi1"],
        "media_type": "video",
        "continent": ["EU", "AS"],
        "country": "FR",
        "device_type": ("tv", "phone"),
        "operating_system": ["mac osx"],
        "browser": ["firefox", "chrome"],
        "tag": "Cool videos",
        "referrer": ["https://example.com/a?b=c&d", ""],
    },
}
METRICS_WIRE: dict[str, Any] = {
    "from": "2024-02-05T00:00:00+01:00",
    "to": "2024-02-06T01:02:03+00:00",
    "unique": "true",
    "viewDuration": "5s",
    "filterBy": [
        ("filterBy[mediaId][]", "vi1"),
        ("filterBy[mediaType]", "video"),
        ("filterBy[continent][]", "EU"),
        ("filterBy[continent][]", "AS"),
        ("filterBy[country][]", "FR"),
        ("filterBy[deviceType][]", "tv"),
        ("filterBy[deviceType][]", "phone"),
        ("filterBy[operatingSystem][]", "mac osx"),
        ("filterBy[browser][]", "firefox"),
        ("filterBy[browser][]", "chrome"),
        ("filterBy[tag]", "Cool videos"),
        ("filterBy[referrer][]", "https://example.com/a?b=c&d"),
        ("filterBy[referrer][]", ""),
    ],
}

post = partial(Operation, verb="POST")
patch = partial(Operation, verb="PATCH")

OPERATIONS = [
    post(
        name="auth.authenticate", path="/auth/api-key", options={"api_key": "other"},
        json={"apiKey": "other"},
        bare={"apiKey": "key"}, model=m.AccessToken, answer=TOKENS, authenticated=False,
    ),
    post(
        name="auth.refresh", path="/auth/refresh", options={"refresh_token": "rt"},
        required=("refresh_token",),
        json={"refreshToken": "rt"}, bare={"refreshToken": "rt"}, model=m.AccessToken,
        answer=TOKENS,
        authenticated=False,
    ),
    listing("videos.list", "/videos", m.Video, VIDEO, VIDEO_QUERY, VIDEO_WIRE),
    post(
        name="videos.create", path="/videos", options={**UPDATE, **CREATE}, required=("title",),
        json={**UPDATE_WIRE, **CREATE_WIRE}, bare={"title": "One"}, status=202, model=m.Video,
        answer=VIDEO,
    ),
    show("videos.get", "/videos/{videoId}", m.Video, VIDEO),
    patch(name="videos.update", path="/videos/{videoId}", options=UPDATE, json=UPDATE_WIRE,
        bare={}, model=m.Video,
          answer=VIDEO),
    removal("videos.delete", "/videos/{videoId}"),
    post(
        name="videos.upload", path="/videos/{videoId}/source", source=bytes(CHUNK),
        options={"filename": "a.mp4", "options": options(chunk_size=None, verify=False)},
        file=("a.mp4", "video/mp4"), status=201, model=m.Video, answer={**VIDEO,
        "videoId": ID["videoId"]},
    ),
    post(
        name="videos.upload_with_token", path="/upload", source=bytes(CHUNK), query=[("token",
        ID["uploadToken"])],
        options={"video_id": "vi1", "filename": "a.mp4", "options": options(chunk_size=None)},
        file=("a.mp4", "video/mp4"), fields={"videoId": "vi1"}, status=201, model=m.Video,
        answer=VIDEO,
        authenticated=False,
    ),
    show("videos.get_status", "/videos/{videoId}/status", m.VideoStatus,
        {"encoding": {"playable": True}}),
    post(
        name="videos.upload_thumbnail", path="/videos/{videoId}/thumbnail", source=PNG,
        options={"filename": "a.webp"},
        file=("a.webp", "image/webp"), model=m.Video, answer=VIDEO,
    ),
    patch(
        name="videos.pick_thumbnail", path="/videos/{videoId}/thumbnail",
        options={"timecode": timedelta(minutes=1)},
        required=("timecode",), json={"timecode": "00:01:00.000"},
        bare={"timecode": "00:01:00.000"}, model=m.Video,
        answer=VIDEO,
    ),
    listing("videos.list_discarded", "/discarded/videos", m.Video, VIDEO, VIDEO_QUERY, VIDEO_WIRE),
    show("videos.get_discarded", "/discarded/videos/{videoId}", m.Video, VIDEO),
    patch(
        name="videos.restore", path="/discarded/videos/{videoId}", json={"discarded": False},
        bare={"discarded": False}, model=m.Video, answer=VIDEO,
    ),
    listing("upload_tokens.list", "/upload-tokens", m.UploadToken, TOKEN, SORTED, SORTED_WIRE),
    post(
        name="upload_tokens.create", path="/upload-tokens", options={"ttl": timedelta(minutes=1)},
        json={"ttl": 60},
        bare={"ttl": 0}, model=m.UploadToken, answer=TOKEN,
    ),
    show("upload_tokens.get", "/upload-tokens/{uploadToken}", m.UploadToken, TOKEN),
    removal("upload_tokens.delete", "/upload-tokens/{uploadToken}"),
    listing("captions.list", "/videos/{videoId}/captions", m.Caption, CAPTION),
    post(
        name="captions.upload", path="/videos/{videoId}/captions/{language}", source=VTT,
        options={"filename": "a.vtt"}, file=("a.vtt", "text/vtt"), model=m.Caption, answer=CAPTION,
    ),
    show("captions.get", "/videos/{videoId}/captions/{language}", m.Caption, CAPTION),
    patch(
        name="captions.update", path="/videos/{videoId}/captions/{language}",
        options={"default": True},
        required=("default",), json={"default": True}, bare={"default": True}, model=m.Caption,
        answer=CAPTION,
    ),
    removal("captions.delete", "/videos/{videoId}/captions/{language}"),
    listing("chapters.list", "/videos/{videoId}/chapters", m.Chapter, CHAPTER),
    post(
        name="chapters.upload", path="/videos/{videoId}/chapters/{language}", source=VTT,
        options={"filename": "a.vtt"}, file=("a.vtt", "text/vtt"), model=m.Chapter, answer=CHAPTER,
    ),
    show("chapters.get", "/videos/{videoId}/chapters/{language}", m.Chapter, CHAPTER),
    removal("chapters.delete", "/videos/{videoId}/chapters/{language}"),
    listing(
        "live_streams.list", "/live-streams", m.LiveStream, LIVE, {"stream_key": "k", "name": "n",
        **SORTED},
        {"streamKey": "k", "name": "n", **SORTED_WIRE},
    ),
    post(
        name="live_streams.create", path="/live-streams", options=LIVE_OPTIONS, required=("name",),
        json=LIVE_WIRE,
        bare={"name": "Live"}, model=m.LiveStream, answer=LIVE,
    ),
    show("live_streams.get", "/live-streams/{liveStreamId}", m.LiveStream, LIVE),
    patch(
        name="live_streams.update", path="/live-streams/{liveStreamId}", options=LIVE_OPTIONS,
        json=LIVE_WIRE,
        bare={}, model=m.LiveStream, answer=LIVE,
    ),
    removal("live_streams.delete", "/live-streams/{liveStreamId}"),
    post(
        name="live_streams.upload_thumbnail", path="/live-streams/{liveStreamId}/thumbnail",
        source=PNG,
        options={"filename": "a.jpg"}, file=("a.jpg", "image/jpeg"), status=201,
        model=m.LiveStream, answer=LIVE,
    ),
    Operation(
        name="live_streams.delete_thumbnail", verb="DELETE",
        path="/live-streams/{liveStreamId}/thumbnail",
        model=m.LiveStream, answer=LIVE,
    ),
    Operation(name="live_streams.complete", verb="PUT",
        path="/live-streams/{liveStreamId}/complete", status=202),
    listing("players.list", "/players", m.PlayerTheme, THEME, SORTED, SORTED_WIRE),
    post(
        name="players.create", path="/players", options=THEME_OPTIONS, json=THEME_WIRE, bare={},
        status=201,
        model=m.PlayerTheme, answer=THEME,
    ),
    show("players.get", "/players/{playerId}", m.PlayerTheme, THEME),
    patch(
        name="players.update", path="/players/{playerId}", options=THEME_OPTIONS, json=THEME_WIRE,
        bare={},
        model=m.PlayerTheme, answer=THEME,
    ),
    removal("players.delete", "/players/{playerId}"),
    post(
        name="players.upload_logo", path="/players/{playerId}/logo", source=PNG,
        options={"link": "https://api.video", "filename": "logo.png"},
        fields={"link": "https://api.video"},
        file=("logo.png", "image/png"), status=201, model=m.PlayerTheme, answer=THEME,
    ),
    removal("players.delete_logo", "/players/{playerId}/logo"),
    listing("watermarks.list", "/watermarks", m.Watermark, WATERMARK, SORTED, SORTED_WIRE),
    post(
        name="watermarks.upload", path="/watermarks", source=PNG, options={"filename": "a.png"},
        file=("a.png", "image/png"), model=m.Watermark, answer=WATERMARK,
    ),
    removal("watermarks.delete", "/watermarks/{watermarkId}"),
    listing(
        "tags.list", "/tags", m.Tag, {"value": "a", "videoCount": 3},
        {"value": "a", "sort_by": "videoCount", "sort_order": "asc"},
        {"value": "a", "sortBy": "videoCount", "sortOrder": "asc"},
    ),
    listing(
        "summaries.list", "/summaries", m.Summary, SUMMARY,
        {"video_id": "vi1", "origin": "auto", "source_status": "completed", **SORTED},
        {"videoId": "vi1", "origin": "auto", "sourceStatus": "completed", **SORTED_WIRE},
    ),
    post(
        name="summaries.create", path="/summaries",
        options={"video_id": "vi1", "origin": "auto", "attributes": ("abstract", "takeaways")},
        required=("video_id",), json={"videoId": "vi1", "origin": "auto",
        "attributes": ["abstract", "takeaways"]},
        bare={"videoId": "vi1"}, status=201, model=m.Summary, answer=SUMMARY,
    ),
    removal("summaries.delete", "/summaries/{summaryId}"),
    show("summaries.get_source", "/summaries/{summaryId}/source", m.SummarySource, SUMMARY_TEXT),
    patch(
        name="summaries.update_source", path="/summaries/{summaryId}/source",
        options={"abstract": "a", "takeaways": ("b", "c")}, json={"abstract": "a",
        "takeaways": ["b", "c"]}, bare={},
        status=201, model=m.SummarySource, answer=SUMMARY_TEXT,
    ),
    Operation(
        name="analytics.get_aggregated_metrics", verb="GET",
        path="/data/metrics/{metric}/{aggregation}",
        options=METRICS, query=wire_pairs(METRICS_WIRE),
        model=m.AggregatedMetrics, answer={"context": CONTEXT, "data": 346.5},
    ),
    listing(
        "analytics.get_metrics_breakdown", "/data/buckets/{metric}/{breakdown}", m.MetricBucket,
        {"dimensionValue": "FR", "metricValue": 7}, {**METRICS, "sort_by": "metricValue",
        "sort_order": "desc"},
        {**METRICS_WIRE, "sortBy": "metricValue", "sortOrder": "desc"},
    ),
    listing(
        "analytics.get_metrics_over_time", "/data/timeseries/{metric}", m.MetricPoint,
        {"emittedAt": "2024-05-28T11:00:00+00:00", "metricValue": 2.5},
        {**METRICS, "interval": "hour", "sort_by": "emittedAt", "sort_order": "asc"},
        {**METRICS_WIRE, "interval": "hour", "sortBy": "emittedAt", "sortOrder": "asc"},
    ),
    listing("webhooks.list", "/webhooks", m.Webhook, HOOK, {"events": "video.source.recorded"},
            {"events": "video.source.recorded"}),
    post(
        name="webhooks.create", path="/webhooks", options={"events": ("video.source.recorded",),
        "url": "https://x"},
        required=("events", "url"), json={"events": ["video.source.recorded"], "url": "https://x"},
        bare={"events": ["video.source.recorded"], "url": "https://x"}, status=201,
        model=m.Webhook, answer=HOOK,
    ),
    show("webhooks.get", "/webhooks/{webhookId}", m.Webhook, HOOK),
    removal("webhooks.delete", "/webhooks/{webhookId}"),
    show("account.get", "/account", m.Account, {"quota": {"quotaUsed": 6}, "features": ["a"],
        "environment": "test"}),
    listing(
        "analytics.list_video_sessions", "/analytics/videos/{videoId}", m.PlayerSession, SESSION,
        {"period": (date(2018, 1, 1), date(2018, 1, 15)), "metadata": {"k": "v"}},
        {"period": "2018-01-01/2018-01-15", "metadata": [("metadata[k]", "v")]},
    ),
    listing(
        "analytics.list_live_stream_sessions", "/analytics/live-streams/{liveStreamId}",
        m.PlayerSession, SESSION,
        {"period": date(2018, 1, 1)}, {"period": "2018-01-01"},
    ),
    listing(
        "analytics.list_session_events", "/analytics/sessions/{sessionId}/events",
        m.PlayerSessionEvent,
        {"type": "seek.forward", "emittedAt": "2020-09-15T09:47:42+00:00", "from": 7, "to": 21},
    ),
]  # fmt: skip
