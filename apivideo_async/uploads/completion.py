"""The end of an upload: verify that the server holds every byte, and fetch the video."""

import asyncio
import logging

from ..errors import ApiVideoError, UploadError
from ..http.pipeline import Pipeline
from ..models import Video
from ..protocol.request import build_request, path_for
from .chunk_sender import ask
from .plan import Received
from .received import check_complete
from .target import Delegated, Target

__all__ = ["show", "verify"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

SETTLE_DELAYS = (0.1, 0.3, 0.6)
"""Seconds between status requests while ``ingest`` still says ``uploading`` after the last chunk.

See service.md#ingest-status.
"""


async def verify(
    pipeline: Pipeline, target: Target, total: int, parts: int | None, *, resumed_parts: bool
) -> None:
    """Verify that the server holds all ``total`` bytes in ``parts`` parts.

    The status is requested again after short delays while it still says that the upload is in
    progress. ``parts`` is None if the number of parts is unknown. ``resumed_parts`` is True if an
    earlier call sent some of the numbered parts.

    Raises ``UploadError`` if bytes are missing or the status cannot be read. The caller adds the
    ledger.
    """
    try:
        held = await _settled(pipeline, target)
    except ApiVideoError as error:
        raise UploadError(
            f"everything was sent, but the server cannot be asked whether it holds it: {error}",
            outcome="unknown",
        ) from error
    check_complete(held, total, parts)
    # The status lists part numbers without sizes. Parts of an earlier call may have had another
    # size, and only ``filesize`` could show that.
    if held.filesize is None and resumed_parts:
        raise UploadError(
            "every part is there, but the server tells no size: parts of an earlier upload may have had another "
            "size; look at the video before you trust it",
            outcome="unknown",
        )


async def _settled(pipeline: Pipeline, target: Target) -> Received:
    """Request the status until it says complete or the delays are used up."""
    held = await ask(pipeline, target)
    for delay in SETTLE_DELAYS:
        if held.complete:
            break
        await asyncio.sleep(delay)
        held = await ask(pipeline, target)
    return held


async def show(pipeline: Pipeline, target: Target) -> Video:
    """Return the full video. The caller has verified that the upload is complete.

    If the video cannot be read, a ``Video`` with only its id is returned: a failure to display the
    video must not make a successful upload fail.
    """
    video_id = target.video_id or ""
    if isinstance(target, Delegated):
        # An upload token cannot read the video (service.md#token-uploads).
        return Video(video_id=video_id)
    path = path_for("/videos/{video_id}", video_id=video_id)
    try:
        return await pipeline.call(build_request("videos.get", "GET", path), Video)
    except ApiVideoError as error:
        log.warning("%s is uploaded, but cannot be shown: %s", video_id, error)
        return Video(video_id=video_id)
