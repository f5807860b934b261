"""The end of an upload: the server must hold every byte, or an error says which are missing."""

import asyncio
import logging

from ..errors import ApiVideoError, UploadError
from ..http.pipeline import Pipeline
from ..models import Video
from ..protocol.request import build_request, path_for
from .chunk_sender import ask
from .plan import Held
from .received import check_complete
from .target import Delegated, Target

__all__ = ["show", "verify"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

SETTLE_DELAYS = (0.1, 0.3, 0.6)
"""Seconds between looks at a status that still says ``uploading`` after the last chunk (service.md#ingest-status)."""


async def verify(pipeline: Pipeline, target: Target, total: int, parts: int | None, *, resumed_parts: bool) -> None:
    """Ask whether the server holds everything, a few times while it still says that it is busy.

    ``resumed_parts``: some numbered parts were sent by an earlier call. Raises ``UploadError`` without the ledger.
    """
    try:
        held = await _settled(pipeline, target)
    except ApiVideoError as error:
        raise UploadError(
            f"everything was sent, but the server cannot be asked whether it holds it: {error}", outcome="unknown"
        ) from error
    check_complete(held, total, parts)
    if held.filesize is None and resumed_parts:
        raise UploadError(
            "every part is there, but the server tells no size: parts of an earlier upload may have had another "
            "size; look at the video before you trust it",
            outcome="unknown",
        )


async def _settled(pipeline: Pipeline, target: Target) -> Held:
    held = await ask(pipeline, target)
    for delay in SETTLE_DELAYS:
        if held.complete:
            break
        await asyncio.sleep(delay)
        held = await ask(pipeline, target)
    return held


async def show(pipeline: Pipeline, target: Target) -> Video:
    """Get the full video; that it is there is known already."""
    video_id = target.video_id or ""
    if isinstance(target, Delegated):
        return Video(video_id=video_id)  # A token cannot read the video.
    path = path_for("/videos/{video_id}", video_id=video_id)
    try:
        return await pipeline.call(build_request("videos.get", "GET", path), Video)
    except ApiVideoError as error:
        log.warning("%s is uploaded, but cannot be shown: %s", video_id, error)
        return Video(video_id=video_id)
