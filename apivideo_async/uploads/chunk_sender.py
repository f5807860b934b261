"""Send one chunk and resolve its failures: retry, reconcile with the server, or give up.

Theory of operation. An attempt has one of four outcomes:

- accepted: the server answered 2xx with a ``videoId``;
- refused: the server answered with an error and stored nothing. A 429 is sent again when its window
  opens. Any other refusal is final;
- not sent: the request did not reach the server. The chunk is sent again after a delay;
- unknown: the response was lost, or a 5xx does not say whether the chunk was stored. If the status
  of the video contains the chunk, it is accepted. If not, it is sent again after a delay. If the
  lost attempt arrives in the meantime, the server answers the repeat with "overlaps" or "already
  sent", and the client reads the status again.

A client with an upload token cannot read the status. It may send a numbered chunk again, because
the server refuses a second copy. "Already sent" after an unknown attempt therefore means accepted.
The *first* chunk of a token upload is an exception: a repeat would create a second video. It is
never sent again after an unknown attempt.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

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
from ..models import Video
from ..protocol.content_range import ContentRange
from ..protocol.request import FilePart
from ..protocol.response import decode
from ..protocol.retry import Attempts
from .ledger import ChunkState
from .plan import Chunk
from .received import ALREADY_COMPLETE, ALREADY_RECEIVED
from .sources.types import content_type
from .upload import Upload

__all__ = ["ChunkSender"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

ReadChunk: TypeAlias = Callable[[], AsyncIterator[Any]]
"""Returns the bytes of a chunk. It is called again for every attempt."""


@frozen(eq=False)
class ChunkSender:
    """Sends the chunks of one upload. Several ``deliver`` calls may run at the same time."""

    upload: Upload

    async def deliver(
        self, chunk: Chunk, read: ReadChunk, content_range: ContentRange | None
    ) -> Video | None:
        """Send a chunk until the server has it.

        Returns the video in the response, or None if only the status confirmed the chunk. Raises
        ``UploadError`` if the chunk was refused or the retry budget is spent, ``SourceError`` if
        the source cannot be read, and ``ConfigurationError`` for an invalid client option.
        """
        ledger, clock = self.upload.ledger, asyncio.get_running_loop().time
        attempts = Attempts()
        accepted = ledger.accepted_bytes
        # Whether an earlier attempt may have stored the chunk.
        may_be_stored = self.upload.continued
        while True:
            try:
                # Released between attempts: if failures reduced the width, this chunk waits too.
                async with self.upload.context.capacity.hold(self.upload):
                    return await self._attempt(chunk, read, content_range)
            except ApiVideoError as error:
                unknown = ledger.state(chunk) is ChunkState.UNKNOWN
                if await self._is_received(
                    chunk, error, unknown=unknown, may_be_stored=may_be_stored
                ):
                    return None
                may_be_stored = may_be_stored or unknown
                if ledger.accepted_bytes > accepted:
                    # Other chunks were accepted, so the connection works. Start a new retry budget.
                    accepted = ledger.accepted_bytes
                    attempts = Attempts()
                attempts = attempts.after(error, clock())
                await self._pause(chunk, error, attempts, may_be_stored=may_be_stored)

    async def _attempt(
        self, chunk: Chunk, read: ReadChunk, content_range: ContentRange | None
    ) -> Video:
        """Send the chunk once and return the video of the response.

        A failure makes the chunk pending, failed or unknown in the ledger. An "already received"
        response leaves it in flight, and ``_is_received`` decides.
        """
        upload, clock = self.upload, asyncio.get_running_loop().time
        started, sent = clock(), 0

        def count(size: int) -> None:
            nonlocal sent
            sent += size
            upload.count_sent(size)

        upload.ledger.start(chunk)
        try:
            kind = content_type(upload.name)
            part = FilePart(upload.name, chunk.size, read, kind, count)
            request = upload.target.request(part, content_range)
            response = await upload.context.pipeline.attempt(request)
            # A 2xx status alone is no proof: the page of a proxy can have it too. The service
            # always sends a ``videoId`` (service.md#upload-responses).
            video = decode(request, response, Video)
            if not video.video_id:
                raise ApiResponseError(
                    f"the response {response.status} has no videoId",
                    status=response.status,
                    body=response.body,
                    request=request.summary,
                )
        except BaseException as error:
            self._record_failure(chunk, error)
            # These bytes have to be sent again, so they do not count.
            upload.count_sent(-sent)
            upload.context.capacity.ended(started, clock(), failed=_is_overload(error))
            raise
        upload.context.capacity.ended(started, clock(), failed=False)
        # ``sent`` is too large if the pipeline renewed the token and sent the body again.
        upload.meter.add(chunk.size - sent, clock())
        return video

    def _record_failure(self, chunk: Chunk, error: BaseException) -> None:
        if not isinstance(error, ApiVideoError) or error.delivery == "unknown":
            # A cancelled attempt is unknown too: its request may have reached the server.
            self.upload.ledger.lose(chunk)
        elif error.retryable:
            self.upload.ledger.put_back(chunk)
        elif not _is_already_received(error):
            self.upload.ledger.fail(chunk)

    async def _is_received(
        self, chunk: Chunk, error: ApiVideoError, *, unknown: bool, may_be_stored: bool
    ) -> bool:
        """Return True if the server has the chunk although no response confirmed it.

        ``unknown`` is True if this attempt ended without a verdict. ``may_be_stored`` is True if
        an earlier attempt may have stored the chunk.
        """
        upload, already = self.upload, _is_already_received(error)
        # Without an attempt of ours that may have stored the chunk, another client writes to the
        # same container, and the upload must fail.
        if already and not may_be_stored:
            upload.ledger.fail(chunk)
            return False
        if not upload.target.can_read_status:
            # "Already sent" is sufficient, because the server stores a numbered chunk once.
            return already
        if not unknown and not already:
            return False  # The server refused the chunk, or the request was not sent.
        try:
            received = await upload.context.read_received(upload.target)
        except ApiVideoError as failure:
            raise self._failed(
                f"chunk {chunk.number}: the status of the video cannot be read", failure
            ) from failure
        if received.filesize is not None and (received.complete or upload.ledger.mode == "whole"):
            # A complete upload may list no ranges or parts, so compare its size.
            return received.filesize == upload.ledger.total
        return received.covers(chunk)

    async def _pause(
        self, chunk: Chunk, error: ApiVideoError, attempts: Attempts, *, may_be_stored: bool
    ) -> None:
        """Wait before the next attempt, or raise if there must be none."""
        upload = self.upload
        if isinstance(error, SourceError | ConfigurationError):
            raise error
        if not error.retryable:
            raise self._failed(f"chunk {chunk.number} was refused", error) from error
        if may_be_stored and upload.target.video_id is None:
            raise self._failed(
                "the response to the first chunk was lost, and a repeat could create a second "
                "video: delete the unfinished video of this name before you upload again",
                error,
            ) from error
        now = asyncio.get_running_loop().time()
        policy = upload.context.pipeline.config.retry
        delay = attempts.delay(policy, now, random.random())  # noqa: S311
        if delay is None:
            raise self._failed(
                f"chunk {chunk.number} could not be sent: {attempts.describe(error)}", error
            ) from error
        if upload.ledger.state(chunk) is ChunkState.UNKNOWN:
            upload.ledger.put_back(chunk)
        log.info(
            "chunk %d: next attempt in %.1f s: %s",
            chunk.number,
            delay,
            error,
            extra={
                "event": "retry",
                "operation": upload.target.operation,
                "chunk": chunk.number,
                "delay": delay,
                "error": error,
            },
        )
        await asyncio.sleep(delay)

    def _failed(self, what: str, cause: ApiVideoError) -> UploadError:
        return self.upload.error(
            f"{what}: {cause}", "unknown" if cause.delivery == "unknown" else "failed"
        )


def _is_overload(error: BaseException) -> bool:
    """Return True if lower concurrency could have avoided this failure. The limiter handles 429."""
    retryable = isinstance(error, ApiVideoError) and error.retryable
    return retryable and not isinstance(error, RateLimitError)


def _is_already_received(error: ApiVideoError) -> bool:
    slug = error.slug if isinstance(error, ApiStatusError) else None
    return slug == ALREADY_COMPLETE or slug in ALREADY_RECEIVED
