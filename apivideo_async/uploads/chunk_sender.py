"""Brings one chunk to the server, whatever happens on the way.

Theory of operation. An attempt ends in one of four ways:

- accepted: any 2xx;
- refused: the server gave a verdict and stored nothing. A 429 is repeated when its window opens, anything else
  is final;
- not sent: repeated after a wait;
- unknown: the answer was lost, or a 5xx says nothing. Then the server is asked what it holds. It has the chunk:
  accepted. It has not: repeated after a wait. The lost attempt may still arrive meanwhile; the repeat is then
  answered with "overlaps" or "already sent", and asking again settles it.

With an upload token nobody can be asked. A numbered chunk does no harm when it is repeated, because the server
refuses a second copy, so "already sent" after an unknown attempt of our own means accepted. The *first* chunk of
a token upload is different: a repeat would create a second video. It is never repeated blindly.
"""

import asyncio
import logging
import random
from collections.abc import Callable

from attrs import frozen

from ..errors import (
    ApiResponseError,
    ApiStatusError,
    ApiVideoError,
    ConfigurationError,
    RateLimitError,
    SourceError,
    UploadError,
)
from ..http.pipeline import Pipeline
from ..models import Video, VideoStatus
from ..protocol.content_range import ContentRange
from ..protocol.request import FilePart, build_request, path_for
from ..protocol.response import decode
from ..protocol.retry import Attempts
from .capacity import Slots
from .ledger import ChunkState, Ledger
from .plan import Chunk, Held
from .progress import Meter
from .received import ALREADY_COMPLETE, ALREADY_HELD, held_by
from .target import Target

__all__ = ["Courier", "Receipt", "ask"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

PartFactory = Callable[[Chunk, Callable[[int], None]], FilePart]
"""Makes the file part of a chunk; the second argument is told what was sent."""


@frozen
class Receipt:
    """Proof that the server holds a chunk; the video of its answer is None when its status said so."""

    chunk: Chunk
    video: Video | None


async def ask(pipeline: Pipeline, target: Target) -> Held:
    """Ask the server what it holds of a video."""
    path = path_for("/videos/{video_id}/status", video_id=target.video_id or "")
    request = build_request("videos.get_status", "GET", path)
    return held_by(await pipeline.call(request, VideoStatus))


class Courier:
    """Delivers the chunks of one upload; many deliveries may be under way."""

    def __init__(
        self,
        pipeline: Pipeline,
        target: Target,
        ledger: Ledger,
        meter: Meter,
        slots: Slots,
        on_change: Callable[[], None],
        *,
        resumed: bool = False,
    ) -> None:
        """``resumed``: an earlier process may have sent chunks whose answer it never saw."""
        self._pipeline = pipeline
        self._policy = pipeline.config.retry
        self._target = target
        self._ledger = ledger
        self._meter = meter
        self._slots = slots
        self._on_change = on_change
        self._resumed = resumed

    async def deliver(self, chunk: Chunk, make: PartFactory, content_range: ContentRange | None) -> Receipt:
        """Return when the server holds the chunk. Raises ``UploadError`` when it cannot be brought there."""
        clock = asyncio.get_running_loop().time
        attempts = Attempts()
        accepted = self._ledger.accepted_bytes
        doubtful = self._resumed
        while True:
            try:
                # Not held while we wait: where fewer are to be in flight, a chunk that failed has to wait as well.
                async with self._slots.slot(self):
                    return Receipt(chunk, await self._attempt(chunk, make, content_range))
            except ApiVideoError as error:
                unknown = self._ledger.state(chunk) is ChunkState.UNKNOWN
                if await self._is_held(chunk, error, unknown=unknown, doubtful=doubtful):
                    return Receipt(chunk, None)
                doubtful = doubtful or unknown
                if self._ledger.accepted_bytes > accepted:
                    # Others get through: the connection works, so this chunk gets its full budget again.
                    accepted = self._ledger.accepted_bytes
                    attempts = Attempts()
                attempts = attempts.after(error, clock())
                await self._pause(chunk, error, attempts, doubtful=doubtful)

    async def _attempt(self, chunk: Chunk, make: PartFactory, content_range: ContentRange | None) -> Video:
        """Send once; a failure leaves the chunk pending (no harm done), failed (final) or unknown."""
        clock = asyncio.get_running_loop().time
        started, sent = clock(), 0

        def count(size: int) -> None:
            nonlocal sent
            sent += size
            now = clock()
            self._meter.add(size, now)
            self._slots.moved(size, now)
            self._on_change()

        self._ledger.start(chunk)
        try:
            request = self._target.request(make(chunk, count), content_range)
            response = await self._pipeline.attempt(request)
            # A 2xx alone proves nothing: a proxy's page has that status too.
            video = decode(request, response, Video)
            if not video.video_id:
                raise ApiResponseError(
                    f"{request.operation}: {response.status} without a videoId",
                    status=response.status,
                    body=response.body,
                )
        except BaseException as error:
            self._meter.rewind(sent)
            self._slots.moved(-sent, clock())
            self._slots.ended(started, clock(), failed=_overloaded(error))
            self._settle(chunk, error)
            self._on_change()
            raise
        self._slots.ended(started, clock(), failed=False)
        self._meter.add(chunk.size - sent, clock())
        return video

    def _settle(self, chunk: Chunk, error: BaseException) -> None:
        if not isinstance(error, ApiVideoError) or error.delivery == "unknown":
            self._ledger.lose(chunk)  # Cancelled on the way, too: nobody knows.
        elif error.retryable:
            self._ledger.put_back(chunk)
        elif not _already(error):
            self._ledger.fail(chunk)

    async def _is_held(self, chunk: Chunk, error: ApiVideoError, *, unknown: bool, doubtful: bool) -> bool:
        """Find out whether the chunk is there although no answer said so."""
        if _already(error) and not doubtful:
            # Only an attempt of our own, lost or of an earlier call, explains that the server has it; else a rival.
            self._ledger.fail(chunk)
            return False
        if not self._target.can_ask:
            return _already(error)
        if not unknown and not _already(error):
            return False
        try:
            held = await ask(self._pipeline, self._target)
        except ApiVideoError as failure:
            raise self._failed(f"chunk {chunk.number}: the server cannot be asked for it", failure) from failure
        if held.filesize is not None and (held.complete or self._ledger.mode == "whole"):
            return held.filesize == self._ledger.total
        return held.covers(chunk)

    async def _pause(self, chunk: Chunk, error: ApiVideoError, attempts: Attempts, *, doubtful: bool) -> None:
        """Wait before the next attempt, or raise when there must be none."""
        if isinstance(error, SourceError):
            error.video_id, error.ledger = self._target.video_id, self._ledger.snapshot()
            raise error
        if isinstance(error, ConfigurationError):
            raise error
        if not error.retryable:
            raise self._failed(f"chunk {chunk.number} was refused", error) from error
        if doubtful and self._target.video_id is None:
            raise self._failed(
                "the answer to the first chunk was lost, and a repeat could create a second video: "
                "look for an unfinished video of this name, and delete it before you upload again",
                error,
            ) from error
        now = asyncio.get_running_loop().time()
        wait = attempts.delay(self._policy, now, random.random())  # noqa: S311
        if wait is None:
            raise self._failed(f"chunk {chunk.number} could not be sent: {attempts.describe(error)}", error) from error
        if self._ledger.state(chunk) is ChunkState.UNKNOWN:
            self._ledger.put_back(chunk)
        log.info("chunk %d: next attempt in %.1f s: %s", chunk.number, wait, error)
        await asyncio.sleep(wait)

    def _failed(self, what: str, cause: ApiVideoError) -> UploadError:
        return UploadError(
            f"{what}: {cause}",
            video_id=self._target.video_id,
            ledger=self._ledger.snapshot(),
            outcome="unknown" if cause.delivery == "unknown" else "failed",
        )


def _overloaded(error: BaseException) -> bool:
    """Whether fewer chunks at once might have spared it. A spent budget is the limiter's business."""
    return isinstance(error, ApiVideoError) and error.retryable and not isinstance(error, RateLimitError)


def _slug(error: ApiVideoError) -> str | None:
    return error.slug if isinstance(error, ApiStatusError) else None


def _already(error: ApiVideoError) -> bool:
    slug = _slug(error)
    return slug == ALREADY_COMPLETE or slug in ALREADY_HELD
