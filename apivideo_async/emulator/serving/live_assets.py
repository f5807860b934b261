"""Assets of live streams on the delivery hosts: page, manifest and thumbnail (service.md#assets).

Private live streams use the token scheme of private videos (service.md#other-private-assets).
"""

from __future__ import annotations

from html import escape

from aiohttp import web

from ..operations import Call, Operation, asset, open_asset
from ..rules.problems import not_found
from ..state.items import StoredFile
from ..state.records import LiveStream
from .pictures import grey_picture
from .viewers import asset_base, iframe, player_url, viewer_session

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{state}</p></body></html>
"""


def live_urls(call: Call, live: LiveStream) -> dict[str, str]:
    """Return the ``live-stream-assets`` schema."""
    base = asset_base(call, f"/live/{live.key}", live.key, public=live.public)
    player = player_url(base)
    return {
        "iframe": iframe(player),
        "player": player,
        "hls": f"{base}.m3u8" if live.public else f"{base}/manifest.m3u8",
        "thumbnail": f"{base}/thumbnail.jpg",
    }


def _admitted(call: Call, token: str | None) -> LiveStream:
    live = call.state.live_streams.find(call.path("liveStreamId"))
    viewer_session(call, live.key, "liveStreamId", public=live.public, token=token)
    return live


def _from_path(call: Call) -> LiveStream:
    return _admitted(call, call.request.match_info.get("token"))


async def player(call: Call) -> web.StreamResponse:
    """Send a page that says whether the stream is broadcasting."""
    live = _admitted(call, call.request.query.get("token"))
    state = "on the air" if live.broadcasting else "off the air"
    return web.Response(
        text=_PAGE.format(title=escape(live.attributes["name"]), state=state),
        content_type="text/html",
    )


async def manifest(call: Call) -> web.StreamResponse:
    """Send a manifest without segments.

    It is 404 before the first broadcast and has the end mark after a broadcast.
    """
    live = _from_path(call)
    if live.media is None:
        raise not_found("liveStreamId")
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1"]
    lines += [] if live.broadcasting else ["#EXT-X-ENDLIST"]
    return web.Response(text="\n".join(lines) + "\n", content_type="application/vnd.apple.mpegurl")


async def thumbnail(call: Call) -> web.StreamResponse:
    """Send the uploaded thumbnail, or a grey picture."""
    body, content_type = _from_path(call).thumbnail or StoredFile(grey_picture(), "image/png")
    return web.Response(body=body, content_type=content_type)


OPERATIONS: tuple[Operation, ...] = (
    open_asset("assets.live_hls", "/live/{liveStreamId}.m3u8", manifest),
    open_asset("assets.live_hls", "/live/{liveStreamId}/token/{token}/manifest.m3u8", manifest),
    *asset("assets.live_thumbnail", "/live/{liveStreamId}", "thumbnail.jpg", thumbnail),
    open_asset("assets.live_player", "/live/{liveStreamId}", player),
)
