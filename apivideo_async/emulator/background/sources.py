"""Fill a video without an upload: from a URL, from another video, or from a broadcast.

See service.md#video-sources, service.md#recordings, service.md#webhook-events. A video whose URL
may not be called (``rules.network``) stays "ingesting". The emulator receives no RTMP: a test or
another process starts each broadcast and supplies the content of its recording.
"""

import asyncio
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from ..rules.network import is_web_url, may_call
from ..rules.problems import invalid_attribute, refuse_all
from ..state.media import ExtentWriter
from ..state.records import LiveStream
from ..state.state import State
from ..state.video import Video
from . import processing

__all__ = ["complete_broadcast", "ingest_source", "start_broadcast"]


def ingest_source(
    state: State, attributes: dict[str, Any], source: str, *, from_page: bool
) -> Video:
    """Create a video and fill it from a URL, or from the video with the given id.

    Raises a refusal if ``source`` is neither a web URL nor the id of a complete video.
    ``from_page``: a web page sent the URL, which is then not called.
    """
    if source in state.videos:
        return _clone(state, attributes, state.videos[source])
    if not is_web_url(source):
        raise _invalid_source("This value is neither a URL nor a videoId.")
    video = state.create_video(attributes, "url")
    if may_call(source, from_page=from_page, allow_network=state.settings.allow_network):
        state.spawn(_download(state, video, source))
    return video


def _clone(state: State, attributes: dict[str, Any], original: Video) -> Video:
    if not original.finished:
        raise _invalid_source("This video has no source to copy.")
    video = state.create_video(attributes, "clone")
    # The clone shares the stored bytes and keeps them when the original is deleted.
    video.media = original.media.copy()
    processing.start(state, video)
    return video


def _invalid_source(detail: str) -> Exception:
    return refuse_all([invalid_attribute("source", detail)])


async def _download(state: State, video: Video, url: str) -> None:
    writer = ExtentWriter(state.spool_of(video), None)
    try:
        timeout = ClientTimeout(total=None, sock_connect=10, sock_read=60)
        async with (
            ClientSession(timeout=timeout, raise_for_status=True) as session,
            # Redirects are not followed: they could lead to another machine.
            session.get(url, allow_redirects=False) as response,
        ):
            async for block in response.content.iter_any():
                writer.write(memoryview(block))
        # The video may have been deleted during the download.
        if video.id in state.videos:
            video.media.add(0, writer.keep())
            processing.start(state, video)
    except (ClientError, TimeoutError, OSError):
        # The status stays "ingesting" (service.md#video-sources).
        return
    finally:
        writer.close()


def start_broadcast(state: State, live: LiveStream, media: bytes = b"") -> None:
    """Start a broadcast, unless there is one. ``media`` is the content of its recording."""
    if live.broadcasting:
        return
    live.broadcasting = True
    live.media = media
    state.announce("live-stream.broadcast.started", live.id, {"liveStreamId": live.id})


def complete_broadcast(state: State, live: LiveStream) -> None:
    """End the broadcast in the background, after the seconds that an encoding takes."""
    state.spawn(_end_broadcast(state, live))


async def _end_broadcast(state: State, live: LiveStream) -> None:
    await asyncio.sleep(state.settings.encoding_pace.seconds)
    # There was no broadcast, or an earlier call has ended it during the sleep.
    if not live.broadcasting:
        return
    live.broadcasting = False
    live.touch(state.utc_now)
    fields = {"liveStreamId": live.id}
    state.announce("live-stream.broadcast.ended", live.id, fields)
    attributes = {"title": live.attributes["name"], "public": live.public}
    video = state.create_video(attributes, "live")
    video.live_stream_id = live.id
    if live.media:
        writer = ExtentWriter(state.spool_of(video), len(live.media))
        writer.write(memoryview(live.media))
        video.media.add(0, writer.keep())
        writer.close()
    state.announce("video.source.recorded", video.id, {**fields, "videoId": video.id})
    processing.start(state, video)
