"""One upload: its state, its results and errors, and the check at its end."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

from attrs import Factory, define, evolve, field, frozen

from ..config import UploadOptions
from ..errors import ApiVideoError, SourceError, UploadError, first_failure
from ..http.pipeline import Pipeline
from ..models import Video, VideoStatus
from ..protocol.request import build_request, path_for
from ..protocol.retry import settle_delays
from ..tasks import notify
from .adaptation import Adaptation, Sent
from .capacity import Capacity
from .journal import UploadJournal
from .ledger import Ledger
from .order import ChunkGate
from .plan import Chunk, Received
from .progress import Meter, OnProgress, UploadProgress
from .received import missing, received_of
from .target import Target

__all__ = ["Upload", "UploadContext"]

log: logging.Logger = logging.getLogger("apivideo_async.upload")

PROGRESS_INTERVAL = 0.1
"""Minimum number of seconds between two calls of the progress callback."""
LONGEST_RESPONSE = 600.0
"""Seconds for the response to a chunk, to which repeated timeouts can lead."""
COMPLETION_DELAYS = (0.1, 0.3, 0.6)
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

    def wait_longer(self, evidence: str) -> None:
        """Double the time that the responses to chunks may take."""
        timeouts, profile = self.pipeline.config.timeouts, self.pipeline.profile
        known = profile.current.response_timeout or timeouts.response
        longer = min(2 * known, max(LONGEST_RESPONSE, timeouts.response))
        profile.learn("one-chunk-at-a-time", evidence, response_timeout=longer)

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
    adaptation: Adaptation
    stuck: Callable[[], bool] = field(default=lambda: False)
    """Whether the source does not answer at present."""
    exclusive: bool = False
    """True if this call created the container, so that no other call can know it."""
    gate: ChunkGate = field(init=False)
    _changed: asyncio.Event = field(factory=asyncio.Event, init=False)
    _sending: dict[int, Callable[[], int]] = field(factory=dict, init=False)
    """By number: how many bytes of each chunk that is not accepted have left this machine."""
    _reported: UploadProgress | None = field(default=None, init=False)
    _video: Video | None = field(default=None, init=False)
    """The full video, from the response that completed the upload."""
    _full_responses: int = field(default=0, init=False)
    _named_video: bool = field(
        default=Factory(lambda self: self.target.video_id is not None, takes_self=True), init=False
    )
    """True if the video existed before this call."""

    def __attrs_post_init__(self) -> None:
        proven = self.context.pipeline.profile.accepted_chunk >= self.ledger.chunk_size
        self.gate = ChunkGate(self.ledger, self.adaptation, proven or not self.received.empty)

    @property
    def continued(self) -> bool:
        """True if an earlier request, which this call did not send, may have stored a chunk."""
        if not self.target.can_read_status:
            return self._named_video
        # A proxy that delivers requests twice sends a copy of each chunk.
        twice = not self.context.pipeline.profile.current.delivers_once
        return self.exclusive or twice or not self.received.empty

    def sent(self, chunk: Chunk) -> Sent:
        """Describe how a chunk is sent now."""
        ledger = self.ledger
        return Sent(
            number=chunk.number,
            order=self.adaptation.order,
            alone=self.gate.was_alone(chunk),
            mode=ledger.mode,
            states_total=ledger.states_total(chunk),
            total_known=ledger.total is not None,
            size=chunk.size,
            several=ledger.several_open,
            any_accepted=ledger.any_accepted,
            smaller=chunk.size < ledger.chunk_size,
        )

    # -- progress

    def count_sent(self, size: int) -> None:
        """Count bytes that were passed to a connection; a negative number subtracts them."""
        self.context.capacity.count_sent(size, asyncio.get_running_loop().time())
        self._changed.set()

    def sending(self, chunk: Chunk, left: Callable[[], int] | None) -> None:
        """Set the function that returns how many bytes of a chunk have left. None: it failed."""
        if left is None:
            self._sending.pop(chunk.number, None)
        else:
            self._sending[chunk.number] = left
        self._changed.set()

    async def _report(self) -> None:
        now = asyncio.get_running_loop().time()
        sent = self.ledger.accepted_bytes + sum(left() for left in self._sending.values())
        self.meter.add(sent - self.meter.sent, now)
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
        if _differ(progress, self._reported):
            self._reported = progress
            shown = evolve(progress, chunk_states=self.ledger.states)
            await notify(self.context.on_progress, shown)

    async def _report_changes(self) -> None:
        while True:
            # While chunks are in flight, their bytes leave the machine without an event.
            if not self._sending:
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

    async def read_settled(self, done: Callable[[Received], bool]) -> Received:
        """Read the status until ``done``, or until ``RetryPolicy.settle`` seconds are over.

        The status may be out of date (service.md#open-questions).
        """
        received = await self.context.read_received(self.target)
        for delay in settle_delays(self.context.pipeline.config.retry.settle):
            if done(received):
                break
            await asyncio.sleep(delay)
            received = await self.context.read_received(self.target)
        return received

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
        if video != Video(video_id=video.video_id):
            self._full_responses += 1
            self._video = video
        # Both at once, so that the number of sent bytes does not fall.
        self.ledger.accept(chunk)
        self._sending.pop(chunk.number, None)
        self.context.pipeline.profile.count_accepted(chunk.size)
        self.gate.wake()
        self._changed.set()
        # With a token the status cannot be read, so only the journal records the chunk.
        if not self.target.can_read_status:
            await self.write_journal()

    def skip(self, chunk: Chunk) -> None:
        """Record a chunk that the server has already, without sending it."""
        self.ledger.start(chunk)
        self.ledger.accept(chunk)
        self.gate.wake()
        self.meter.skip(chunk.size)
        self._changed.set()

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
        # A token cannot read the status: the responses to its chunks are the proof.
        verify = self.context.options.verify and self.ledger.mode != "whole"
        if verify and self.target.can_read_status:
            await self._verify(total)
        await self._report()
        # If the service answers every chunk with the full video, most of them describe an
        # unfinished upload. A token cannot read the video, so the last one must do.
        video = self._video
        if video is None or (self._full_responses > 1 and self.target.can_read_status):
            video = await self.context.read_video(self.target)
        # There is no ``await`` after this line. If the caller is cancelled earlier, the next call
        # still finds the video in the journal.
        self.journal.forget()
        return video

    async def _final_status(self, total: int) -> Received:
        """Read the status until it shows every byte or ``RetryPolicy.settle`` seconds are over."""
        received = await self.read_settled(
            lambda received: received.complete or self._missing(received, total) is None
        )
        for delay in COMPLETION_DELAYS:
            if received.complete:
                break
            await asyncio.sleep(delay)
            received = await self.context.read_received(self.target)
        return received

    def _missing(self, received: Received, total: int) -> str | None:
        return missing(received, total, self.ledger.parts)

    async def _verify(self, total: int) -> None:
        """Raise ``UploadError`` if bytes are missing or the status cannot be read."""
        try:
            received = await self._final_status(total)
        except ApiVideoError as error:
            raise self.error(
                f"every chunk was sent, but the status of the video cannot be read: {error}",
                "unknown",
            ) from error
        problem = self._missing(received, total)
        if problem is not None:
            # Another size is a fact. Everything else may be a status that is out of date.
            raise self.error(problem, "failed" if received.complete else "unknown")
        # The status lists part numbers without sizes. Parts of an earlier call may have had another
        # size, and only ``filesize`` could show that.
        if received.filesize is None and self.received.mode == "part":
            raise self.error(
                "the server has every part, but does not report the size of the file: parts of "
                "the earlier upload may have had another size; check the video before you use it",
                "unknown",
            )


def _differ(progress: UploadProgress, reported: UploadProgress | None) -> bool:
    """Return True if more than the time has changed."""
    return (
        reported is None
        or evolve(progress, rate=reported.rate, eta=reported.eta, elapsed=reported.elapsed)
        != reported
    )
