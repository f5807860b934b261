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
from contextlib import aclosing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from ..config import UploadOptions
from ..errors import SourceError, UploadError
from ..models import Video
from ..protocol.content_range import ContentRange
from .chunk_sender import ChunkSender
from .journal import UploadJournal
from .ledger import Ledger
from .plan import (
    ASSUMED_BUDGET,
    UNKNOWN_PART_SIZE,
    Chunk,
    Plan,
    Received,
    most_buffered,
    most_in_flight,
    plan_rest,
    stream_chunk_size,
)
from .progress import Meter
from .sources.chunker import Buffer, MemoryBuffer, Spool, cut
from .sources.opening import FileSource, MemorySource
from .sources.types import BLOCK, Source, Stream, guarded_blocks
from .target import Target
from .upload import Upload, UploadContext

__all__ = ["run_upload"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")


async def run_upload(
    context: UploadContext,
    target: Target,
    source: Source | Stream,
    journal: UploadJournal,
    *,
    empty: bool = False,
) -> Video:
    """Upload the source, which stays open, and return the video.

    All tasks have ended when this returns, raises or is cancelled. Raises ``ApiVideoError``.
    """
    received = Received() if empty else await _earlier_chunks(context, target, journal)
    send: Callable[[Upload], Awaitable[None]]
    if isinstance(source, Source):
        ledger = Ledger.of(_plan(context, source, received, journal))
        send = partial(ranged, source=source)
    elif received.complete:
        return await _compare_sizes(context, target, source, received)
    else:
        ledger = _stream_ledger(context.options, received)
        send = partial(streamed, stream=source)
    upload = Upload(
        context=context,
        target=target,
        name=source.name,
        journal=journal,
        received=received,
        ledger=ledger,
        meter=Meter(asyncio.get_running_loop().time(), ledger.accepted_bytes),
    )
    await upload.write_journal()
    async with upload.reporting():
        await send(upload)
    return await upload.finish()


async def _earlier_chunks(
    context: UploadContext, target: Target, journal: UploadJournal
) -> Received:
    if target.video_id is None:
        return Received()
    if target.can_read_status:
        return await context.read_received(target)
    # With an upload token only the journal knows the accepted chunks.
    return Received() if journal.earlier is None else journal.earlier.received()


def _plan(
    context: UploadContext, source: Source, received: Received, journal: UploadJournal
) -> Plan:
    options, earlier = context.options, journal.earlier
    if earlier is not None and not received.empty and earlier.mode != "whole":
        options = attrs.evolve(options, chunk_size=earlier.chunk_size)
    # None: no response has reported the limit yet.
    spare = context.pipeline.limiter.spare("uploads")
    plan = plan_rest(source.size, options, received, ASSUMED_BUDGET if spare is None else spare)
    log.info(
        "%s: %d chunks of %d bytes, %s",
        source.name,
        len(plan.chunks),
        plan.chunk_size,
        plan.mode,
        extra={"event": "upload_planned", "chunks": len(plan.chunks)},
    )
    return plan


def _stream_ledger(options: UploadOptions, received: Received) -> Ledger:
    if received.mode == "part" and options.chunk_size is None:
        raise UploadError(UNKNOWN_PART_SIZE)
    return Ledger(received.mode or options.mode or "part", stream_chunk_size(options))


async def _compare_sizes(
    context: UploadContext, target: Target, stream: Stream, received: Received
) -> Video:
    """Return the video of a complete upload. Raises ``UploadError`` if its size is another."""
    size = 0
    try:
        async with aclosing(guarded_blocks(stream.blocks(), stream.name)) as blocks:
            async for block in blocks:
                size += len(block)
    except SourceError as error:
        raise error.evolve(video_id=target.video_id) from error.__cause__
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
            content_range = ledger.content_range(chunk)
            video = await sender.deliver(chunk, partial(read, chunk), content_range)
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


async def streamed(upload: Upload, stream: Stream) -> None:
    options, ledger, sender = upload.context.options, upload.ledger, ChunkSender(upload)
    # Backpressure: the reader waits for a free buffer, so that the memory stays bounded.
    free = asyncio.Semaphore(most_buffered(options, ledger.chunk_size))

    async def send(buffer: Buffer, chunk: Chunk, content_range: ContentRange | None) -> None:
        try:
            video = await sender.deliver(chunk, partial(buffer.read, BLOCK), content_range)
            await upload.record(chunk, video)
        finally:
            buffer.close()
            free.release()

    blocks = guarded_blocks(stream.blocks(), stream.name)
    with _buffer_factory(options.spool) as new_buffer:
        async with (
            asyncio.TaskGroup() as group,
            aclosing(cut(blocks, ledger.chunk_size, new_buffer)) as buffers,
        ):
            async for buffer in buffers:
                chunk = _append(upload, buffer)
                if _can_skip(upload.received, chunk, last=buffer.last):
                    upload.skip(chunk)
                    buffer.close()
                    continue
                await free.acquire()
                # Computed now: only the last chunk carries the totals, which are known after it.
                sending = send(buffer, chunk, ledger.content_range(chunk))
                if upload.target.video_id is None:
                    # As in ``ranged``: the first response gives the video id.
                    await sending
                else:
                    group.create_task(sending)


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
    if buffer.last and chunk.stop == 0:
        raise SourceError("the source is empty (0 bytes): there is nothing to upload")
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
