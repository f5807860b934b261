"""Start and end broadcasts: announce the events, and turn the recording into a video.

See service.md#webhook-events, service.md#recordings.

The emulator receives no RTMP. A test or another process starts each broadcast and supplies the
content of its recording.
"""

from __future__ import annotations

import asyncio

from ..state.live_stream import LiveStream
from ..state.media import ExtentWriter
from ..state.state import State
from . import production


def start(state: State, live: LiveStream, media: bytes = b"") -> None:
    """Start a broadcast. Does nothing if the live stream is already broadcasting.

    ``media`` is the content of the recording.
    """
    if live.broadcasting:
        return
    live.broadcasting = True
    live.media = media
    state.announce("live-stream.broadcast.started", live.key, {"liveStreamId": live.key})


def complete(state: State, live: LiveStream) -> None:
    """End the broadcast in the background, after the seconds that an encoding takes."""
    state.spawn(_end(state, live))


async def _end(state: State, live: LiveStream) -> None:
    await asyncio.sleep(state.settings.pace.seconds)
    # There was no broadcast, or an earlier call of ``complete`` has ended it during the sleep.
    if not live.broadcasting:
        return
    live.broadcasting = False
    live.touch(state.today)
    state.announce("live-stream.broadcast.ended", live.key, {"liveStreamId": live.key})
    attributes = {"title": live.attributes["name"], "public": live.public}
    video = state.create_video(attributes, "live")
    video.live_stream_id = live.key
    if live.media:
        writer = ExtentWriter(state.spool_of(video), len(live.media))
        writer.write(memoryview(live.media))
        video.media.add(0, writer.keep())
        writer.close()
    state.announce(
        "video.source.recorded", video.key, {"liveStreamId": live.key, "videoId": video.key}
    )
    production.begin(state, video)
