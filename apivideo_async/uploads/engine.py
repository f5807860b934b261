"""The upload engine: send the chunks of one source concurrently, in constant memory.

Theory of operation. :func:`run_upload` first determines which chunks the server has, and from that
the mode and the chunks to send. It then creates the :class:`~.upload.Upload` and runs it:

- :func:`ranged` sends a :class:`Source`, which is read by position. The plan is known before
  anything is sent. Workers take chunks from the ledger until none is left. Each worker reads its
  own range, so the memory holds one block per worker.
- :func:`streamed` sends a :class:`Stream`, which can only be read in order. It cuts the stream
  into chunks while it reads, and keeps each chunk until the server has accepted it. The reader
  waits while all buffers are in use, so the memory, or the disk, holds ``concurrency + 1`` chunks.

The chunk sender sends a single chunk and resolves its failures. The ledger records the accepted
chunks. At the end the server must have every byte, or an error says which bytes are missing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
from attrs import define

from ..config import UploadOptions
from ..errors import SourceError, UploadError
from ..models import Video
from ..observing import observed
from .adaptation import Adaptation
from .chunk_sender import ChunkSender
from .journal import UploadJournal
from .ledger import Ledger, LedgerSnapshot
from .order import ReplanError
from .plan import (
    ASSUMED_BUDGET,
    UNKNOWN_PART_SIZE,
    Chunk,
    Plan,
    Received,
    check_total,
    choose_chunk_size,
    most_buffered,
    most_in_flight,
    plan_rest,
    stream_chunk_size,
)
from .progress import Meter
from .sources.begun import BegunStream
from .sources.chunker import Buffer, MemoryBuffer, Spool, StreamFeed
from .sources.opening import FileSource, MemorySource
from .sources.types import BLOCK, Source, guarded_blocks
from .target import Target
from .upload import Upload, UploadContext

__all__ = ["run_upload"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")


async def run_upload(
    context: UploadContext,
    target: Target,
    source: Source | BegunStream,
    journal: UploadJournal,
    *,
    empty: bool = False,
    earlier: LedgerSnapshot | None = None,
) -> Video:
    """Upload the source, which stays open, and return the video.

    ``empty`` is True if this call has created the container. ``earlier`` is the ledger of an
    interrupted upload with a token. All tasks have ended when this returns, raises or is cancelled.
    Raises ``ApiVideoError``.
    """
    if earlier is None and journal.earlier is not None:
        earlier = journal.earlier.snapshot()
    async with AsyncExitStack() as opened:
        span = opened.enter_context(observed("upload", video_id=target.video_id))
        run = _Run(
            context=context,
            target=target,
            journal=journal,
            adaptation=Adaptation.of(context.pipeline.profile.current, context.options.limits),
            received=Received() if empty else await _earlier_chunks(context, target, earlier),
            earlier=earlier,
            exclusive=empty,
        )
        if isinstance(source, BegunStream) and run.received.complete:
            return await _compare_sizes(context, target, source, run.received)
        rest: Source | StreamFeed
        if isinstance(source, Source):
            rest = source
        else:
            new_buffer = opened.enter_context(_buffer_factory(context.options.spool))
            rest = StreamFeed(source.name, source.blocks(), new_buffer)
            opened.push_async_callback(rest.aclose)
        while True:
            if isinstance(rest, StreamFeed) and run.adaptation.needs_total:
                spool = context.options.spool
                with _naming_video(target):
                    rest = await rest.spooled(spool if isinstance(spool, Path) else None)
            upload, send = run.prepare(rest)
            await upload.write_journal()
            try:
                async with upload.reporting():
                    await send(upload)
            except ReplanError:
                log.info("%s: divided again", source.name, extra={"event": "upload_replanned"})
            else:
                video = await upload.finish()
                span.set(video_id=video.video_id)
                return video


@define(kw_only=True, eq=False)
class _Run:
    """The parts of an upload that stay the same when the source is divided again."""

    context: UploadContext
    target: Target
    journal: UploadJournal
    adaptation: Adaptation
    received: Received
    earlier: LedgerSnapshot | None
    exclusive: bool

    def prepare(
        self, source: Source | StreamFeed
    ) -> tuple[Upload, Callable[[Upload], Awaitable[None]]]:
        """Divide the source. Returns the upload, and the function that sends it."""
        send: Callable[[Upload], Awaitable[None]]
        if isinstance(source, Source):
            ledger = Ledger.of(self._plan(source))
            send = partial(ranged, source=source)
        else:
            ledger = self._stream_ledger()
            send = partial(streamed, feed=source)
        if self.earlier is not None:
            ledger.earlier = self.earlier.accepted
        upload = Upload(
            context=self.context,
            target=self.target,
            name=source.name,
            journal=self.journal,
            received=self.received,
            ledger=ledger,
            meter=Meter(asyncio.get_running_loop().time(), ledger.accepted_bytes),
            adaptation=self.adaptation,
            stuck=(lambda: source.stuck) if isinstance(source, Source) else (lambda: False),
            exclusive=self.exclusive,
        )
        return upload, send

    def _options(self, chunk_size: int) -> UploadOptions:
        """Return the options with the mode and the chunk size that the service accepts.

        ``chunk_size`` is the size in bytes without the profile of the service.
        """
        options, profile = self.context.options, self.context.pipeline.profile.current
        low, high = profile.smallest_chunk or 0, profile.largest_chunk or chunk_size
        size = self.adaptation.chunk_size or max(low, min(chunk_size, high))
        mode = self.adaptation.mode or options.mode
        if not profile.byte_ranges and profile.parts:
            mode = "part"
        elif not profile.parts and profile.byte_ranges:
            mode = "bytes"
        if size == chunk_size:
            return attrs.evolve(options, mode=mode)
        return attrs.evolve(options, mode=mode, chunk_size=size)

    def _plan(self, source: Source) -> Plan:
        context, received, earlier = self.context, self.received, self.earlier
        options = context.options
        # None: no response has reported the limit yet.
        spare = context.pipeline.limiter.spare("uploads")
        spare = ASSUMED_BUDGET if spare is None else spare
        limit_rate = context.pipeline.bandwidth.limit_rate
        if earlier is not None and not received.empty and earlier.mode != "whole":
            options = attrs.evolve(options, chunk_size=earlier.chunk_size)
        elif received.mode != "part":
            check_total(source.size, options.limits)
            options = self._options(choose_chunk_size(source.size, options, spare, limit_rate))
        plan = plan_rest(source.size, options, received, spare, limit_rate)
        log.info(
            "%s: %d chunks of %d bytes, %s",
            source.name,
            len(plan.chunks),
            plan.chunk_size,
            plan.mode,
            extra={"event": "upload_planned", "chunks": len(plan.chunks)},
        )
        return plan

    def _stream_ledger(self) -> Ledger:
        options, received, earlier = self.context.options, self.received, self.earlier
        chunk_size = stream_chunk_size(options)
        if earlier is not None and not received.empty:
            chunk_size = earlier.chunk_size
        elif received.mode == "part" and options.chunk_size is None:
            raise UploadError(UNKNOWN_PART_SIZE)
        elif received.empty:
            options = self._options(chunk_size)
            chunk_size = options.chunk_size or chunk_size
        return Ledger(received.mode or options.mode or "part", chunk_size)


async def _earlier_chunks(
    context: UploadContext, target: Target, earlier: LedgerSnapshot | None
) -> Received:
    if target.video_id is None:
        return Received()
    if target.can_read_status:
        return await context.read_received(target)
    # With an upload token, only the ledger of the earlier call knows the accepted chunks.
    return Received() if earlier is None else earlier.received()


async def _compare_sizes(
    context: UploadContext, target: Target, stream: BegunStream, received: Received
) -> Video:
    """Return the video of a complete upload. Raises ``UploadError`` if its size is another."""
    size = 0
    with _naming_video(target):
        async with aclosing(stream.blocks()) as blocks:
            async for block in blocks:
                size += len(block)
    plan_rest(size, context.options, received)
    return await context.read_video(target)


async def ranged(upload: Upload, source: Source) -> None:
    ledger, sender = upload.ledger, ChunkSender(upload)
    # Our own sources need no wrapper, because they raise ``SourceError`` already.
    own = isinstance(source, FileSource | MemorySource)

    def read(chunk: Chunk) -> AsyncIterator[Any]:
        blocks = source.read(chunk.start, chunk.size)
        return blocks if own else guarded_blocks(blocks, source.name)

    async def send(*, once: bool = False) -> None:
        while (chunk := ledger.take()) is not None:
            video = await sender.deliver(chunk, partial(read, chunk))
            await upload.record(chunk, video)
            if once:
                return

    # With an upload token the first response gives the id that all later chunks must carry, so the
    # first chunk is sent alone (service.md#token-uploads).
    if upload.target.video_id is None:
        await send(once=True)
    async with asyncio.TaskGroup() as group:
        for _ in range(min(most_in_flight(upload.context.options), ledger.pending)):
            group.create_task(send())


async def streamed(upload: Upload, feed: StreamFeed) -> None:
    options, ledger, sender = upload.context.options, upload.ledger, ChunkSender(upload)
    # Backpressure: the reader waits for a free buffer, so that the memory stays bounded.
    free = asyncio.Semaphore(most_buffered(options, ledger.chunk_size))

    async def send(buffer: Buffer, chunk: Chunk) -> None:
        try:
            video = await sender.deliver(chunk, partial(buffer.read, BLOCK))
            await upload.record(chunk, video)
            feed.close(buffer)
        except ReplanError:
            # The reader ends when the gate is closed: a cancellation would end the stream.
            pass
        finally:
            free.release()

    async with (
        asyncio.TaskGroup() as group,
        aclosing(feed.cut(ledger.chunk_size)) as buffers,
    ):
        async for buffer in buffers:
            chunk = _append(upload, buffer)
            if _can_skip(upload.received, chunk, last=buffer.last):
                upload.skip(chunk)
                feed.close(buffer)
                continue
            await free.acquire()
            if upload.gate.closed:
                break
            if upload.target.video_id is None:
                # As in ``ranged``: the first response gives the video id.
                await send(buffer, chunk)
            else:
                group.create_task(send(buffer, chunk))
    if upload.gate.closed:
        raise ReplanError


@contextmanager
def _naming_video(target: Target) -> Iterator[None]:
    """Add the id of the container to a ``SourceError``, so that the upload can be continued."""
    try:
        yield
    except SourceError as error:
        raise error.evolve(video_id=target.video_id) from error.__cause__


@contextmanager
def _buffer_factory(spool: bool | Path) -> Iterator[Callable[[], Buffer]]:
    if spool is False:
        yield MemoryBuffer
    else:
        with Spool(spool if isinstance(spool, Path) else None) as opened:
            yield opened.new_buffer


def _append(upload: Upload, buffer: Buffer) -> Chunk:
    """Add a chunk of a stream to the ledger. Raises ``SourceError`` if the stream is too large."""
    ledger = upload.ledger
    chunk = ledger.append(buffer.size)
    limits = upload.context.options.limits
    if chunk.stop > limits.largest_total or chunk.number > limits.most_parts:
        raise SourceError(
            f"the stream exceeds the limits of api.video ({limits.largest_total:,} bytes, "
            f"{limits.most_parts:,} chunks): split it, or increase chunk_size"
        )
    if buffer.last:
        # If the whole stream fits one chunk, it is sent as one request without Content-Range.
        ledger.end_stream(whole=chunk.number == 1 and upload.received.empty)
    return chunk


def _can_skip(received: Received, chunk: Chunk, *, last: bool) -> bool:
    """The last chunk carries the total, so it is skipped only if the server knows the total."""
    if received.empty or not received.covers(chunk):
        return False
    return not last or received.parts_total is not None or received.total is not None
