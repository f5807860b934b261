"""Create a video exactly once. api.video has no idempotency keys (service.md#repeated-requests).

With a key, the creation carries the metadata pair ``ingestKey``. If the response is lost, the
client lists the videos with that key. It uses an existing video, and repeats the creation only if
there is none. Calls with the same key in one process run one after the other
(``one_at_a_time``). Two processes that create with one key at the same moment can still create
two containers. Every later call with that key reports them with ``DuplicateVideosError``.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ..config import INGEST_KEY, UNSET
from ..errors import ApiVideoError, ConfigurationError, DuplicateVideosError, UploadError
from ..http.pipeline import Pipeline
from ..models import Page, Video
from ..protocol.request import Request, build_request
from ..protocol.response import decode
from ..protocol.retry import Attempts
from ..protocol.writes import json_request
from ._fields import CREATION_FIELDS, video_fields

__all__ = ["create_video", "one_at_a_time"]

log = logging.getLogger("apivideo_async.upload")

_locks: dict[Hashable, tuple[asyncio.Lock, int]] = {}
"""The lock of each idempotency key in use, and the number of calls that use it."""


@asynccontextmanager
async def one_at_a_time(pipeline: Pipeline, key: str | None) -> AsyncIterator[None]:
    """Run the calls with one idempotency key one after another. None: do not wait.

    The order covers all clients of the same account in this event loop.
    """
    if key is None:
        yield
        return
    config = pipeline.config
    name = (asyncio.get_running_loop(), config.base_url, config.api_key, key)
    lock, users = _locks.get(name, (asyncio.Lock(), 0))
    _locks[name] = (lock, users + 1)
    try:
        async with lock:
            yield
    finally:
        # The last user of a key removes its lock, so that ``_locks`` does not grow.
        lock, users = _locks.pop(name)
        if users > 1:
            _locks[name] = (lock, users - 1)


async def create_video(
    pipeline: Pipeline, fields: Mapping[str, Any], *, key: str | None, repeat_lost: bool = False
) -> Video:
    """Create a container and return it, or return the one that exists for ``key``.

    ``repeat_lost`` allows a repeat after a lost response without a key, which logs a warning.
    Raises ``DuplicateVideosError`` if several videos have the key.
    """
    if key is not None:
        fields = {**fields, "metadata": _with_key(fields.get("metadata", UNSET), key)}
    # Invalid fields are refused before the first request, which may be a search.
    request = json_request(
        "videos.create", "POST", "/videos", video_fields(fields), CREATION_FIELDS
    )
    if key is None:
        return (await _create(pipeline, request, None, repeat_lost=repeat_lost))[0]
    # An earlier call may have created the video.
    if (found := await _find(pipeline, key)) is not None:
        return found
    video, lost = await _create(pipeline, request, key, repeat_lost=repeat_lost)
    # A lost request may have arrived after all and created a second video. ``_find`` raises then.
    if lost:
        await _find(pipeline, key)
    return video


async def _create(
    pipeline: Pipeline, request: Request, key: str | None, *, repeat_lost: bool
) -> tuple[Video, bool]:
    """Create a video. Return it, and whether a response was lost before it was created."""
    clock = asyncio.get_running_loop().time
    attempts, lost = Attempts(), False
    while True:
        try:
            video = decode(request, await pipeline.attempt(request), Video)
        except ApiVideoError as error:
            lost = lost or error.delivery == "unknown"
            attempts = attempts.after(error, clock())
            wait = attempts.delay(pipeline.config.retry, clock(), random.random())  # noqa: S311
            # Without a key, it is unknown whether a lost request created a video.
            if wait is None or not error.retryable or (lost and key is None and not repeat_lost):
                raise
            await asyncio.sleep(wait)
            if not lost:
                continue
            if key is None:
                log.warning(
                    "no response to the creation of a video (%s). It is created again. The first "
                    "request may have created an empty container, which api.video deletes after "
                    "7 days. To avoid this, pass an idempotency_key",
                    error,
                    extra={"event": "creation_repeated", "error": error},
                )
            elif (found := await _find(pipeline, key)) is not None:
                return found, False
        else:
            if not video.video_id:
                text = "the response to the creation of a video has no videoId"
                raise UploadError(text, outcome="unknown")
            return video, lost


def _with_key(metadata: Any, key: str) -> dict[str, str]:
    pairs = {} if metadata is UNSET else dict(metadata)
    if not key or pairs.setdefault(INGEST_KEY, key) != key:
        text = f"idempotency_key must not be empty or differ from metadata[{INGEST_KEY!r}]"
        raise ConfigurationError(text, option="idempotency_key")
    return pairs


async def _find(pipeline: Pipeline, key: str) -> Video | None:
    """Return the video with this key, or None. Raises ``DuplicateVideosError`` for several."""
    request = build_request("videos.list", "GET", "/videos", query={"metadata": {INGEST_KEY: key}})
    page: Page[Video] = await pipeline.page(request, Video)
    # Compare the key again: if the service ignored the filter, another video would be taken for
    # this one.
    found = [video for video in page if video.metadata.get(INGEST_KEY) == key]
    if len(found) > 1:
        raise DuplicateVideosError.of(key, [video.video_id for video in found])
    return found[0] if found else None
