"""Processes one claimed item until its video is complete: ``ingest_one``.

Theory of operation. ``ingest_one`` keeps no state of its own, so it may be called again for an item
after a crash at any point. It finds the completed steps in the ledger, by a search for the item's
key, or in the status of the container on the server, and performs only the remaining steps.
``_ItemRun.record_failure`` decides whether a failed item is tried again.
"""

import logging
import time
from contextlib import aclosing

from attrs import define, evolve, field

from ..client import ApiVideoClient
from ..errors import (
    ApiVideoError,
    AuthenticationError,
    DuplicateVideosError,
    LeaseLostError,
    LedgerError,
    NotFoundError,
    SourceError,
    UploadError,
)
from ..models import Video
from ..observing import observed, observing, trace_id_of
from ..protocol.request import Request
from ..uploads.progress import UploadProgress
from .breaker import patient_client
from .container import Containers
from .context import IngestContext, IngestResult, OnItemProgress, Outcome
from .corrections import fields_of
from .earlier import EarlierVersions
from .failures import (
    DefectError,
    GoneError,
    OutageError,
    PullError,
    SizeMismatchError,
    cause_of,
    is_temporary,
)
from .items import Record, Transfer
from .ledger.lease import LeasedSource
from .stores.pinned import NewVersionError, PinnedSource

__all__ = ["IngestContext", "IngestResult", "OnItemProgress", "ingest_one"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

FIRST_CHECK = 0.25
"""Seconds until the first status check of a pulled item. The delay of each later check equals
the time that the pull has taken so far, up to ``LONGEST_CHECK``."""
LONGEST_CHECK = 60.0
"""Maximum seconds between two status checks of a pulled item."""


async def ingest_one(claim: Record, context: IngestContext) -> IngestResult:
    """Process one claimed item as far as possible, and record the result in the ledger.

    Failures are part of the result. Only errors that every other item would raise as well are
    raised: ``AuthenticationError`` and ``OutageError``, after which the item is given back, and
    ``LedgerError``, after which the item is due when its lease ends.
    """
    run = _ItemRun(claim, context)
    try:
        trace_id = None
        if observing():
            trace_id = trace_id_of(await context.ledger.mark(), claim.key)
        with observed(
            "item", trace_id=trace_id, key=claim.key, source=claim.item.shown, worker=context.owner
        ) as span:
            result = await _attempt(run, claim, context)
            cause = None if result.error is None else type(result.error).__name__
            span.set(outcome=result.outcome, video_id=result.video_id, failure=cause)
            return result
    finally:
        context.lease_keeper.forget(claim)


async def _attempt(run: "_ItemRun", claim: Record, context: IngestContext) -> IngestResult:
    try:
        return await run.run()
    except AuthenticationError:
        await context.ledger.release(claim)
        raise
    except LedgerError:
        raise
    except ApiVideoError as error:
        return await run.record_failure(error)
    except Exception as error:
        log.exception("%s: unexpected error, please report it", claim.item.shown)
        return await run.record_failure(DefectError(f"unexpected error: {error!r}"))


@define(eq=False)
class _ItemRun:
    _claim: Record
    _context: IngestContext
    _client: ApiVideoClient = field(init=False)
    """The client of this item: each request requires a valid lease."""
    _containers: Containers = field(init=False)
    _earlier: EarlierVersions = field(init=False)
    _video_id: str | None = field(init=False)
    _sent: int = field(default=0, init=False)
    """Bytes uploaded by this attempt."""
    _created: bool = field(default=False, init=False)
    """True if this attempt created the container, which is therefore empty."""

    def __attrs_post_init__(self) -> None:
        client = patient_client(self._context.client, self._context.options.outage_timeout)
        self._client = client.with_options(before_request=self._before_request)
        self._containers = Containers(self._client, self._context.ledger, self._claim)
        self._earlier = EarlierVersions(self._claim, self._context.ledger, self._client)
        self._video_id = self._claim.video_id

    async def _before_request(self, request: Request) -> None:
        await self._context.lease_keeper.before_request(self._claim, request)

    async def run(self) -> IngestResult:
        claim, ledger = self._claim, self._context.ledger
        async with aclosing(await self._context.stores.open(claim.item)) as source:
            upload = self._context.options.upload or self._client.config.upload
            source.check_size(claim.item, upload.limits.largest_total)
            # An id without a transfer: the pull timed out, and the user retried the item.
            if self._video_id is not None and claim.transfer is None:
                await self._replace_unfilled(self._video_id)
            transfer = claim.transfer or await self._choose_transfer(source)
            known = self._video_id is not None
            if claim.interrupted and not await self._containers.list_ids():
                return await self._search_later()
            if self._video_id is not None:
                self._containers.expect(self._video_id)
            else:
                sample = await source.sample()
                if claim.state == "new" and (known_as := await self._merge(source, sample)):
                    return known_as
                await ledger.creating(claim, source.size, source.version, transfer, sample)
                self._video_id = await self._find_or_create(source, transfer)
            try:
                filled = await self._fill(source, self._video_id, transfer)
            except (NotFoundError, UploadError) as error:
                if getattr(error, "status", None) != 404:
                    raise
                # The server may respond 404 for some seconds after it created a container.
                kind = GoneError if known else UploadError
                raise kind(f"the video {self._video_id} is not on the server") from error
        if not filled:
            return await self._check_later(self._video_id)
        await ledger.verifying(claim, self._sent)
        await self._containers.finish(self._video_id)
        if not self._context.options.keep_key:
            await self._client.videos.update(
                self._video_id, metadata=claim.item.fields.get("metadata", {})
            )
        # Before the item is done, so that it is repeated after a crash.
        if self._context.options.on_change == "replace":
            await self._earlier.delete_replaced()
        await ledger.done(claim)
        return self._result("done")

    async def _merge(self, source: PinnedSource, sample: str | None) -> IngestResult | None:
        if self._claim.contested:
            return None
        keep = self._context.options.on_change == "keep"
        record = await self._earlier.merge_if_known(source, sample, keep=keep)
        if record is None:
            return None
        self._video_id = record.video_id
        return self._result("known")

    def _result(
        self, outcome: Outcome, error: ApiVideoError | None = None, delay: float = 0.0
    ) -> IngestResult:
        item, video_id, sent = self._claim.item, self._video_id, self._sent
        return IngestResult(
            item=item, outcome=outcome, video_id=video_id, error=error, delay=delay, sent=sent
        )

    async def _search_later(self) -> IngestResult:
        """Give the item back until the container of an interrupted creation must be listed."""
        settle = self._client.config.retry.settle
        # In the state "new", the next claim knows that this one has waited.
        await self._context.ledger.lost(self._claim)
        await self._context.ledger.later(self._claim, settle)
        return self._result("later", None, settle)

    async def _choose_transfer(self, source: PinnedSource) -> Transfer:
        strategy = self._claim.item.strategy
        if strategy == "stream":
            return "stream"
        if await source.pull_url(self._context.options.presign) is not None:
            return "pull"
        if strategy == "auto":
            return "stream"
        raise SourceError(
            f"{source.source.name} has no address that api.video could fetch: use the strategy "
            "stream"
        )

    async def _find_or_create(self, source: PinnedSource, transfer: Transfer) -> str:
        """Find or create the container, and record its id before it is used."""
        try:
            video_id = await self._create(source, transfer)
        except DuplicateVideosError as error:
            # Without a lost worker, duplicates come from outside this ledger: a person decides.
            if not self._claim.contested:
                raise
            video_id = await self._containers.settle(error.video_ids, None)
            self._created = False
        recorded = await self._context.ledger.created(self._claim, video_id)
        if recorded != video_id:
            # Another worker of this ledger recorded its container first. Delete this container,
            # even when the lease is lost (hence the client without the lease check): no other
            # worker knows of it.
            self._created = False
            if not await self._containers.remove(video_id, self._context.client):
                raise DuplicateVideosError.of(self._claim.key, [recorded, video_id])
        return recorded

    async def _create(self, source: PinnedSource, transfer: Transfer) -> str:
        fields = dict(self._claim.item.fields)
        title = fields.pop("title", None) or source.source.name
        if transfer == "pull":
            fields["source"] = await source.pull_url(self._context.options.presign)
        created = await self._containers.create(title, fields)
        self._created = created.empty
        if not created.empty:
            await self._note_fields(created.video)
        return created.video.video_id

    async def _note_fields(self, video: Video) -> None:
        """Record the fields of a video that exists already, so that another description differs."""
        item = self._claim.item
        actual = evolve(item, fields=fields_of(video, item.fields))
        if actual != item:
            log.warning(
                "%s has the video %s, with other fields: the option update changes it",
                item.shown,
                video.video_id,
                extra={"event": "fields_differ", "video_id": video.video_id},
            )
            await self._context.ledger.redescribe(actual, self._claim)

    async def _replace_unfilled(self, video_id: str) -> None:
        """Remove the container of a pull that timed out if api.video has not received any byte.

        It cannot be filled in another way, and the URL given to api.video may have expired.
        """
        if await self._containers.remove(video_id, unfilled=True):
            await self._context.ledger.lost(self._claim)
            self._video_id = None

    async def _fill(self, source: PinnedSource, video_id: str, transfer: Transfer) -> bool:
        """Transfer the bytes. Return False while api.video is still fetching them."""
        await self._context.ledger.uploading(self._claim)
        # api.video received the URL a moment ago; the first status check comes later.
        if self._created and transfer == "pull":
            return False
        empty = self._created
        if not empty:
            content = await self._containers.content(video_id)
            if content.state == "complete":
                self._check_video_size(source, video_id, content.size)
                return True
            if content.state == "fetching" or (content.state == "unknown" and transfer == "pull"):
                return False
            # A container with uploaded bytes can only be completed by an upload, also if the
            # strategy is ``pull`` or another ledger started it.
            empty = content.state == "empty"

        def on_progress(progress: UploadProgress) -> None:
            self._sent = progress.bytes_sent
            if self._context.on_progress is not None:
                self._context.on_progress(self._claim.item, progress)

        await self._client._upload_into(  # noqa: SLF001 (ingestion is a part of the package)
            video_id,
            LeasedSource(
                source.source,
                self._context.lease_keeper,
                self._claim,
                self._client.config.timeouts.stall,
            ),
            options=self._context.options.upload,
            on_progress=on_progress,
            capacity=self._context.capacity,
            empty=empty,
        )
        return True

    def _check_video_size(self, source: PinnedSource, video_id: str, size: int | None) -> None:
        if size not in (None, source.size):
            raise SizeMismatchError(
                f"{source.source.name} has {source.size:,} bytes, and its video {video_id} has "
                f"{size:,} bytes. The video is kept: delete it if it is wrong, then retry the item",
                video_id=video_id,
            )

    async def _check_later(self, video_id: str) -> IngestResult:
        """Schedule the next check of a pull, or fail. Keep the container: it may receive bytes."""
        claim, timeout = self._claim, self._context.options.pull_timeout
        record = await self._context.ledger.record(claim.key)
        created_at = record.created_at if record is not None else None
        # The age of the container counts, so that restarts do not extend the timeout.
        taken = 0.0 if created_at is None else max(0.0, time.time() - created_at)
        if taken >= timeout:
            raise PullError(
                f"api.video did not fetch {claim.item.shown} within {timeout:g} s. The video "
                f"{video_id} is kept. Retry the item: that checks the video again, and replaces it "
                "if it has received nothing",
                video_id=video_id,
            )
        delay = min(LONGEST_CHECK, max(FIRST_CHECK, taken))
        await self._context.ledger.later(claim, delay)
        return self._result("later", None, delay)

    async def record_failure(self, error: ApiVideoError) -> IngestResult:
        claim, options, ledger = self._claim, self._context.options, self._context.ledger
        # Another worker owns the item, so this worker must not write its failure.
        if isinstance(error, LeaseLostError) or isinstance(error.__cause__, LeaseLostError):
            return self._result("lost", error)
        try:
            try:
                if await self._context.breaker.is_outage(error):
                    await ledger.release(claim)
                    return self._result("later", error)
            except OutageError:
                await ledger.release(claim)
                raise
            if isinstance(error, DuplicateVideosError):
                await ledger.quarantine(claim, str(error))
                return self._result("quarantined", error)
            if self._is_gone(error):
                await ledger.source_gone(claim, str(error))
                return self._result("skipped", error)
            if isinstance(error, GoneError):
                await ledger.lost(claim)
            temporary = is_temporary(error) or isinstance(error, NewVersionError)
            if claim.attempts + 1 >= options.attempts or not temporary:
                timed_out = isinstance(error, PullError)
                await ledger.fail(claim, cause_of(error), str(error), forget_transfer=timed_out)
                return self._result("failed", error)
            delay = min(options.longest_delay, options.first_delay * 2**claim.attempts)
            if isinstance(error, NewVersionError):
                return await self._continue_with_version(error, delay)
            await ledger.later(claim, delay, cause_of(error), str(error))
            return self._result("later", error, delay)
        except LeaseLostError as lost:
            return self._result("lost", lost)

    async def _continue_with_version(self, error: NewVersionError, delay: float) -> IngestResult:
        """Ingest the content that the source has now, unless the video has bytes of the old one."""
        claim, ledger, video_id = self._claim, self._context.ledger, self._claim.video_id
        if video_id is not None and await self._containers.remove(video_id, unfilled=True):
            await ledger.lost(claim)
            self._video_id = None
        if self._video_id is None and await ledger.renew_version(claim, error.item, delay):
            return evolve(self._result("later", error, delay), item=error.item)
        await ledger.fail(claim, cause_of(error), str(error))
        return self._result("failed", error)

    def _is_gone(self, error: ApiVideoError) -> bool:
        """Return True if a source that existed when it was listed exists no longer."""
        listed = self._claim.item.size is not None
        return listed and isinstance(error, SourceError) and error.cause == "missing"
