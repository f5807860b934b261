"""One upload: its state, its results and errors, and the check at its end."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from attrs import Factory, define, field, frozen

from ..config import UploadOptions
from ..errors import ApiVideoError, SourceError, UploadError, first_failure
from ..http.pipeline import Pipeline
from ..models import Video, VideoStatus
from ..protocol.request import build_request, path_for
from ..tasks import notify
from .capacity import Capacity
from .journal import UploadJournal
from .ledger import Ledger
from .plan import Chunk, Received
from .progress import Meter, OnProgress, UploadProgress
from .received import missing, received_of
from .target import Target

__all__ = ["Upload", "UploadContext"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

PROGRESS_INTERVAL = 0.1
"""Minimum number of seconds between two calls of the progress callback."""
SETTLE_DELAYS = (0.1, 0.3, 0.6)
"""Seconds between status requests while ``ingest`` is ``uploading`` (service.md#ingest-status)."""


@frozen(kw_only=True)
class UploadContext:
    """The options and shared objects of an upload."""

    pipeline: Pipeline
    options: UploadOptions
    capacity: Capacity
    """The capacity for chunks in flight, which several uploads may share."""
    on_progress: OnProgress | None = None

    async def read_received(self, target: Target) -> Received:
        """Request the status of the video and return the chunks that the server has."""
        path = path_for("/videos/{video_id}/status", video_id=target.video_id or "")
        request = build_request("videos.get_status", "GET", path)
        return received_of(await self.pipeline.call(request, VideoStatus))

    async def read_video(self, target: Target) -> Video:
        """Return the video of a complete upload, or only its id if it cannot be read."""
        video_id = target.video_id or ""
        # An upload token cannot read the video (service.md#token-uploads).
        if not target.can_read_status:
            return Video(video_id=video_id)
        path = path_for("/videos/{video_id}", video_id=video_id)
        try:
            return await self.pipeline.call(build_request("videos.get", "GET", path), Video)
        except ApiVideoError as error:
            log.warning(
                "%s is uploaded, but reading the video failed: %s",
                video_id,
                error,
                extra={"event": "video_unreadable", "error": error},
            )
            return Video(video_id=video_id)


@define(kw_only=True, eq=False)
class Upload:
    """One upload of one source to one target."""

    context: UploadContext
    target: Target
    name: str
    """File name that is sent to the server."""
    journal: UploadJournal
    received: Received
    """The chunks that the server had before this upload."""
    ledger: Ledger
    meter: Meter
    _changed: asyncio.Event = field(factory=asyncio.Event, init=False)
    _video: Video | None = field(default=None, init=False)
    """The full video, from the response that completed the upload."""
    _response_lost: bool = field(
        default=Factory(lambda self: self.ledger.complete, takes_self=True), init=False
    )
    """True if a response that this call did not receive may have contained the full video.

    If no chunk is left at the start, an earlier call received that response.
    """

    @property
    def continued(self) -> bool:
        """True if requests of an earlier call may still arrive at the server."""
        if self.target.can_read_status:
            return not self.received.empty
        return self.journal.earlier is not None

    # -- progress

    def count_sent(self, size: int) -> None:
        """Count bytes that were passed to a connection; a negative number subtracts them."""
        now = asyncio.get_running_loop().time()
        if size < 0:
            self.meter.rewind(-size)
        else:
            self.meter.add(size, now)
        self.context.capacity.count_sent(size, now)
        self._changed.set()

    async def _report(self) -> None:
        now = asyncio.get_running_loop().time()
        progress = UploadProgress(
            video_id=self.target.video_id,
            bytes_total=self.ledger.total,
            bytes_sent=self.meter.sent,
            bytes_accepted=self.ledger.accepted_bytes,
            rate=self.meter.rate(now),
            eta=self.meter.eta(now, self.ledger.total),
            elapsed=now - self.meter.started,
            chunks=self.ledger.counts,
        )
        await notify(self.context.on_progress, progress)

    async def _report_changes(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._report()
            # Changes during this pause are reported together in the next call.
            await asyncio.sleep(PROGRESS_INTERVAL)

    @asynccontextmanager
    async def reporting(self) -> AsyncIterator[None]:
        """Report the progress in the block. Raises its first failure without exception groups."""
        task = asyncio.current_task()
        cancelling = task.cancelling() if task is not None else 0
        try:
            async with asyncio.TaskGroup() as group:
                reports = None
                if self.context.on_progress is not None:
                    reports = group.create_task(self._report_changes())
                yield
                if reports is not None:
                    reports.cancel()
        except BaseExceptionGroup as failures:
            first = first_failure(failures)
            # Before Python 3.13, a task group that fails while its body waits leaves the
            # cancellation count of the task too high by one. aiohttp reads that count and would
            # cancel a later request of the caller.
            if sys.version_info < (3, 13) and task is not None and task.cancelling() > cancelling:
                task.uncancel()
            if isinstance(first, SourceError):
                first = first.evolve(video_id=self.target.video_id, ledger=self.ledger.snapshot())
            raise first from first.__cause__

    # -- chunks

    async def record(self, chunk: Chunk, confirmed: Video | None) -> None:
        """Record an accepted chunk in the ledger, and its video id in the target.

        ``confirmed`` is the result of ``ChunkSender.deliver``. The response to any chunk may
        contain the full video (service.md#upload-responses). Raises ``UploadError`` if it names
        another video.
        """
        video = confirmed or Video()
        if self.target.video_id is None:
            self.target.video_id = video.video_id or None
        if self.target.video_id is None or video.video_id not in ("", self.target.video_id):
            named = f"the video {video.video_id!r}" if video.video_id else "a video without an id"
            raise self.error(
                f"the response to chunk {chunk.number} names {named}, which is not the "
                "video of this upload: the upload cannot be continued",
                outcome="unknown",
            )
        if confirmed is None:
            self._response_lost = True
        elif video != Video(video_id=video.video_id):
            # A response with more than the id completed the upload.
            self._video = video
        self.ledger.accept(chunk)
        self._changed.set()
        # With a token the status cannot be read, so only the journal records the chunk.
        if not self.target.can_read_status:
            await self.write_journal()

    def skip(self, chunk: Chunk) -> None:
        """Record a chunk that the server has already, without sending it."""
        self.ledger.start(chunk)
        self.ledger.accept(chunk)
        self.meter.add(chunk.size, asyncio.get_running_loop().time())

    async def write_journal(self) -> None:
        """Write the journal, if the video id is known."""
        if self.target.video_id is not None:
            await self.journal.write(self.target.video_id, self.ledger.snapshot)

    def error(self, message: str, outcome: Literal["failed", "unknown"] = "failed") -> UploadError:
        """Return an error with the state of the upload."""
        return UploadError(
            message, video_id=self.target.video_id, ledger=self.ledger.snapshot(), outcome=outcome
        )

    # -- the end

    async def finish(self) -> Video:
        """Verify that the server has every byte, and return the full video."""
        total = self.ledger.total
        if total is None or not self.ledger.complete:
            raise self.error("not every chunk was accepted")
        if self.target.can_read_status:
            if self.ledger.mode != "whole" and self.context.options.verify:
                await self._verify(total)
        # A token cannot read the status, so only the full video proves that the upload is complete.
        elif self._video is None and not self._response_lost:
            raise self.error(
                "every chunk was accepted, but no response contained the complete video", "unknown"
            )
        await self._report()
        video = self._video or await self.context.read_video(self.target)
        # There is no ``await`` after this line. If the caller is cancelled earlier, the next call
        # still finds the video in the journal.
        self.journal.forget()
        return video

    async def _final_status(self) -> Received:
        """Read the status until it says complete or ``SETTLE_DELAYS`` are used up."""
        received = await self.context.read_received(self.target)
        for delay in SETTLE_DELAYS:
            if received.complete:
                break
            await asyncio.sleep(delay)
            received = await self.context.read_received(self.target)
        return received

    async def _verify(self, total: int) -> None:
        """Raise ``UploadError`` if bytes are missing or the status cannot be read."""
        try:
            received = await self._final_status()
        except ApiVideoError as error:
            raise self.error(
                f"every chunk was sent, but the status of the video cannot be read: {error}",
                "unknown",
            ) from error
        problem = missing(received, total, self.ledger.parts)
        if problem is not None:
            raise self.error(problem)
        # The status lists part numbers without sizes. Parts of an earlier call may have had another
        # size, and only ``filesize`` could show that.
        if received.filesize is None and self.received.mode == "part":
            raise self.error(
                "the server has every part, but does not report the size of the file: parts of "
                "the earlier upload may have had another size; check the video before you use it",
                "unknown",
            )
