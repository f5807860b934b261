"""Send one chunk and resolve its failures: retry, reconcile with the server, or give up.

Theory of operation. An attempt has one of four outcomes:

- accepted: the server answered 2xx with a ``videoId``;
- refused: the service answered with a problem and stored nothing. A 429 is sent again when its
  window opens. Another refusal may mean that the service differs from an assumption: the upload
  then changes the way in which it sends chunks (see ``adaptation``). If that does not help, the
  refusal is final;
- not sent: the request did not reach the server completely. The chunk is sent again after a delay;
- unknown: the response was lost, or it does not come from the service (the page of a gateway), or a
  5xx does not say whether the chunk was stored. If the status of the video contains the chunk, it
  is accepted. If not, it is sent again after a delay. If the lost attempt arrives in the meantime,
  the server answers the repeat with "overlaps" or "already sent", and the client reads the status
  again.

A client with an upload token cannot read the status. It may send a numbered chunk again, because
the server refuses a second copy. "Already sent" after an unknown attempt therefore means accepted.
The *first* chunk of a token upload is an exception: a repeat would create a second video. It is
never sent again after an unknown attempt.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import attrs
from attrs import frozen

from ..errors import (
    ApiResponseError,
    ApiStatusError,
    ApiTimeoutError,
    ApiVideoError,
    ConfigurationError,
    RateLimitError,
    SourceError,
    UploadError,
)
from ..models import Video, from_json
from ..observing import observed
from ..protocol.request import FilePart, Request
from ..protocol.response import Response, decode, parse_json
from ..protocol.retry import Attempts, is_verdict
from .adaptation import BUSY, Sent
from .ledger import ChunkState
from .order import ReplanError
from .plan import Chunk, Received
from .received import ALREADY_COMPLETE, ALREADY_RECEIVED
from .sources.types import content_type
from .upload import Upload

__all__ = ["ChunkSender"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

SETTINGS = (
    "if this is about how chunks are sent, set chunk_size, mode or concurrency=1 of UploadOptions "
    "(--chunk-size, --mode, --concurrency)"
)

ReadChunk: TypeAlias = Callable[[], AsyncIterator[Any]]
"""Returns the bytes of a chunk. It is called again for every attempt."""


@frozen(eq=False)
class ChunkSender:
    """Sends the chunks of one upload. Several ``deliver`` calls may run at the same time."""

    upload: Upload

    async def deliver(self, chunk: Chunk, read: ReadChunk) -> Video | None:
        """Send a chunk until the server has it.

        Returns the video in the response, or None if only the status confirmed the chunk. Raises
        ``UploadError`` if the chunk was refused or the retry budget is spent, ``SourceError`` if
        the source cannot be read, ``ConfigurationError`` for an invalid client option, and
        ``ReplanError`` if the source must be divided again.
        """
        upload, ledger, clock = self.upload, self.upload.ledger, asyncio.get_running_loop().time
        attempts, capacity = Attempts(), upload.context.capacity
        accepted = ledger.accepted_bytes
        # Whether an earlier attempt may have stored the chunk.
        may_be_stored = upload.continued
        sent = upload.sent(chunk)
        while True:
            began = clock()
            try:
                # Released between attempts: if failures reduced the width, this chunk waits too.
                async with upload.gate.turn(chunk), capacity.hold(upload, upload.stuck):
                    sent = upload.sent(chunk)
                    with observed("chunk", start=chunk.start, size=chunk.size):
                        video = await self._attempt(chunk, read)
            except ApiVideoError as error:
                unknown = ledger.state(chunk) is ChunkState.UNKNOWN
                if await self._is_received(
                    chunk, error, unknown=unknown, may_be_stored=may_be_stored
                ):
                    return None
                may_be_stored = may_be_stored or unknown
                sent = attrs.evolve(sent, alone=upload.gate.was_alone(chunk))
                if await self._adapt(chunk, error, sent, began):
                    continue
                if ledger.accepted_bytes > accepted:
                    # Other chunks were accepted, so the connection works. Start a new retry budget.
                    accepted = ledger.accepted_bytes
                    attempts = Attempts()
                # If the status was read, the server responds: it is no outage.
                counts = unknown and upload.target.can_read_status
                attempts = attempts.after(error, clock(), counts=counts)
                await self._pause(chunk, error, attempts, may_be_stored=may_be_stored)
            else:
                upload.adaptation.after_acceptance(sent, upload.context.pipeline.profile.learn)
                return video

    async def _attempt(self, chunk: Chunk, read: ReadChunk) -> Video:
        """Send the chunk once and return the video of the response.

        A failure makes the chunk pending or unknown in the ledger. A refusal leaves it in flight,
        and ``deliver`` decides.
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
            part = FilePart(
                upload.name, chunk.size, read, kind, count, partial(upload.sending, chunk)
            )
            request = upload.target.request(part, upload.ledger.content_range(chunk))
            try:
                # Without a video id, a repeat would create a second video.
                response = await upload.context.pipeline.attempt(
                    request, alone=upload.target.video_id is None
                )
                video = _confirmed(request, response)
            except ApiStatusError as error:
                video = _resume_incomplete(error)
        except BaseException as error:
            self._record_failure(chunk, error, whole_body=sent >= chunk.size)
            # These bytes have to be sent again, so they do not count.
            upload.sending(chunk, None)
            upload.count_sent(-sent)
            failed = _is_overload(error) and not upload.stuck()
            upload.context.capacity.ended(started, clock(), failed=failed)
            raise
        upload.context.capacity.ended(started, clock(), failed=False)
        upload.sending(chunk, lambda: chunk.size)
        return video

    def _record_failure(self, chunk: Chunk, error: BaseException, *, whole_body: bool) -> None:
        if _is_refusal(error):
            return
        # A server cannot store a body that it has not received. A cancelled attempt with a whole
        # body is unknown: its request may have reached the server.
        incomplete = not whole_body and not isinstance(error, ApiStatusError | ApiResponseError)
        not_sent = isinstance(error, ApiVideoError) and error.delivery == "not_sent"
        if incomplete or not_sent or isinstance(error, RateLimitError):
            self.upload.ledger.put_back(chunk)
        else:
            self.upload.ledger.lose(chunk)

    async def _adapt(self, chunk: Chunk, error: ApiVideoError, sent: Sent, began: float) -> bool:
        """Change the upload if the service seems to differ from an assumption.

        ``began`` is the start of the attempt. Returns True if the chunk is to be sent again at
        once. Raises ``ReplanError``.
        """
        upload, adaptation = self.upload, self.upload.adaptation
        if isinstance(error, RateLimitError):
            adaptation.after_rate_limit(error, sent)
            return False
        if isinstance(error, ApiTimeoutError) and upload.ledger.state(chunk) is ChunkState.UNKNOWN:
            # A timeout in an outage says nothing about the service.
            down = upload.context.pipeline.was_down(began)
            if not down and adaptation.after_timeout(error.reason, sent):
                upload.context.wait_longer(error.reason)
            return False
        if not isinstance(error, ApiStatusError) or not (is_verdict(error) or error.status == 413):
            return False
        reaction = adaptation.after_refusal(error, sent)
        if reaction == "plan":
            if await upload.gate.close():
                raise ReplanError
            sent = attrs.evolve(
                sent, any_accepted=True, total_known=upload.ledger.total is not None
            )
            reaction = adaptation.after_refusal(error, sent)
        if reaction is None:
            return False
        if upload.ledger.state(chunk) is not ChunkState.PENDING:
            upload.ledger.put_back(chunk)
        upload.gate.wake()
        if adaptation.mode is not None and upload.ledger.mode != "whole":
            upload.ledger.mode = adaptation.mode
        upload.ledger.needs_total = adaptation.needs_total
        return True

    async def _is_received(
        self, chunk: Chunk, error: ApiVideoError, *, unknown: bool, may_be_stored: bool
    ) -> bool:
        """Return True if the server has the chunk although no response confirmed it.

        ``unknown`` is True if this attempt ended without a verdict. ``may_be_stored`` is True if
        an earlier attempt may have stored the chunk.
        """
        already = _is_already_received(error)
        # Without an attempt of ours that may have stored the chunk, another client writes to the
        # same container, and the upload must fail.
        if already and not may_be_stored:
            return False
        if not self.upload.target.can_read_status:
            # "Already sent" is sufficient, because the server stores a numbered chunk once.
            return already
        try:
            if already:
                return await self._is_listed(chunk)
            # If the status is out of date, the repeat is answered with "already sent".
            return unknown and self._confirms(
                await self.upload.context.read_received(self.upload.target), chunk
            )
        except ApiVideoError as failure:
            raise self._failed(
                f"chunk {chunk.number}: the status of the video cannot be read", failure
            ) from failure

    def _confirms(self, received: Received, chunk: Chunk) -> bool:
        ledger = self.upload.ledger
        if received.filesize is not None and (received.complete or ledger.mode == "whole"):
            # A complete upload may list no ranges or parts, so compare its size.
            return received.filesize == ledger.total
        return received.covers(chunk)

    async def _is_listed(self, chunk: Chunk) -> bool:
        """Return True unless the status contradicts that the server has the chunk."""
        profile = self.upload.context.pipeline.profile
        received = await self.upload.read_settled(
            lambda received: (
                self._confirms(received, chunk) or not profile.current.status_lists_chunks
            )
        )
        if self._confirms(received, chunk) or received.complete:
            return self._confirms(received, chunk)
        profile.learn(
            "status-without-ranges",
            "the status does not list a chunk that the service says it has",
            status_lists_chunks=False,
        )
        return True

    async def _pause(
        self, chunk: Chunk, error: ApiVideoError, attempts: Attempts, *, may_be_stored: bool
    ) -> None:
        """Wait before the next attempt, or raise if there must be none."""
        upload = self.upload
        if isinstance(error, SourceError | ConfigurationError):
            raise error
        if _is_refusal(error) and not _may_be_temporary(error):
            upload.ledger.fail(chunk)
            hint = ""
            if isinstance(error, ApiStatusError) and upload.adaptation.is_about_sending(error):
                hint = f"; {SETTINGS}"
            raise self._failed(f"chunk {chunk.number} was refused", error, hint) from error
        if not error.retryable and not isinstance(error, ApiStatusError):
            raise self._failed(f"chunk {chunk.number} was refused", error) from error
        if may_be_stored and upload.target.video_id is None:
            raise self._failed(
                "the response to the first chunk was lost, and a repeat could create a second "
                "video: delete the unfinished video of this name before you upload again, or "
                "create a container and pass its video_id",
                error,
            ) from error
        now = asyncio.get_running_loop().time()
        pipeline = upload.context.pipeline
        delay = attempts.delay(pipeline.config.retry, now, random.random(), pipeline.outage)  # noqa: S311
        if delay is None:
            raise self._failed(
                f"chunk {chunk.number} could not be sent: {attempts.describe(error, now)}", error
            ) from error
        if upload.ledger.state(chunk) is not ChunkState.PENDING:
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

    def _unreadable(self, chunk: Chunk, cause: ApiVideoError) -> UploadError:
        what = f"chunk {chunk.number}: the status of the video cannot be read"
        return self._failed(what, cause)

    def _failed(self, what: str, cause: ApiVideoError, hint: str = "") -> UploadError:
        unknown = cause.delivery == "unknown" or (
            isinstance(cause, ApiStatusError) and not is_verdict(cause)
        )
        return self.upload.error(f"{what}: {cause}{hint}", "unknown" if unknown else "failed")


def _is_overload(error: BaseException) -> bool:
    """Return True if lower concurrency could have avoided this failure. The limiter handles 429."""
    retryable = isinstance(error, ApiVideoError) and error.retryable
    return retryable and not isinstance(error, RateLimitError)


def _confirmed(request: Request, response: Response) -> Video:
    """Return the video of a 2xx response. Raises ``ApiResponseError`` if it names none."""
    # A 2xx status alone is no proof: the page of a proxy can have it too. The service always sends
    # a ``videoId`` (service.md#upload-responses).
    video = decode(request, response, Video)
    if not video.video_id:
        raise ApiResponseError(
            f"the response {response.status} has no videoId",
            status=response.status,
            body=response.body,
            request=request.summary,
        )
    return video


def _resume_incomplete(error: ApiStatusError) -> Video:
    """Return the video of a 308, with which other upload protocols accept a chunk; or raise."""
    parsed = parse_json(error.body) if error.status == 308 else None
    video = from_json(parsed, Video) if isinstance(parsed, Mapping) else Video()
    if not video.video_id:
        raise error
    return video


def _is_refusal(error: BaseException) -> bool:
    """Return True if the service refused the chunk, so that it has not stored it now.

    The page of a gateway is not a verdict of the service: the request may have been executed.
    """
    return (
        isinstance(error, ApiStatusError)
        and not error.retryable
        and error.delivery == "refused"
        and is_verdict(error)
    )


def _may_be_temporary(error: ApiVideoError) -> bool:
    """Return True for a refusal that another request in progress can explain."""
    busy = isinstance(error, ApiStatusError) and error.status in BUSY
    return busy and not _is_already_received(error)


def _is_already_received(error: ApiVideoError) -> bool:
    slug = error.slug if isinstance(error, ApiStatusError) else None
    return slug == ALREADY_COMPLETE or slug in ALREADY_RECEIVED
