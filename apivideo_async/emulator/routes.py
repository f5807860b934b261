"""The table of all operations, and the aiohttp application that routes requests to them."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from .api import (
    account,
    analytics,
    control,
    live_streams,
    players,
    summaries,
    uploads,
    videos,
    webhooks,
)
from .api.text_tracks import CAPTIONS, CHAPTERS, update_caption
from .browsers import AllowedHosts
from .faults.fault_list import FAULTS, FaultList
from .operations import Handler, Operation
from .pages import dashboard
from .pipeline import Pipeline
from .serving import assets, live_assets, player_page
from .state.state import State

__all__ = ["OPERATIONS", "OPERATION_NAMES", "application"]

# Limit of a JSON body in bytes. Uploads are streamed and do not have this limit.
_MAX_JSON = 16 * 1024 * 1024

# Name, method, path and handler. The section completes the name, the common path the path.
_Row: TypeAlias = tuple[str, str, str, Handler]

# The operations that need the API key, by section and common path: those of the specification
# (service.md#operations), and at the end four older ones (service.md#legacy-operations).
_API: dict[tuple[str, str], tuple[_Row, ...]] = {
    ("videos", "/videos"): (
        ("list", "GET", "", videos.VIDEOS.list_items),
        ("create", "POST", "", videos.create),
        ("get", "GET", "/{videoId}", videos.VIDEOS.get),
        ("update", "PATCH", "/{videoId}", videos.update),
        ("delete", "DELETE", "/{videoId}", videos.delete),
        ("get_status", "GET", "/{videoId}/status", videos.get_status),
        ("upload_thumbnail", "POST", "/{videoId}/thumbnail", videos.upload_thumbnail),
        ("pick_thumbnail", "PATCH", "/{videoId}/thumbnail", videos.pick_thumbnail),
    ),
    ("videos", "/discarded/videos"): (
        ("list_discarded", "GET", "", videos.DISCARDED.list_items),
        ("get_discarded", "GET", "/{videoId}", videos.DISCARDED.get),
        ("restore", "PATCH", "/{videoId}", videos.restore),
    ),
    ("captions", "/videos/{videoId}/captions"): (
        ("list", "GET", "", CAPTIONS.list_tracks),
        ("upload", "POST", "/{language}", CAPTIONS.upload),
        ("get", "GET", "/{language}", CAPTIONS.get),
        ("update", "PATCH", "/{language}", update_caption),
        ("delete", "DELETE", "/{language}", CAPTIONS.delete),
    ),
    ("chapters", "/videos/{videoId}/chapters"): (
        ("list", "GET", "", CHAPTERS.list_tracks),
        ("upload", "POST", "/{language}", CHAPTERS.upload),
        ("get", "GET", "/{language}", CHAPTERS.get),
        ("delete", "DELETE", "/{language}", CHAPTERS.delete),
    ),
    ("upload_tokens", "/upload-tokens"): (
        ("list", "GET", "", uploads.UPLOAD_TOKENS.list_items),
        ("create", "POST", "", uploads.create_token),
        ("get", "GET", "/{uploadToken}", uploads.UPLOAD_TOKENS.get),
        ("delete", "DELETE", "/{uploadToken}", uploads.UPLOAD_TOKENS.delete),
    ),
    ("live_streams", "/live-streams"): (
        ("list", "GET", "", live_streams.LIVE_STREAMS.list_items),
        ("create", "POST", "", live_streams.create),
        ("get", "GET", "/{liveStreamId}", live_streams.LIVE_STREAMS.get),
        ("update", "PATCH", "/{liveStreamId}", live_streams.LIVE_STREAMS.update),
        ("delete", "DELETE", "/{liveStreamId}", live_streams.LIVE_STREAMS.delete),
        ("upload_thumbnail", "POST", "/{liveStreamId}/thumbnail", live_streams.upload_thumbnail),
        ("delete_thumbnail", "DELETE", "/{liveStreamId}/thumbnail", live_streams.delete_thumbnail),
        ("complete", "PUT", "/{liveStreamId}/complete", live_streams.complete),
    ),
    ("players", "/players"): (
        ("list", "GET", "", players.PLAYERS.list_items),
        ("create", "POST", "", players.create),
        ("get", "GET", "/{playerId}", players.PLAYERS.get),
        ("update", "PATCH", "/{playerId}", players.PLAYERS.update),
        ("delete", "DELETE", "/{playerId}", players.PLAYERS.delete),
        ("upload_logo", "POST", "/{playerId}/logo", players.upload_logo),
        ("delete_logo", "DELETE", "/{playerId}/logo", players.delete_logo),
    ),
    ("watermarks", "/watermarks"): (
        ("list", "GET", "", videos.WATERMARKS.list_items),
        ("upload", "POST", "", videos.upload_watermark),
        ("delete", "DELETE", "/{watermarkId}", videos.WATERMARKS.delete),
    ),
    ("tags", "/tags"): (("list", "GET", "", videos.list_tags),),
    ("summaries", "/summaries"): (
        ("list", "GET", "", summaries.list_summaries),
        ("create", "POST", "", summaries.create),
        ("delete", "DELETE", "/{summaryId}", summaries.SUMMARIES.delete),
        ("get_source", "GET", "/{summaryId}/source", summaries.get_source),
        ("update_source", "PATCH", "/{summaryId}/source", summaries.update_source),
    ),
    ("webhooks", "/webhooks"): (
        ("list", "GET", "", webhooks.list_webhooks),
        ("create", "POST", "", webhooks.create),
        ("get", "GET", "/{webhookId}", webhooks.WEBHOOKS.get),
        ("delete", "DELETE", "/{webhookId}", webhooks.WEBHOOKS.delete),
    ),
    ("analytics", "/data"): (
        ("get_aggregated_metrics", "GET", "/metrics/{metric}/{aggregation}", analytics.aggregate),
        ("get_metrics_breakdown", "GET", "/buckets/{metric}/{breakdown}", analytics.break_down),
        ("get_metrics_over_time", "GET", "/timeseries/{metric}", analytics.over_time),
    ),
    ("analytics", "/analytics"): (
        ("list_video_sessions", "GET", "/videos/{videoId}", analytics.video_sessions),
        ("list_session_events", "GET", "/sessions/{sessionId}/events", analytics.session_events),
    ),
    ("analytics", "/analytics/live-streams"): (
        ("list_live_stream_sessions", "GET", "/{liveStreamId}", analytics.live_stream_sessions),
    ),
    ("account", "/account"): (("get", "GET", "", account.get),),
}
# Assets at a public URL and, with ``/token/{token}`` after the id, at one with a private token
# (service.md#private-videos): name, path of the item, rest of the path, handler.
_ASSETS: tuple[_Row, ...] = (
    ("assets.mp4", "/vod/{videoId}", "/mp4/source.mp4", assets.mp4),
    ("assets.media", "/vod/{videoId}", "/hls/media.mp4", assets.media),
    ("assets.hls", "/vod/{videoId}", "/hls/manifest.m3u8", assets.manifest),
    ("assets.thumbnail", "/vod/{videoId}", "/thumbnail.jpg", assets.thumbnail),
    ("assets.captions", "/vod/{videoId}", "/captions/{language}.vtt", CAPTIONS.serve),
    ("assets.chapters", "/vod/{videoId}", "/chapters/{language}.vtt", CHAPTERS.serve),
    ("assets.live_thumbnail", "/live/{liveStreamId}", "/thumbnail.jpg", live_assets.thumbnail),
)
# Assets at one URL.
_OTHER_ASSETS: tuple[tuple[str, str, Handler], ...] = (
    ("assets.player", "/vod/{videoId}/player", player_page.player),
    ("assets.player", "/vod/{videoId}", player_page.player),
    ("assets.session", "/vod/{videoId}/token/{token}/session", assets.session_token),
    ("assets.live_hls", "/live/{liveStreamId}.m3u8", live_assets.manifest),
    ("assets.live_hls", "/live/{liveStreamId}/token/{token}/manifest.m3u8", live_assets.manifest),
    ("assets.session", "/live/{liveStreamId}/token/{token}/session", live_assets.session_token),
    # The form of the vendor's session library (service.md#other-private-assets).
    ("assets.live_hls", "/private/{token}/{liveStreamId}.m3u8", live_assets.manifest),
    (
        "assets.live_thumbnail",
        "/private/{token}/{liveStreamId}/thumbnail.jpg",
        live_assets.thumbnail,
    ),
    ("assets.session", "/private/{token}/{liveStreamId}/session", live_assets.session_token),
    # After the manifest, whose URL it would match as well.
    ("assets.live_player", "/live/{liveStreamId}", live_assets.player),
    ("assets.logo", "/player/{playerId}/logo.png", players.serve_logo),
)
_SOURCE = "/videos/{videoId}/source"

OPERATIONS: tuple[Operation, ...] = (
    Operation("auth.authenticate", "POST", "/auth/api-key", account.authenticate, "open"),
    Operation("auth.refresh", "POST", "/auth/refresh", account.refresh, "open"),
    Operation("videos.upload", "POST", _SOURCE, uploads.upload, "key", "uploads"),
    Operation(
        "videos.upload_with_token",
        "POST",
        "/upload",
        uploads.upload_with_token,
        "upload-token",
        "uploads",
    ),
    *(
        Operation(f"{section}.{name}", method, root + path, handler)
        for (section, root), rows in _API.items()
        for name, method, path, handler in rows
    ),
    *(
        Operation(name, "GET", item + token + path, handler, "open")
        for name, item, path, handler in _ASSETS
        for token in ("", "/token/{token}")
    ),
    *(Operation(name, "GET", path, handler, "open") for name, path, handler in _OTHER_ASSETS),
    *(
        Operation("", method, path, handler, "control")
        for method, path, handler in (*dashboard.ROUTES, *control.ROUTES)
    ),
)
OPERATION_NAMES: tuple[str, ...] = tuple(
    dict.fromkeys(operation.name for operation in OPERATIONS if operation.name)
)
"""The names by which faults and the request log know the operations."""


def application(state: State, faults: FaultList, hosts: AllowedHosts) -> web.Application:
    """Build the application. Requests without a route go through the pipeline too."""
    operations = {(operation.method, operation.path): operation for operation in OPERATIONS}
    pipeline = Pipeline(state, faults, hosts, operations)

    # The middleware replaces the handlers of the routes, because it also receives the requests to
    # which aiohttp would send its own 404 or 405.
    @web.middleware
    async def handle_every_request(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        return await pipeline.handle(request)

    app = web.Application(middlewares=[handle_every_request], client_max_size=_MAX_JSON)
    # For ``api.control``. The state cannot refer to faults, whose actions import the state.
    app[FAULTS] = faults
    app[dashboard.OPERATION_NAMES] = OPERATION_NAMES
    for operation in OPERATIONS:
        if operation.method == "GET":
            # HEAD is allowed for assets and control pages. The API refuses it with 405.
            app.router.add_get(
                operation.path, pipeline.handle, allow_head=operation.access in {"open", "control"}
            )
        else:
            app.router.add_route(operation.method, operation.path, pipeline.handle)
    return app
