"""Going on the air and off again: events, and the recording that becomes a video.

See service.md#webhook-events, service.md#recordings.

Nobody sends RTMP to the emulator: whoever steers it says when a broadcast begins and what its recording holds.
"""

from __future__ import annotations

import asyncio

from ..state.live_stream import LiveStream
from ..state.media import ExtentWriter
from ..state.state import World
from . import production


def start(world: World, live: LiveStream, media: bytes = b"") -> None:
    """Begin a broadcast; one that is on the air goes on."""
    if live.broadcasting:
        return
    live.broadcasting = True
    live.media = media
    world.announce("live-stream.broadcast.started", live.key, {"liveStreamId": live.key})


def complete(world: World, live: LiveStream) -> None:
    """End the broadcast in the background, after the time that an encoding takes."""
    world.spawn(_end(world, live))


async def _end(world: World, live: LiveStream) -> None:
    await asyncio.sleep(world.settings.pace.seconds)
    if not live.broadcasting:
        return
    live.broadcasting = False
    live.touch(world.today)
    world.announce("live-stream.broadcast.ended", live.key, {"liveStreamId": live.key})
    attributes = {"title": live.attributes["name"], "public": live.public}
    video = world.create_video(attributes, "live")
    video.live_stream_id = live.key
    if live.media:
        writer = ExtentWriter(world.spool_of(video), len(live.media))
        writer.write(memoryview(live.media))
        video.media.add(0, writer.keep())
        writer.close()
    world.announce("video.source.recorded", video.key, {"liveStreamId": live.key, "videoId": video.key})
    production.begin(world, video)
