"""Processes one claimed item until its video is complete: ``ingest_one``.

Theory of operation. ``ingest_one`` keeps no state of its own. It may be called again for the same
item at any time, also after a crash at any point. It finds the completed steps in the ledger, by a
search for the item's key, or in the status of the container on the server, and performs only the
remaining steps. Failures end in ``_Work.failed``, which decides between a later attempt and a final
state.
"""

import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Literal

from attrs import field, frozen

from ..client import ApiVideoClient
from ..errors import (
    ApiConnectionError,
    ApiStatusError,
    ApiTimeoutError,
    ApiVideoError,
    AuthenticationError,
    DuplicateVideosError,
    LeaseLostError,
    LedgerError,
    NotFoundError,
    SourceError,
    UploadError,
)
from ..protocol.request import Request
from ..uploads.capacity import Capacity
from ..uploads.progress import UploadProgress
from .container import Containers
from .items import LARGEST, Claim, Item, Transfer
from .ledger.lease import LeasedSource, LeaseKeeper
from .ledger.protocol import Ledger
from .options import IngestOptions
from .stores.stores import PinnedSource, Stores

__all__ = ["IngestContext", "IngestResult", "OnItemProgress", "cause_of", "ingest_one"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

FIRST_LOOK = 0.25
"""Seconds until the first status check of a pulled item. The delay of each later check equals
the time that the pull has taken so far, up to ``LONGEST_LOOK``."""
LONGEST_LOOK = 60.0
"""Maximum seconds between two status checks of a pulled item."""
FATAL = (AuthenticationError, LedgerError)
"""Errors that every other item would raise as well. They stop the ingestion."""

Outcome = Literal["done", "failed", "quarantined", "later", "lost"]
OnItemProgress = Callable[[Item, UploadProgress], None]


@frozen(kw_only=True)
class IngestContext:
    """The context of an ingestion: everything that its items share in one process."""

    client: ApiVideoClient = field(repr=False)
    ledger: Ledger = field(repr=False)
    keeper: LeaseKeeper = field(repr=False)
    stores: Stores = field(repr=False)
    options: IngestOptions
    slots: Capacity | None = field(default=None, repr=False)
    """The capacity for chunks in flight, shared by all items."""
    on_progress: OnItemProgress | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        client: ApiVideoClient,
        ledger: Ledger,
        owner: str,
        stores: Stores,
        options: IngestOptions,
        on_progress: OnItemProgress | None,
    ) -> "IngestContext":
        """Create the context of a process. Its items share the leases and the upload capacity.

        ``owner`` is the name of this process in the ledger. ``on_progress`` is called with the
        progress of each item.
        """
        return cls(
            client=client,
            ledger=ledger,
            keeper=LeaseKeeper(ledger, owner, options.lease, client.budget),
            stores=stores,
            options=options,
            slots=Capacity.of(options.upload or client.config.upload, options.concurrency),
            on_progress=on_progress,
        )


@frozen(kw_only=True)
class IngestResult:
    """The result of one attempt to ingest an item."""

    item: Item
    outcome: Outcome
    """``done``: the video is complete. ``failed``, ``quarantined``: final states of the ledger.
    ``later``: a later attempt or status check is due. ``lost``: another worker has the item."""
    video_id: str | None = None
    error: ApiVideoError | None = None
    delay: float = 0.0
    """Seconds until the item is due again, for the outcome ``later``."""
    sent: int = 0
    """Bytes that went through this process, including bytes sent more than once."""


class _DefectError(ApiVideoError):
    """An unexpected exception. Other items may still succeed, so it fails only one item."""


class _PullError(UploadError):
    """api.video did not fetch the item within ``pull_timeout``."""


class _MismatchError(UploadError):
    """The complete video has another number of bytes than the source."""


class _GoneError(ApiVideoError):
    """The container whose id is in the ledger no longer exists on the server."""


async def ingest_one(claim: Claim, kit: IngestContext) -> IngestResult:
    """Process one claimed item as far as possible, and record the result in the ledger.

    Raises only errors that every other item would raise as well: ``AuthenticationError`` and
    ``LedgerError``. After an ``AuthenticationError`` the item is given back; after a
    ``LedgerError`` its lease ends with the other leases of this worker. All other failures are part
    of the result.
    """
    work = _Work(claim, kit)
    try:
        return await work.run()
    except FATAL as error:
        # A ledger that just failed cannot take the item back now; the lease ends later.
        if not isinstance(error, LedgerError):
            await kit.ledger.release(claim)
        raise
    except ApiVideoError as error:
        return await work.failed(error)
    except Exception as error:
        log.exception("%s: a defect", claim.item.shown)
        return await work.failed(_DefectError(f"a defect: {error!r}"))
    finally:
        kit.keeper.forget(claim)


class _Work:
    def __init__(self, claim: Claim, kit: IngestContext) -> None:
        self._claim = claim
        self._kit = kit
        self._ledger = kit.ledger
        self._guard = kit.keeper.guard(claim)
        self._client = kit.client.with_options(before_request=self._before_request)
        self._containers = Containers(self._client, kit.ledger, claim)
        self._video_id = claim.record.video_id
        self._sent = 0
        """Bytes uploaded by this attempt."""
        self._last = ""
        """The operation of the latest request."""
        self._fresh = False
        """True if this attempt created the container, so it is empty and needs no status check."""

    async def _before_request(self, request: Request) -> None:
        """Check the lease before each request, and note the operation."""
        await self._guard(request)
        self._last = request.operation

    async def run(self) -> IngestResult:
        """Continue from the state in the ledger."""
        claim = self._claim
        async with aclosing(await self._kit.stores.open(claim.item)) as original:
            self._check_size(original)
            # An id without a transfer: the pull timed out, and the user retried the item.
            if self._video_id is not None and claim.record.way is None:
                await self._begin_again(self._video_id)
            way: Transfer = claim.record.way or await self._way(original)
            known = self._video_id is not None
            if self._video_id is None:
                await self._ledger.creating(claim, original.size, original.version, way)
                self._video_id = await self._container(original, way)
            try:
                filled = await self._fill(original, self._video_id, way)
            except (NotFoundError, UploadError) as error:
                if getattr(error, "status", None) != 404:
                    raise
                # The server may respond 404 for some seconds after it created a container.
                kind = _GoneError if known else UploadError
                raise kind(f"the video {self._video_id} is not on the server") from error
        if not filled:
            return await self._wait_for_pull(self._video_id)
        await self._ledger.verifying(claim, self._sent)
        # An earlier worker may have created a second container.
        if claim.record.contested:
            await self._containers.settle(await self._containers.claimants(), self._video_id)
        if not self._kit.options.keep_key:
            await self._client.videos.update(
                self._video_id, metadata=claim.item.fields.get("metadata", {})
            )
        await self._ledger.done(claim)
        return self._result("done")

    def _result(
        self, outcome: Outcome, error: ApiVideoError | None = None, delay: float = 0.0
    ) -> IngestResult:
        return IngestResult(
            item=self._claim.item,
            outcome=outcome,
            video_id=self._video_id,
            error=error,
            delay=delay,
            sent=self._sent,
        )

    def _check_size(self, original: PinnedSource) -> None:
        """Reject a size that api.video does not accept before a container is created for it."""
        largest = (self._kit.options.upload or self._client.config.upload).limits.largest_total
        if not 0 < original.size <= largest:
            size = (
                f"{original.size:,} bytes"
                if 0 <= original.size <= LARGEST
                else "no possible number of bytes"
            )
            raise SourceError(
                f"{self._claim.item.shown} has {size}; api.video takes 1 to {largest:,}",
                cause="unsupported",
            )

    # -- the container

    async def _way(self, original: PinnedSource) -> Transfer:
        """Choose the transfer. Raises ``SourceError`` if the strategy is impossible."""
        strategy = self._claim.item.strategy
        if strategy == "stream":
            return "stream"
        if await original.pull_url(self._kit.options.presign) is not None:
            return "pull"
        if strategy == "auto":
            return "stream"
        raise SourceError(
            f"{original.source.name} has no address that api.video could fetch: use the strategy stream"
        )

    async def _container(self, original: PinnedSource, way: Transfer) -> str:
        """Find or create the container, and record its id before it is used."""
        try:
            video_id = await self._create(original, way)
        except DuplicateVideosError as error:
            # Without a lost worker, duplicates come from outside this ledger: a person decides.
            if not self._claim.record.contested:
                raise
            video_id = await self._containers.settle(error.video_ids, None)
            self._fresh = False
        counts = await self._ledger.created(self._claim, video_id)
        if counts != video_id:
            # Two workers of this ledger each found or created a container, and the other worker's
            # id was recorded first. Delete this container, even when the lease is lost (hence the
            # client without the lease check): no other worker knows of it.
            self._fresh = False
            if not await self._containers.remove(video_id, self._kit.client):
                raise DuplicateVideosError.of(self._claim.key, [counts, video_id])
        return counts

    async def _create(self, original: PinnedSource, way: Transfer) -> str:
        """Search for the container and create it if there is none; return its id."""
        fields = dict(self._claim.item.fields)
        title = fields.pop("title", None) or original.source.name
        if way == "pull":
            fields["source"] = await original.pull_url(self._kit.options.presign)
        video = await self._containers.create(title, fields)
        # The latest request was a search if the container was found; it may hold bytes then.
        self._fresh = self._last == "videos.create"
        return video.video_id

    async def _begin_again(self, video_id: str) -> None:
        """Replace the container of a retried item if api.video has not received any byte.

        The pull of this item timed out earlier. Its container cannot be filled in another way, and
        the URL given to api.video may have expired.
        """
        if await self._containers.remove(video_id, unfilled=True):
            await self._ledger.lost(self._claim)
            self._video_id = None

    # -- its content

    async def _fill(self, original: PinnedSource, video_id: str, way: Transfer) -> bool:
        """Transfer the bytes. Return False while api.video is still fetching them."""
        await self._ledger.uploading(self._claim)
        # The container was just created with the URL; the first status check comes later.
        if self._fresh and way == "pull":
            return False
        empty = self._fresh
        if not empty:
            content = await self._containers.content(video_id)
            if content.state == "complete":
                self._compare(original, video_id, content.size)
                return True
            if content.state == "fetching" or (content.state == "unknown" and way == "pull"):
                return False
            # A container with uploaded bytes, also from another ledger, can only be completed by an
            # upload, whatever the strategy is.
            empty = content.state == "empty"

        def note(progress: UploadProgress) -> None:
            self._sent = progress.bytes_sent
            if self._kit.on_progress is not None:
                self._kit.on_progress(self._claim.item, progress)

        await self._client.videos.upload(
            video_id,
            LeasedSource(original.source, self._kit.keeper, self._claim),
            options=self._kit.options.upload,
            on_progress=note,
            slots=self._kit.slots,
            fresh=empty,
        )
        return True

    def _compare(self, original: PinnedSource, video_id: str, size: int | None) -> None:
        """Check the size of a video that was already complete."""
        if size not in (None, original.size):
            raise _MismatchError(
                f"{original.source.name} has {original.size:,} bytes, and its video {video_id} holds {size:,}. The "
                "video is kept: if it is wrong, delete it, then retry the item",
                video_id=video_id,
            )

    async def _wait_for_pull(self, video_id: str) -> IngestResult:
        """Schedule the next status check, or fail after ``pull_timeout``.

        The container is kept in both cases, because it may be receiving bytes.
        """
        claim = self._claim
        record = await self._ledger.record(claim.key)
        # The age of the container counts, so that restarts do not extend the timeout.
        created = (
            record.created_at
            if record is not None and record.created_at is not None
            else time.time()
        )
        taken = max(0.0, time.time() - created)
        if taken >= self._kit.options.pull_timeout:
            raise _PullError(
                f"api.video did not fetch {claim.item.shown} within {self._kit.options.pull_timeout:g} s. The video "
                f"{video_id} is kept. Retry the item: that looks again, and asks anew where nothing has arrived",
                video_id=video_id,
            )
        delay = min(LONGEST_LOOK, max(FIRST_LOOK, taken))
        await self._ledger.later(claim, delay)
        return self._result("later", None, delay)

    # -- failures

    async def failed(self, error: ApiVideoError) -> IngestResult:
        """Decide what follows from a failure, record it and return the result."""
        claim, options = self._claim, self._kit.options
        # Another worker owns the item, so this worker must not write its failure.
        if isinstance(error, LeaseLostError) or isinstance(error.__cause__, LeaseLostError):
            return self._result("lost", error)
        try:
            if isinstance(error, DuplicateVideosError):
                await self._ledger.quarantine(claim, str(error))
                return self._result("quarantined", error)
            if isinstance(error, _GoneError):
                await self._ledger.lost(claim)
            if claim.record.attempts + 1 >= options.attempts or not _may_pass(error):
                given_up = isinstance(error, _PullError)
                await self._ledger.fail(claim, cause_of(error), str(error), forget_way=given_up)
                return self._result("failed", error)
            delay = min(options.longest_delay, options.first_delay * 2**claim.record.attempts)
            await self._ledger.later(claim, delay, cause_of(error), str(error))
            return self._result("later", error, delay)
        except LeaseLostError as lost:
            return self._result("lost", lost)


def _may_pass(error: ApiVideoError) -> bool:
    """Return True if a later attempt may succeed."""
    if isinstance(error, SourceError):
        return error.retryable
    if isinstance(error, _PullError | _MismatchError):
        return False
    # The client does not retry a timeout of the request budget; an ingestion has time.
    return error.retryable or isinstance(error, UploadError | ApiConnectionError | _GoneError)


def cause_of(error: BaseException) -> str:
    """Return one word for a failure, by which failures are counted."""
    if isinstance(error, SourceError):
        return getattr(error, "cause", None) or "source"
    if isinstance(error, _PullError):
        return "pull"
    if isinstance(error, _MismatchError):
        return "size"
    if isinstance(error, ApiStatusError):
        return error.slug or str(error.status)
    if isinstance(error, ApiTimeoutError):
        return "timeout"
    if isinstance(error, ApiConnectionError):
        return "connection"
    if isinstance(error, _GoneError):
        return "gone"
    if isinstance(error, _DefectError):
        return "defect"
    if isinstance(error, UploadError):
        return cause_of(error.__cause__) if error.__cause__ is not None else "upload"
    return "other"
