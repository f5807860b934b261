"""Assets of videos on the delivery hosts: file, player page, manifest and thumbnail.

URLs of a private video contain a token in the path (for the player: in the query). A token works
for one request, which opens a session. ``?avh=`` with the session gives access to all other assets.
See service.md#assets, service.md#private-videos.
"""

from __future__ import annotations

import contextlib
from html import escape

from aiohttp import web

from ..operations import Call, DroppedError, Operation, answer, asset, open_asset
from ..rules import encoding
from ..rules.problems import not_found
from ..rules.ranges import UnsatisfiableRangeError, parse_range
from ..state.items import StoredFile
from ..state.video import Video
from .pictures import grey_picture
from .viewers import asset_base, iframe, player_url, viewer_session

_PLAYER = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>html,body{{margin:0;height:100%;background:#000}}video{{width:100%;height:100%}}</style></head>
<body><video id="player" controls playsinline muted preload="auto" poster="{poster}" src="{media}"></video>
</body></html>
"""


def video_base(call: Call, video: Video) -> str:
    """Return the base URL of a video's files."""
    return asset_base(call, f"/vod/{video.key}", video.key, public=video.public)


def asset_urls(call: Call, video: Video) -> dict[str, str]:
    """Return the ``video-assets`` schema.

    For a private video, every call creates a new one-time token (service.md#private-videos).
    """
    base = video_base(call, video)
    player = player_url(base, "/player")
    urls = {
        "iframe": iframe(player),
        "player": player,
        "hls": f"{base}/hls/manifest.m3u8",
        "thumbnail": f"{base}/thumbnail.jpg",
    }
    return {**urls, "mp4": f"{base}/mp4/source.mp4"} if video.attributes["mp4Support"] else urls


def _admitted(call: Call, token: str | None) -> tuple[Video, str | None]:
    video = call.state.videos.find(call.path("videoId"))
    call.record.video_id = video.key
    return video, viewer_session(call, video.key, "videoId", public=video.public, token=token)


def from_path(call: Call) -> tuple[Video, str | None]:
    """Return the video that the path names, and the session of the viewer.

    The session is None for a public video. Raises a refusal (404) if the token was already used.
    See service.md#private-videos.
    """
    return _admitted(call, call.request.match_info.get("token"))


async def mp4(call: Call) -> web.StreamResponse:
    """Send the uploaded file. Raises a refusal (404) without ``mp4Support`` (service.md#assets)."""
    video, _ = from_path(call)
    if not video.attributes["mp4Support"]:
        raise not_found("videoId")
    return await _serve_media(call, video)


async def hls_media(call: Call) -> web.StreamResponse:
    """Send the file to which the manifest and the player page refer."""
    video, _ = from_path(call)
    return await _serve_media(call, video)


async def _serve_media(call: Call, video: Video) -> web.StreamResponse:
    # An incomplete upload is not served, and discarded media cannot be.
    if video.finished_at is None or call.state.store.discard:
        raise not_found("videoId")
    size = video.media.size
    headers = {"Accept-Ranges": "bytes", "Content-Type": "video/mp4"}
    if call.request.query.get("dl") == "1":
        headers["Content-Disposition"] = f'attachment; filename="{video.key}.mp4"'
    try:
        chosen = parse_range(call.request.headers.get("Range"), size)
    except UnsatisfiableRangeError:
        return web.Response(
            status=416, headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
        )
    start, stop = chosen or (0, size)
    if chosen is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    response = web.StreamResponse(status=200 if chosen is None else 206, headers=headers)
    response.content_length = stop - start
    # ``prepare`` sends the headers, so all of them must be set before.
    call.finish_headers(response)
    await response.prepare(call.request)
    if call.request.method != "HEAD":
        await _send_media(response, video, start, stop)
    await response.write_eof()
    return response


async def _send_media(response: web.StreamResponse, video: Video, start: int, stop: int) -> None:
    """Write the bytes from ``start`` to ``stop`` to the response.

    Raises ``DroppedError`` if the media file disappears because the video is deleted meanwhile.
    """
    with contextlib.closing(video.media.read(start, stop)) as blocks:
        while True:
            try:
                block = next(blocks, None)
            except (OSError, EOFError):
                # The status was already sent. Closing the connection is the only way to report the
                # error.
                raise DroppedError from None
            if block is None:
                return
            await response.write(block)


async def player(call: Call) -> web.StreamResponse:
    """Send a page that plays the file. Its token opens the session of the viewer.

    See service.md#private-sessions.
    """
    token = call.request.query.get("token")
    video, session = _admitted(call, token)
    base, query = f"/vod/{video.key}", ""
    if session is not None:
        # A token opens one session, so the page loads the other assets with that session.
        base, query = f"{base}/token/{token}", f"?avh={session}"
    page = _PLAYER.format(
        title=escape(str(video.attributes["title"])),
        media=f"{base}/hls/media.mp4{query}",
        poster=f"{base}/thumbnail.jpg{query}",
    )
    return web.Response(text=page, content_type="text/html")


async def manifest(call: Call) -> web.StreamResponse:
    """Send a manifest with the whole file as one segment.

    The response is 202 until the video is playable.

    See service.md#hls-readiness.
    """
    video, session = from_path(call)
    if not encoding.playable(video.progress(call.state.settings.pace, call.state.now)):
        return web.Response(status=202)
    query = "" if session is None else f"?avh={session}"
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        "#EXT-X-TARGETDURATION:1",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXTINF:1.000,",
        f"media.mp4{query}",
        "#EXT-X-ENDLIST",
    ]
    return web.Response(text="\n".join(lines) + "\n", content_type="application/vnd.apple.mpegurl")


async def thumbnail(call: Call) -> web.StreamResponse:
    """Send the uploaded thumbnail, or a grey picture that depends on the picked moment."""
    video, _ = from_path(call)
    body, content_type = video.thumbnail or StoredFile(grey_picture(video.timecode), "image/png")
    return web.Response(body=body, content_type=content_type)


async def session_token(call: Call) -> web.StreamResponse:
    """Exchange a private token for a session (service.md#private-sessions)."""
    state = call.state
    video = state.videos.find(call.path("videoId"))
    session = state.private_sessions.open_session(video.key, call.path("token"), state.now)
    if session is None:
        raise not_found("videoId")
    return answer({"session_token": session})


_ROOT = "/vod/{videoId}"
OPERATIONS: tuple[Operation, ...] = (
    *asset("assets.mp4", _ROOT, "mp4/source.mp4", mp4),
    *asset("assets.media", _ROOT, "hls/media.mp4", hls_media),
    *asset("assets.hls", _ROOT, "hls/manifest.m3u8", manifest),
    *asset("assets.thumbnail", _ROOT, "thumbnail.jpg", thumbnail),
    open_asset("assets.player", "/vod/{videoId}/player", player),
    open_asset("assets.session", "/vod/{videoId}/token/{token}/session", session_token),
)
