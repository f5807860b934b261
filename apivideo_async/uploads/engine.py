"""The upload engine: send the chunks of one source concurrently, in constant memory.

Theory of operation. The engine plans a source that can be read by position (:class:`Source`) before
it sends anything. Workers then take chunks from the ledger until none is left. Each worker reads
its own range, so the memory holds one block per worker. A :class:`Stream` can only be read in
order. The engine cuts it into chunks while it reads, and keeps each chunk until the server has
accepted it. The producer waits while all workers are busy, so the memory, or the disk, holds
``concurrency + 1`` chunks.

The chunk sender sends a single chunk and resolves its failures. The ledger records the accepted
chunks. The engine starts the work, records the results and ends the upload: at the end the server
must hold every byte, or an error says which bytes are missing.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any, Literal

import attrs

from ..config import UploadOptions
from ..errors import ApiVideoError, SourceError, UploadError, first_failure
from ..http.pipeline import Pipeline
from ..models import Video
from ..protocol.request import FilePart
from .capacity import Capacity
from .chunk_sender import ChunkSender, Receipt, ask
from .completion import show, verify
from .journal import JournalEntry, Notes
from .ledger import Ledger
from .plan import (
    USUAL_BUDGET,
    Chunk,
    Plan,
    Received,
    SendMode,
    content_range,
    most_buffered,
    most_in_flight,
    plan_rest,
    stream_chunk_size,
)
from .progress import Meter, UploadProgress
from .reporter import OnProgress, Reporter
from .sources.chunker import Buffer, Piece, cut
from .sources.opening import BLOCK, FileSource, MemorySource, Source, Stream, content_type, flow
from .sources.spool import Spool
from .target import Target

__all__ = ["UploadJob"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")


class UploadJob:
    """One upload of one source to one target. An instance can be used once."""

    def __init__(
        self,
        pipeline: Pipeline,
        target: Target,
        options: UploadOptions,
        *,
        on_progress: OnProgress | None = None,
        fresh: bool = False,
        notes: Notes | None = None,
        slots: Capacity | None = None,
    ) -> None:
        """Prepare the upload. Nothing is sent before ``run``.

        ``fresh`` is True if the container was just created, so its status need not be read.
        ``notes`` is the journal of this upload. ``slots`` is the capacity that several uploads
        share.
        """
        self._pipeline = pipeline
        self._target = target
        self._options = options
        self._fresh = fresh
        self._notes = notes
        self._slots = slots or Capacity.of(options)
        self._final: Video | None = None
        self._ambiguous = False
        self._reporter = Reporter(self._progress, on_progress)

    async def run(self, source: Source | Stream) -> Video:
        """Upload the source and return the video. The source stays open.

        All tasks have ended when this returns, raises or is cancelled. Raises ``UploadError``,
        ``SourceError`` or another ``ApiVideoError``.
        """
        self._name = source.name
        held = await self._held()
        # The check at the end needs this: parts of an earlier call may have had another size.
        self._resumed_parts = held.mode == "part"
        # A request of an earlier call may still arrive while this call sends the same chunk.
        self._continued = not held.empty if self._target.can_ask else self._found is not None
        if isinstance(source, Source):
            # None: no response has reported the limit yet.
            known = self._pipeline.limiter.spare("uploads")
            spare = USUAL_BUDGET if known is None else known
            plan = plan_rest(source.size, self._options_for(held), held, spare)
            self._open(Ledger.of(plan), plan.held, plan.parts)
            # If no chunk is left, an earlier call received the response that completed the video.
            self._ambiguous = not plan.chunks
            await self._note()
            log.info(
                "%s: %d chunks of %d bytes, %s",
                self._name,
                len(plan.chunks),
                plan.chunk_size,
                plan.mode,
            )
            await self._grouped(self._pull(source, plan))
        else:
            if held.complete:
                return await self._finished_stream(source, held)
            if held.mode == "part" and self._options.chunk_size is None:
                raise UploadError(
                    "the upload was started with numbered parts, whose size the server does not tell: "
                    "pass the chunk_size it was started with"
                )
            mode: SendMode = held.mode or self._options.mode or "part"
            self._open(Ledger(mode, stream_chunk_size(self._options)), 0, None)
            await self._grouped(self._push(source, held))
        return await self._finish()

    async def _finished_stream(self, stream: Stream, held: Received) -> Video:
        """Compare a stream with the complete upload that the container holds, and return the video.

        Only the sizes are compared, as with a file.
        """
        self._open(Ledger(held.mode or "part", stream_chunk_size(self._options)), 0, None)
        size = 0
        async with aclosing(self._guarded(stream.blocks())) as blocks:
            async for block in blocks:
                size += len(block)
        self._open(Ledger.of(plan_rest(size, self._options, held)), size, held.parts_total)
        return await show(self._pipeline, self._target)

    def _open(self, ledger: Ledger, held: int, parts: int | None) -> None:
        self._ledger = ledger
        self._parts = parts
        # Last chunk of a stream. The next one begins where it ends.
        self._entered = Chunk(0, 0, 0)
        self._meter = Meter(asyncio.get_running_loop().time(), held)
        self._courier = ChunkSender(
            self._pipeline,
            self._target,
            ledger,
            self._meter,
            self._slots,
            self._reporter.touch,
            resumed=self._continued,
        )

    @property
    def _found(self) -> JournalEntry | None:
        return self._notes.found if self._notes is not None else None

    async def _held(self) -> Received:
        """Return the chunks that the target held before this call."""
        if self._fresh or self._target.video_id is None:
            return Received()
        if self._target.can_ask:
            return await ask(self._pipeline, self._target)
        # With an upload token only the journal knows the accepted chunks.
        return self._found.held() if self._found is not None else Received()

    def _options_for(self, held: Received) -> UploadOptions:
        """Return the options with the chunk size of the earlier upload, as in the journal."""
        found = self._found
        if found is not None and not held.empty and found.mode != "whole":
            return attrs.evolve(self._options, chunk_size=found.chunk_size)
        return self._options

    async def _grouped(self, work: Any) -> None:
        """Run ``work`` and the reporter. If several tasks fail, raise the first failure itself."""
        task = asyncio.current_task()
        cancelling = task.cancelling() if task is not None else 0
        try:
            async with asyncio.TaskGroup() as group:
                reporting = (
                    group.create_task(self._reporter.run()) if self._reporter.wanted else None
                )
                await work
                if reporting is not None:
                    reporting.cancel()
        except BaseExceptionGroup as failures:
            first = first_failure(failures)
            # Before Python 3.13, a task group that fails while its body waits leaves the
            # cancellation count of the task too high by one. aiohttp reads that count and would end
            # a later request of the caller as if it were cancelled.
            if sys.version_info < (3, 13) and task is not None and task.cancelling() > cancelling:
                task.uncancel()
            raise first from first.__cause__
        finally:
            # Avoid a warning if ``work`` was never awaited.
            work.close()

    # -- sources that are read by position

    async def _pull(self, source: Source, plan: Plan) -> None:
        """Send a source that is read by position. Every worker reads its own range."""
        # Our own sources raise ``SourceError`` already. Only foreign ones need the wrapper.
        careful = not isinstance(source, FileSource | MemorySource)

        def make(chunk: Chunk, on_sent: Callable[[int], None]) -> FilePart:
            def read() -> AsyncIterator[Any]:
                blocks = source.read(chunk.start, chunk.size)
                return self._guarded(blocks) if careful else blocks

            return self._part(chunk.size, read, on_sent)

        async def deliver(chunk: Chunk) -> None:
            span = content_range(plan.mode, chunk, total=plan.total, parts=plan.parts)
            await self._record(await self._courier.deliver(chunk, make, span))

        async def work() -> None:
            while (chunk := self._ledger.take()) is not None:
                await deliver(chunk)

        # With an upload token the first response gives the id that all later chunks must carry, so
        # the first chunk is sent alone (service.md#token-uploads).
        if self._target.video_id is None and (first := self._ledger.take()) is not None:
            await deliver(first)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(most_in_flight(self._options), len(plan.chunks))):
                group.create_task(work())

    # -- sources that only flow

    async def _push(self, stream: Stream, held: Received) -> None:
        """Send a stream: read, cut and buffer it, and send each chunk in its own task."""
        # Backpressure: the reader waits here, so that the memory stays bounded.
        room = asyncio.Semaphore(most_buffered(self._options, self._ledger.chunk_size))

        async def deliver(
            piece: Buffer, chunk: Chunk, total: int | None, parts: int | None
        ) -> None:
            def make(chunk: Chunk, on_sent: Callable[[int], None]) -> FilePart:
                return self._part(chunk.size, lambda: piece.read(BLOCK), on_sent)

            try:
                span = content_range(self._ledger.mode, chunk, total=total, parts=parts)
                await self._record(await self._courier.deliver(chunk, make, span))
            finally:
                piece.close()
                room.release()

        flowing = self._guarded(stream.blocks())
        with self._buffers() as start:
            async with (
                asyncio.TaskGroup() as group,
                aclosing(cut(flowing, self._ledger.chunk_size, start)) as pieces,
            ):
                async for piece in pieces:
                    chunk = self._enter(piece, held)
                    # The last chunk carries the total. If the server does not know the total yet,
                    # send the last chunk even if it is stored.
                    known = not piece.last or held.parts_total is not None or held.total is not None
                    if not held.empty and held.covers(chunk) and known:
                        self._skip(chunk)
                        piece.close()
                        continue
                    await room.acquire()
                    # Only the last piece carries the totals.
                    sending = deliver(
                        piece, chunk, self._ledger.total, chunk.number if piece.last else None
                    )
                    if self._target.video_id is None:
                        # As in ``_pull``: the first response gives the video id.
                        await sending
                    else:
                        group.create_task(sending)

    @contextmanager
    def _buffers(self) -> Iterator[Callable[[], Buffer]]:
        """Yield the function that creates chunk buffers: in memory, or on disk with ``spool``."""
        spool = self._options.spool
        if spool is False:
            yield Piece
        else:
            with Spool(spool if isinstance(spool, Path) else None) as opened:
                yield opened.piece

    def _enter(self, piece: Buffer, held: Received) -> Chunk:
        """Add a piece of a stream to the ledger. The last piece sets the total."""
        before = self._entered
        chunk = self._entered = Chunk(before.number + 1, before.stop, piece.size)
        self._check_flow(chunk, piece)
        self._ledger.add(chunk)
        if piece.last:
            self._ledger.total, self._parts = chunk.stop, chunk.number
            # The whole stream fits one chunk, so it is sent as one request without Content-Range.
            if chunk.number == 1 and held.empty:
                self._ledger.mode = "whole"
        return chunk

    def _check_flow(self, chunk: Chunk, piece: Buffer) -> None:
        """Raise ``SourceError`` if the stream is empty or exceeds the limits of the protocol."""
        limits = self._options.limits
        if piece.last and chunk.stop == 0:
            raise self._source_error("the source is empty (0 bytes): there is nothing to upload")
        if chunk.stop > limits.largest_total or chunk.number > limits.most_parts:
            raise self._source_error(
                f"the stream went beyond what api.video takes ({limits.largest_total:,} bytes, "
                f"{limits.most_parts:,} chunks): split it, or raise chunk_size"
            )

    def _skip(self, chunk: Chunk) -> None:
        """Mark a chunk of a stream as accepted without sending it: the server holds it already."""
        self._ledger.start(chunk)
        self._ledger.accept(chunk)
        self._meter.add(chunk.size, asyncio.get_running_loop().time())

    # -- both

    def _part(
        self, size: int, read: Callable[[], AsyncIterator[Any]], on_sent: Callable[[int], None]
    ) -> FilePart:
        return FilePart(self._name, size, read, content_type(self._name), on_sent)

    async def _guarded(self, blocks: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        """Convert exceptions of foreign code into ``SourceError`` with the state of the upload."""
        try:
            async with aclosing(flow(blocks)) as source:
                async for block in source:
                    yield block
        except ApiVideoError:
            raise
        except Exception as error:
            raise self._source_error(f"{self._name} cannot be read further: {error!r}") from error

    def _source_error(self, message: str) -> SourceError:
        return SourceError(message, video_id=self._target.video_id, ledger=self._ledger.snapshot())

    def _error(self, message: str, outcome: Literal["failed", "unknown"] = "failed") -> UploadError:
        return UploadError(
            message, video_id=self._target.video_id, ledger=self._ledger.snapshot(), outcome=outcome
        )

    async def _record(self, receipt: Receipt) -> None:
        """Record an accepted chunk in the ledger, and its video id in the target.

        The response to any chunk may contain the full video (service.md#upload-responses). Raises
        ``UploadError`` if the response names another video.
        """
        video = receipt.video or Video()
        if self._target.video_id is None:
            self._target.video_id = video.video_id or None
        if self._target.video_id is None or video.video_id not in ("", self._target.video_id):
            raise self._error(
                f"chunk {receipt.chunk.number} was accepted for the video {video.video_id or 'without an id'!r}, "
                "not for this one: it cannot be continued",
                outcome="unknown",
            )
        # If the status confirmed the chunk, the lost response may have contained the full video. A
        # response with more than the id completed the upload.
        if receipt.video is None:
            self._ambiguous = True
        elif video != Video(video_id=video.video_id):
            self._final = video
        self._ledger.accept(receipt.chunk)
        self._reporter.touch()
        # With an API key the status is the record. With a token only the journal has it, so write
        # it now.
        if not self._target.can_ask:
            await self._note()

    async def _note(self) -> None:
        """Write the journal, if there is one and the video id is known."""
        if self._notes is not None and self._target.video_id is not None:
            await self._notes.write(self._target.video_id, self._ledger.snapshot)

    def _progress(self) -> UploadProgress:
        now = asyncio.get_running_loop().time()
        return UploadProgress(
            video_id=self._target.video_id,
            bytes_total=self._ledger.total,
            bytes_sent=self._meter.sent,
            bytes_accepted=self._ledger.accepted_bytes,
            rate=self._meter.rate(now),
            eta=self._meter.eta(now, self._ledger.total),
            elapsed=now - self._meter.started,
            chunks=self._ledger.counts,
        )

    async def _finish(self) -> Video:
        """Verify that the server holds every byte, and return the full video."""
        if not self._ledger.complete:
            raise self._error("not every chunk was accepted")
        # A token cannot read the status, so only the full video proves that the upload is complete.
        if not self._target.can_ask and self._final is None and not self._ambiguous:
            raise self._error(
                "every chunk was accepted, but no answer said that the video is complete", "unknown"
            )
        if self._target.can_ask and self._ledger.mode != "whole" and self._options.verify:
            total = self._ledger.total or 0
            try:
                await verify(
                    self._pipeline,
                    self._target,
                    total,
                    self._parts,
                    resumed_parts=self._resumed_parts,
                )
            except UploadError as error:
                error.video_id, error.ledger = self._target.video_id, self._ledger.snapshot()
                raise
        await self._reporter.tell()
        video = self._final or await show(self._pipeline, self._target)
        if self._notes is not None:
            # There is no ``await`` after this line. If the caller is cancelled earlier, the next
            # call still finds the video in the journal.
            self._notes.forget()
        return video
