"""The upload engine: chunks of one source in flight concurrently, in constant memory.

Theory of operation. A source that can be read by position (:class:`Source`) is planned first; workers take chunks
from the ledger until none is left, each reading its own range, so memory holds one block per worker. A source that
only flows (:class:`Stream`) is cut while it comes; each cut piece is buffered until the server has it, and the
producer waits while all workers are busy, so memory, or the disk, holds ``concurrency + 1`` chunks.

What happens to a single chunk is the courier's business; what was accepted is the ledger's. The engine starts,
records and ends: at the end the server must hold every byte, or an error says which are missing.
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
from .capacity import Slots
from .chunk_sender import Courier, Receipt, ask
from .completion import show, verify
from .journal import JournalEntry, Notes
from .ledger import Ledger
from .plan import (
    USUAL_BUDGET,
    Chunk,
    Held,
    Plan,
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
    """One upload of one source into one target. Used once."""

    def __init__(
        self,
        pipeline: Pipeline,
        target: Target,
        options: UploadOptions,
        *,
        on_progress: OnProgress | None = None,
        fresh: bool = False,
        notes: Notes | None = None,
        slots: Slots | None = None,
    ) -> None:
        """``fresh``: the container was just created, so there is no need to ask what it holds.

        ``slots`` bounds the chunks in flight of several uploads together.
        """
        self._pipeline = pipeline
        self._target = target
        self._options = options
        self._fresh = fresh
        self._notes = notes
        self._slots = slots or Slots.of(options)
        self._final: Video | None = None
        self._ambiguous = False
        self._reporter = Reporter(self._progress, on_progress)

    async def run(self, source: Source | Stream) -> Video:
        """Upload, and return the video. The source stays open; cancelling leaves nothing behind."""
        self._name = source.name
        held = await self._held()
        self._resumed_parts = held.mode == "part"
        # What an earlier call had under way may arrive while this one sends the same.
        self._continued = not held.empty if self._target.can_ask else self._found is not None
        if isinstance(source, Source):
            known = self._pipeline.limiter.spare("uploads")
            spare = USUAL_BUDGET if known is None else known
            plan = plan_rest(source.size, self._options_for(held), held, spare)
            self._open(Ledger.of(plan), plan.held, plan.parts)
            self._ambiguous = not plan.chunks  # The answer that proves it was given to an earlier call.
            await self._note()
            log.info("%s: %d chunks of %d bytes, %s", self._name, len(plan.chunks), plan.chunk_size, plan.mode)
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

    async def _finished_stream(self, stream: Stream, held: Held) -> Video:
        """Nothing is left to send; a stream of the same size is taken for the one that was uploaded, as a file is."""
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
        self._entered = Chunk(0, 0, 0)
        self._meter = Meter(asyncio.get_running_loop().time(), held)
        self._courier = Courier(
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

    async def _held(self) -> Held:
        """What the target holds before we begin."""
        if self._fresh or self._target.video_id is None:
            return Held()
        if self._target.can_ask:
            return await ask(self._pipeline, self._target)
        return self._found.held() if self._found is not None else Held()

    def _options_for(self, held: Held) -> UploadOptions:
        """Cut as the journal says it was cut: part numbers mean nothing otherwise."""
        found = self._found
        if found is not None and not held.empty and found.mode != "whole":
            return attrs.evolve(self._options, chunk_size=found.chunk_size)
        return self._options

    async def _grouped(self, work: Any) -> None:
        """Run beside the reporter; of several failures the first is raised, as itself."""
        task = asyncio.current_task()
        cancelling = task.cancelling() if task is not None else 0
        try:
            async with asyncio.TaskGroup() as group:
                reporting = group.create_task(self._reporter.run()) if self._reporter.wanted else None
                await work
                if reporting is not None:
                    reporting.cancel()
        except BaseExceptionGroup as failures:
            first = first_failure(failures)
            # Before 3.13 a group that fails while it is waited for leaves its task counted as cancelled once too often,
            # and aiohttp, which looks at that count, would then end a later request of the caller as if cancelled.
            if sys.version_info < (3, 13) and task is not None and task.cancelling() > cancelling:
                task.uncancel()
            raise first from first.__cause__
        finally:
            work.close()

    # -- sources that are read by position

    async def _pull(self, source: Source, plan: Plan) -> None:
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

        if self._target.video_id is None and (first := self._ledger.take()) is not None:
            await deliver(first)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(most_in_flight(self._options), len(plan.chunks))):
                group.create_task(work())

    # -- sources that only flow

    async def _push(self, stream: Stream, held: Held) -> None:
        room = asyncio.Semaphore(most_buffered(self._options, self._ledger.chunk_size))

        async def deliver(piece: Buffer, chunk: Chunk, total: int | None, parts: int | None) -> None:
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
                    known = not piece.last or held.parts_total is not None or held.total is not None
                    if not held.empty and held.covers(chunk) and known:
                        self._skip(chunk)
                        piece.close()
                        continue
                    await room.acquire()
                    sending = deliver(piece, chunk, self._ledger.total, chunk.number if piece.last else None)
                    if self._target.video_id is None:
                        await sending
                    else:
                        group.create_task(sending)

    @contextmanager
    def _buffers(self) -> Iterator[Callable[[], Buffer]]:
        """Give what makes the buffers of a stream's chunks."""
        spool = self._options.spool
        if spool is False:
            yield Piece
        else:
            with Spool(spool if isinstance(spool, Path) else None) as opened:
                yield opened.piece

    def _enter(self, piece: Buffer, held: Held) -> Chunk:
        """Give a piece its place in the ledger; the last one tells the end."""
        before = self._entered
        chunk = self._entered = Chunk(before.number + 1, before.stop, piece.size)
        self._check_flow(chunk, piece)
        self._ledger.add(chunk)
        if piece.last:
            self._ledger.total, self._parts = chunk.stop, chunk.number
            if chunk.number == 1 and held.empty:
                self._ledger.mode = "whole"
        return chunk

    def _check_flow(self, chunk: Chunk, piece: Buffer) -> None:
        limits = self._options.limits
        if piece.last and chunk.stop == 0:
            raise self._source_error("the source is empty (0 bytes): there is nothing to upload")
        if chunk.stop > limits.largest_total or chunk.number > limits.most_parts:
            raise self._source_error(
                f"the stream went beyond what api.video takes ({limits.largest_total:,} bytes, "
                f"{limits.most_parts:,} chunks): split it, or raise chunk_size"
            )

    def _skip(self, chunk: Chunk) -> None:
        self._ledger.start(chunk)
        self._ledger.accept(chunk)
        self._meter.add(chunk.size, asyncio.get_running_loop().time())

    # -- both

    def _part(self, size: int, read: Callable[[], AsyncIterator[Any]], on_sent: Callable[[int], None]) -> FilePart:
        return FilePart(self._name, size, read, content_type(self._name), on_sent)

    async def _guarded(self, blocks: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        """Turn what foreign code raises while it reads into a ``SourceError`` that knows the upload."""
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
        return UploadError(message, video_id=self._target.video_id, ledger=self._ledger.snapshot(), outcome=outcome)

    async def _record(self, receipt: Receipt) -> None:
        """Enter what a worker brought back. The full video may come with any chunk (service.md#upload-responses)."""
        video = receipt.video or Video()
        if self._target.video_id is None:
            self._target.video_id = video.video_id or None
        if self._target.video_id is None or video.video_id not in ("", self._target.video_id):
            raise self._error(
                f"chunk {receipt.chunk.number} was accepted for the video {video.video_id or 'without an id'!r}, "
                "not for this one: it cannot be continued",
                outcome="unknown",
            )
        if receipt.video is None:
            self._ambiguous = True
        elif video != Video(video_id=video.video_id):
            self._final = video
        self._ledger.accept(receipt.chunk)
        self._reporter.touch()
        if not self._target.can_ask:
            await self._note()  # With an API key the server remembers; a token cannot ask it.

    async def _note(self) -> None:
        """Write the journal, if there is one and the video is known."""
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
        """Make sure that the server holds every byte, and get the full video."""
        if not self._ledger.complete:
            raise self._error("not every chunk was accepted")
        if not self._target.can_ask and self._final is None and not self._ambiguous:
            raise self._error("every chunk was accepted, but no answer said that the video is complete", "unknown")
        if self._target.can_ask and self._ledger.mode != "whole" and self._options.verify:
            total = self._ledger.total or 0
            try:
                await verify(self._pipeline, self._target, total, self._parts, resumed_parts=self._resumed_parts)
            except UploadError as error:
                error.video_id, error.ledger = self._target.video_id, self._ledger.snapshot()
                raise
        await self._reporter.tell()
        video = self._final or await show(self._pipeline, self._target)
        if self._notes is not None:
            self._notes.forget()  # Nothing is awaited any more: who is cancelled before this finds the video again.
        return video
