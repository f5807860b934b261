"""Assets of live streams (service.md#assets, service.md#other-private-assets)."""

from html import escape

from aiohttp import web

from ..operations import Call, html_response
from ..rules.problems import not_found
from ..state.records import LiveStream
from .delivery import (
    asset_base,
    manifest_response,
    open_session,
    player_urls,
    thumbnail_response,
    viewer_session,
)

__all__ = ["live_urls", "manifest", "player", "session_token", "thumbnail", "vendor_session_token"]


def live_urls(call: Call, live: LiveStream) -> dict[str, str]:
    base = asset_base(call, "/live", live)
    return {
        **player_urls(base),
        "hls": _manifest_url(call, live, base),
        "thumbnail": f"{base}/thumbnail.jpg",
    }


def _manifest_url(call: Call, live: LiveStream, base: str) -> str:
    if live.public:
        return f"{base}.m3u8"
    if "private-urls" in call.state.settings.quirks:
        token = base.rpartition("/")[2]
        return f"{call.request.url.origin()}/private/{token}/{live.id}.m3u8"
    return f"{base}/manifest.m3u8"


def _viewed(call: Call, token: str | None) -> LiveStream:
    live = call.state.live_streams.find(call.parameter("liveStreamId"))
    viewer_session(call, live, "liveStreamId", token)
    return live


async def player(call: Call) -> web.StreamResponse:
    live = _viewed(call, call.request.query.get("token"))
    state = "on the air" if live.broadcasting else "off the air"
    return html_response("live.html", title=escape(live.attributes["name"]), state=state)


async def manifest(call: Call) -> web.StreamResponse:
    """Send a manifest without segments: 404 before the first broadcast, ended after it."""
    live = _viewed(call, call.request.match_info.get("token"))
    if live.media is None:
        raise not_found("liveStreamId")
    return manifest_response([] if live.broadcasting else ["#EXT-X-ENDLIST"])


async def session_token(call: Call) -> web.StreamResponse:
    """Exchange a private token for a session (service.md#private-sessions)."""
    live = call.state.live_streams.find(call.parameter("liveStreamId"))
    if "private-urls" in call.state.settings.quirks:
        raise not_found("liveStreamId")
    return open_session(call, live.id, "liveStreamId")


async def vendor_session_token(call: Call) -> web.StreamResponse:
    """Exchange a private token at the URL of the vendor's player (quirk ``private-urls``)."""
    owner = call.state.private_sessions.owner(call.parameter("token"))
    return open_session(call, owner, "token")


async def thumbnail(call: Call) -> web.StreamResponse:
    return thumbnail_response(_viewed(call, call.request.match_info.get("token")).thumbnail)
