"""Assets of videos on the delivery hosts: file, manifest and thumbnail.

URLs of a private video contain a token in the path (for the player: in the query). A token works
for one request, which opens a session. ``?avh=`` with the session gives access to all other assets.
See service.md#assets, service.md#private-videos.
"""

import contextlib

from aiohttp import web

from ..operations import Call
from ..rules import encoding
from ..rules.problems import not_found
from ..rules.ranges import UnsatisfiableRangeError, parse_range
from ..state.video import Video
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

__all__ = [
    "asset_urls",
    "manifest",
    "media",
    "mp4",
    "session_token",
    "thumbnail",
    "video_base",
    "viewed_video",
]


def video_base(call: Call, video: Video) -> str:
    return asset_base(call, "/vod", video, new_token(call, video))


def asset_urls(call: Call, video: Video) -> dict[str, str]:
    """Return the ``video-assets`` schema, for a private video with a new one-time token."""
    token = new_token(call, video)
    base = asset_base(call, "/vod", video, token)
    player = asset_base(call, "/vod", video, None)
    urls = {
        **player_urls(player if vendor_urls(call) else f"{player}/player", token),
        "hls": f"{base}/hls/manifest.m3u8",
        "thumbnail": f"{base}/thumbnail.jpg",
    }
    return {**urls, "mp4": f"{base}/mp4/source.mp4"} if video.attributes["mp4Support"] else urls


def viewed_video(call: Call) -> tuple[Video, str | None]:
    """Return the video, and its session if private. Raises a refusal (404) for a used token."""
    video = call.video()
    return video, viewer_session(call, video, "videoId", call.request.match_info.get("token"))


async def mp4(call: Call) -> web.StreamResponse:
    """Send the uploaded file. Raises a refusal (404) without ``mp4Support`` (service.md#assets)."""
    video, _ = viewed_video(call)
    if not video.attributes["mp4Support"]:
        raise not_found("videoId")
    return await _serve_media(call, video)


async def media(call: Call) -> web.StreamResponse:
    """Send the file to which the manifest and the player page refer."""
    video, _ = viewed_video(call)
    return await _serve_media(call, video)


async def _serve_media(call: Call, video: Video) -> web.StreamResponse:
    # An incomplete upload is not served, and discarded media cannot be.
    if video.finished_at is None or call.state.store.discard:
        raise not_found("videoId")
    size = video.media.size
    headers = {"Accept-Ranges": "bytes", "Content-Type": "video/mp4"}
    if call.request.query.get("dl") == "1":
        headers["Content-Disposition"] = f'attachment; filename="{video.id}.mp4"'
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
        # If the video is deleted meanwhile, ``read`` raises an error that drops the connection.
        with contextlib.closing(video.media.read(start, stop)) as blocks:
            for block in blocks:
                await response.write(block)
    await response.write_eof()
    return response


async def manifest(call: Call) -> web.StreamResponse:
    """Send a manifest with one segment. It is 202 until playable (service.md#hls-readiness)."""
    video, session = viewed_video(call)
    if not encoding.playable(video.progress(call.state.settings.encoding_pace, call.state.now)):
        return web.Response(status=202)
    query = "" if session is None else f"?avh={session}"
    return manifest_response(
        ["#EXT-X-PLAYLIST-TYPE:VOD", "#EXTINF:1.000,", f"media.mp4{query}", "#EXT-X-ENDLIST"]
    )


async def thumbnail(call: Call) -> web.StreamResponse:
    """Send the uploaded thumbnail, or a grey picture that depends on the picked moment."""
    video, _ = viewed_video(call)
    return thumbnail_response(video.thumbnail, video.timecode)


async def session_token(call: Call) -> web.StreamResponse:
    """Exchange a private token for a session (service.md#private-sessions)."""
    return session_response(call, call.state.videos.find(call.parameter("videoId")), "videoId")
