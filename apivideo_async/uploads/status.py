"""Read the upload status and the video of an upload."""

import asyncio
import logging

from ..errors import ApiVideoError
from ..http.pipeline import Pipeline
from ..models import Video, VideoStatus
from ..protocol.request import build_request, path_for
from .plan import Received
from .received import received_of
from .target import Target

__all__ = ["read_received", "read_settled", "read_video"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

SETTLE_DELAYS = (0.1, 0.3, 0.6)
"""Seconds between status requests while ``ingest`` still says ``uploading`` after the last chunk.

See service.md#ingest-status.
"""


async def read_received(pipeline: Pipeline, target: Target) -> Received:
    """Request the status of the video and return the chunks that the server has."""
    path = path_for("/videos/{video_id}/status", video_id=target.video_id or "")
    request = build_request("videos.get_status", "GET", path)
    return received_of(await pipeline.call(request, VideoStatus))


async def read_settled(pipeline: Pipeline, target: Target) -> Received:
    """Request the status until it says complete or ``SETTLE_DELAYS`` are used up."""
    received = await read_received(pipeline, target)
    for delay in SETTLE_DELAYS:
        if received.complete:
            break
        await asyncio.sleep(delay)
        received = await read_received(pipeline, target)
    return received


async def read_video(pipeline: Pipeline, target: Target) -> Video:
    """Return the video of a complete upload.

    If it cannot be read, the result has only the id: the upload has succeeded nevertheless.
    """
    video_id = target.video_id or ""
    # An upload token cannot read the video (service.md#token-uploads).
    if not target.can_read_status:
        return Video(video_id=video_id)
    path = path_for("/videos/{video_id}", video_id=video_id)
    try:
        return await pipeline.call(build_request("videos.get", "GET", path), Video)
    except ApiVideoError as error:
        log.warning(
            "%s is uploaded, but reading the video failed: %s",
            video_id,
            error,
            extra={"event": "video_unreadable", "error": error},
        )
        return Video(video_id=video_id)
