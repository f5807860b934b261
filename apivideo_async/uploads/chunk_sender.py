"""Send one chunk and resolve its failures: retry, reconcile with the server, or give up.

Theory of operation. An attempt has one of four outcomes:

- accepted: the server answered 2xx with a ``videoId``;
- refused: the server answered with an error and stored nothing. A 429 is sent again when its window
  opens. Any other refusal is final;
- not sent: the request did not reach the server. The chunk is sent again after a delay;
- unknown: the response was lost, or a 5xx does not say whether the chunk was stored. The client
  then asks for the status of the video. If the status contains the chunk, the chunk is accepted. If
  not, the chunk is sent again after a delay. The lost attempt may still arrive in the meantime. The
  server then answers the repeat with "overlaps" or "already sent", and the client asks for the
  status again.

A client with an upload token cannot read the status. It may send a numbered chunk again, because
the server refuses a second copy. "Already sent" after an unknown attempt therefore means accepted.
The *first* chunk of a token upload is an exception: a repeat would create a second video. It is
never sent again after an unknown attempt.
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
from .capacity import Capacity
from .ledger import ChunkState, Ledger
from .plan import Chunk, Received
from .progress import Meter
from .received import ALREADY_COMPLETE, ALREADY_HELD, received_of
from .target import Target

__all__ = ["ChunkSender", "Receipt", "ask"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

PartFactory = Callable[[Chunk, Callable[[int], None]], FilePart]
"""Creates the file part of a chunk.

The second argument is a callback that receives the number of bytes sent since its last call.
"""


@frozen
class Receipt:
    """Proof that the server holds a chunk.

    ``video`` is the video in the response to the chunk. It is None if the status confirmed the
    chunk.
    """

    chunk: Chunk
    video: Video | None


async def ask(pipeline: Pipeline, target: Target) -> Received:
    """Request the status of the video and return the chunks that the server holds."""
    path = path_for("/videos/{video_id}/status", video_id=target.video_id or "")
    request = build_request("videos.get_status", "GET", path)
    return received_of(await pipeline.call(request, VideoStatus))


class ChunkSender:
    """Sends the chunks of one upload. Several ``deliver`` calls may run at the same time."""

    def __init__(
        self,
        pipeline: Pipeline,
        target: Target,
        ledger: Ledger,
        meter: Meter,
        slots: Capacity,
        on_change: Callable[[], None],
        *,
        resumed: bool = False,
    ) -> None:
        """Prepare to send chunks to ``target``. ``on_change`` is called when the progress changed.

        ``resumed`` is True if an earlier process may have sent chunks without receiving the
        responses.
        """
        self._pipeline = pipeline
        self._policy = pipeline.config.retry
        self._target = target
        self._ledger = ledger
        self._meter = meter
        self._slots = slots
        self._on_change = on_change
        self._resumed = resumed

    async def deliver(
        self, chunk: Chunk, make: PartFactory, content_range: ContentRange | None
    ) -> Receipt:
        """Send a chunk until the server holds it, and return the receipt.

        ``make`` creates a new body for every attempt. Raises ``UploadError`` if the chunk was
        refused or the retry budget is spent, ``SourceError`` if the source cannot be read, and
        ``ConfigurationError`` if the client is not configured correctly.
        """
        clock = asyncio.get_running_loop().time
        attempts = Attempts()
        accepted = self._ledger.accepted_bytes
        doubtful = self._resumed
        while True:
            try:
                # Release the capacity between attempts. If failures reduced the width, this chunk
                # has to wait for capacity again like any other chunk.
                async with self._slots.slot(self):
                    return Receipt(chunk, await self._attempt(chunk, make, content_range))
            except ApiVideoError as error:
                unknown = self._ledger.state(chunk) is ChunkState.UNKNOWN
                if await self._is_held(chunk, error, unknown=unknown, doubtful=doubtful):
                    return Receipt(chunk, None)
                doubtful = doubtful or unknown
                if self._ledger.accepted_bytes > accepted:
                    # Other chunks were accepted, so the connection works. Refill the retry budget.
                    accepted = self._ledger.accepted_bytes
                    attempts = Attempts()
                # The budget of time starts with the first failure, so a slow transfer does not
                # consume it.
                attempts = attempts.after(error, clock())
                await self._pause(chunk, error, attempts, doubtful=doubtful)

    async def _attempt(
        self, chunk: Chunk, make: PartFactory, content_range: ContentRange | None
    ) -> Video:
        """Send the chunk once and return the video of the response.

        On failure the ledger state of the chunk becomes pending (it may be sent again), failed
        (final) or unknown. An "already held" response leaves it in flight, and ``_is_held``
        decides.
        """
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
            # A 2xx status alone is no proof: the page of a proxy can have it too. The service
            # always sends a ``videoId`` (service.md#upload-responses).
            video = decode(request, response, Video)
            if not video.video_id:
                raise ApiResponseError(
                    f"{request.operation}: {response.status} without a videoId",
                    status=response.status,
                    body=response.body,
                )
        except BaseException as error:
            # These bytes have to be sent again. Subtract them from the progress and from the
            # throughput.
            self._meter.rewind(sent)
            self._slots.moved(-sent, clock())
            self._slots.ended(started, clock(), failed=_overloaded(error))
            self._settle(chunk, error)
            self._on_change()
            raise
        self._slots.ended(started, clock(), failed=False)
        # ``sent`` exceeds the chunk size if the pipeline renewed the token and sent the body again.
        # Correct the count.
        self._meter.add(chunk.size - sent, clock())
        return video

    def _settle(self, chunk: Chunk, error: BaseException) -> None:
        """Move the chunk to the ledger state that follows from the error."""
        if not isinstance(error, ApiVideoError) or error.delivery == "unknown":
            # A cancelled attempt is unknown too: its request may have reached the server.
            self._ledger.lose(chunk)
        elif error.retryable:
            self._ledger.put_back(chunk)
        elif not _already(error):
            self._ledger.fail(chunk)

    async def _is_held(
        self, chunk: Chunk, error: ApiVideoError, *, unknown: bool, doubtful: bool
    ) -> bool:
        """Return True if the server holds the chunk although no response confirmed it.

        ``unknown`` is True if this attempt ended without a verdict. ``doubtful`` is True if any
        earlier attempt may have stored the chunk.
        """
        # The server may hold the chunk only because of a lost attempt of this upload or of an
        # earlier call. Without one, another client writes to the same container, and the upload
        # must fail.
        if _already(error) and not doubtful:
            self._ledger.fail(chunk)
            return False
        if not self._target.can_ask:
            # A token cannot read the status. "Already sent" is sufficient, because the server
            # stores a numbered chunk once.
            return _already(error)
        # The server gave a clear refusal, or the request was never sent.
        if not unknown and not _already(error):
            return False
        try:
            held = await ask(self._pipeline, self._target)
        except ApiVideoError as failure:
            raise self._failed(
                f"chunk {chunk.number}: the server cannot be asked for it", failure
            ) from failure
        if held.filesize is not None and (held.complete or self._ledger.mode == "whole"):
            # A complete upload may list no ranges or parts, so compare its size.
            return held.filesize == self._ledger.total
        # The upload is in progress, so compare the stored ranges or parts.
        return held.covers(chunk)

    async def _pause(
        self, chunk: Chunk, error: ApiVideoError, attempts: Attempts, *, doubtful: bool
    ) -> None:
        """Wait before the next attempt, or raise if there must be none."""
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
            raise self._failed(
                f"chunk {chunk.number} could not be sent: {attempts.describe(error)}", error
            ) from error
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
    """Return True if lower concurrency could have avoided this failure.

    429 is excluded, because the rate limiter handles it.
    """
    return (
        isinstance(error, ApiVideoError)
        and error.retryable
        and not isinstance(error, RateLimitError)
    )


def _slug(error: ApiVideoError) -> str | None:
    return error.slug if isinstance(error, ApiStatusError) else None


def _already(error: ApiVideoError) -> bool:
    """Return True if the server says that it stored the chunk or the whole upload before."""
    slug = _slug(error)
    return slug == ALREADY_COMPLETE or slug in ALREADY_HELD
