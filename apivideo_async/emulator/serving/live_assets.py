"""Assets of live streams (service.md#assets, service.md#other-private-assets)."""

from aiohttp import web

from ..operations import Call
from ..pages.rendering import html_response
from ..rules.problems import not_found
from ..state.records import LiveStream
from .delivery import (
    asset_base,
    manifest_response,
    new_token,
    player_urls,
    session_response,
    thumbnail_response,
    vendor_urls,
    viewer_session,
)

__all__ = ["live_urls", "manifest", "player", "session_token", "thumbnail"]


def live_urls(call: Call, live: LiveStream) -> dict[str, str]:
    token = new_token(call, live)
    public = asset_base(call, "/live", live, None)
    if token is None:
        base, manifest = public, f"{public}.m3u8"
    elif vendor_urls(call):
        base = f"{call.request.url.origin()}/private/{token}/{live.id}"
        manifest = f"{base}.m3u8"
    else:
        base = asset_base(call, "/live", live, token)
        manifest = f"{base}/manifest.m3u8"
    return {
        **player_urls(public, token),
        "hls": manifest,
        "thumbnail": f"{base}/thumbnail.jpg",
    }


def _found(call: Call) -> LiveStream:
    """Return the live stream. Raises a refusal (404) for a private URL of the other form."""
    vendor_form = call.request.path.startswith("/private/")
    if "token" in call.request.match_info and vendor_form != vendor_urls(call):
        raise not_found("liveStreamId")
    return call.state.live_streams.find(call.parameter("liveStreamId"))


def _viewed(call: Call, token: str | None) -> LiveStream:
    live = _found(call)
    viewer_session(call, live, "liveStreamId", token)
    return live


async def player(call: Call) -> web.StreamResponse:
    live = _viewed(call, call.request.query.get("token"))
    state = "on the air" if live.broadcasting else "off the air"
    return html_response("live.html", title=str(live.attributes["name"]), state=state)


async def manifest(call: Call) -> web.StreamResponse:
    """Send a manifest without segments: 404 before the first broadcast, ended after it."""
    live = _viewed(call, call.request.match_info.get("token"))
    if live.media is None:
        raise not_found("liveStreamId")
    return manifest_response([] if live.broadcasting else ["#EXT-X-ENDLIST"])


async def thumbnail(call: Call) -> web.StreamResponse:
    return thumbnail_response(_viewed(call, call.request.match_info.get("token")).thumbnail)


async def session_token(call: Call) -> web.StreamResponse:
    """Exchange a private token for a session, as for videos (service.md#private-sessions)."""
    return session_response(call, _found(call), "liveStreamId")
