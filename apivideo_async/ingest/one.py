"""One item, from the ledger to a complete video: ``ingest_one``.

It may be called again for the same item at any time, after a crash at any line: what was done is found in the ledger,
by the key, or on the server, and only the rest is done. It keeps no state of its own.
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
from ..models import Video
from ..protocol.request import Request
from ..uploads.progress import UploadProgress
from ..uploads.slots import Slots
from .items import Claim, Item, Way
from .lease import HeldSource, Keeper
from .ledger import Ledger
from .options import IngestOptions
from .sources.stores import Original, Stores

__all__ = ["IngestResult", "Kit", "OnItemProgress", "cause_of", "ingest_one"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

INGEST_KEY = "ingestKey"
FIRST_LOOK = 0.25
"""Seconds until a pulled item is looked at; later, as long again as it has taken so far."""
LONGEST_LOOK = 60.0
FATAL = (AuthenticationError, LedgerError)
"""What every further item would fail with, too."""

Outcome = Literal["done", "failed", "quarantined", "later", "lost"]
OnItemProgress = Callable[[Item, UploadProgress], None]


@frozen(kw_only=True)
class Kit:
    """What it takes to ingest."""

    client: ApiVideoClient = field(repr=False)
    ledger: Ledger = field(repr=False)
    keeper: Keeper = field(repr=False)
    stores: Stores = field(repr=False)
    options: IngestOptions
    slots: Slots | None = field(default=None, repr=False)
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
    ) -> "Kit":
        """Make that of a process: its items share the leases and the room for chunks in flight."""
        return cls(
            client=client,
            ledger=ledger,
            keeper=Keeper(ledger, owner, options.lease, client.budget),
            stores=stores,
            options=options,
            slots=Slots.of(options.upload or client.config.upload, options.concurrency),
            on_progress=on_progress,
        )


@frozen(kw_only=True)
class IngestResult:
    """What became of a claim."""

    item: Item
    outcome: Outcome
    """``later``: it will be tried or looked at again. ``lost``: another worker has it."""
    video_id: str | None = None
    error: ApiVideoError | None = None
    delay: float = 0.0
    """Seconds until it is due again, when the outcome is ``later``."""
    sent: int = 0
    """Bytes that went through us."""


class _DefectError(ApiVideoError):
    """Something that nobody thought of; the next item may well work."""


class _NotFetchedError(ApiVideoError):
    """api.video has not fetched the item yet."""


class _GoneError(ApiVideoError):
    """The container that the ledger knows is no longer on the server."""


async def ingest_one(claim: Claim, kit: Kit) -> IngestResult:
    """Bring one claimed item as far as it goes, and note in the ledger what came of it.

    Raises only what every other item would meet as well: ``AuthenticationError`` and ``LedgerError``; the item is then
    given back.
    """
    work = _Work(claim, kit)
    try:
        return await work.run()
    except FATAL as error:
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
    def __init__(self, claim: Claim, kit: Kit) -> None:
        self._claim = claim
        self._kit = kit
        self._ledger = kit.ledger
        self._guard = kit.keeper.guard(claim)
        self._client = kit.client.with_options(before_request=self._before_request)
        self._video_id = claim.record.video_id
        self._sent = 0
        self._fresh = False
        """The container was made just now, and so is empty: no other was found before."""

    async def _before_request(self, request: Request) -> None:
        await self._guard(request)
        self._fresh = self._fresh or request.operation == "videos.create"

    async def run(self) -> IngestResult:
        """Go on from the state in the ledger."""
        claim = self._claim
        async with aclosing(await self._kit.stores.open(claim.item)) as original:
            way: Way = claim.record.way or await self._way(original)
            known = self._video_id is not None
            if self._video_id is None:
                await self._ledger.creating(claim, original.size, original.version, way)
                self._video_id = await self._container(original, way)
            try:
                await self._fill(original, self._video_id, way)
            except (NotFoundError, UploadError) as error:
                if not known or getattr(error, "status", None) != 404:
                    raise
                raise _GoneError(f"the video {self._video_id} is gone from the server") from error
        await self._ledger.verifying(claim, self._sent)
        if claim.record.contested:
            await self._settle(await self._claimants(), self._video_id)
        if not self._kit.options.keep_key:
            await self._client.videos.update(self._video_id, metadata=claim.item.fields.get("metadata", {}))
        await self._ledger.done(claim)
        return self._result("done")

    def _result(self, outcome: Outcome, error: ApiVideoError | None = None, delay: float = 0.0) -> IngestResult:
        return IngestResult(
            item=self._claim.item,
            outcome=outcome,
            video_id=self._video_id,
            error=error,
            delay=delay,
            sent=self._sent,
        )

    # -- the container

    async def _way(self, original: Original) -> Way:
        strategy = self._claim.item.strategy
        if strategy == "stream":
            return "stream"
        if await original.address(self._kit.options.presign) is not None:
            return "pull"
        if strategy == "auto":
            return "stream"
        raise SourceError(f"{original.source.name} has no address that api.video could fetch: use the strategy stream")

    async def _container(self, original: Original, way: Way) -> str:
        """Find or make the container, and enter its id before anything is done with it."""
        try:
            video_id = (await self._create(original, way)).video_id
        except DuplicateVideosError as error:
            if not self._claim.record.contested:
                raise
            video_id = await self._settle(error.video_ids, None)
            self._fresh = False
        counts = await self._ledger.created(self._claim, video_id)
        if counts != video_id:
            # Two workers made one each, and the other's is in the ledger.
            await self._discard(video_id)
            self._fresh = False
        return counts

    async def _create(self, original: Original, way: Way) -> Video:
        fields = dict(self._claim.item.fields)
        title = fields.pop("title", None) or original.source.name
        if way == "pull":
            fields["source"] = await original.address(self._kit.options.presign)
        # It searches for the key first, and again after a lost answer.
        return await self._client.videos.create(title=title, idempotency_key=self._claim.key, **fields)

    async def _claimants(self) -> list[str]:
        videos = self._client.videos.list(metadata={INGEST_KEY: self._claim.key})
        return [video.video_id async for video in videos if video.metadata.get(INGEST_KEY) == self._claim.key]

    async def _settle(self, claimants: "list[str] | tuple[str, ...]", ours: str | None) -> str:
        """Leave one container for the key: a worker that was lost may have made another, which holds nothing.

        Bytes are only ever sent to the container in the ledger, so an empty one that is not in it is nobody's.
        """
        empty = [one for one in claimants if one != ours and await self._empty(one)]
        others = [one for one in claimants if one != ours and one not in empty]
        if ours is None:
            ours = others.pop() if others else empty.pop(0)
        if others:
            raise DuplicateVideosError.of(self._claim.key, [ours, *others])
        for one in empty:
            log.warning("%s: deleting %s, an empty container that a lost worker made", self._claim.item.shown, one)
            await self._client.videos.delete(one, missing_ok=True)
        return ours

    async def _empty(self, video_id: str) -> bool:
        return (await self._client.videos.get_status(video_id)).ingest is None

    async def _discard(self, video_id: str) -> None:
        """Delete the container that lost, even when the lease is lost as well: nobody else knows it."""
        client = self._kit.client
        if (await client.videos.get_status(video_id)).ingest is None:
            await client.videos.delete(video_id, missing_ok=True)

    # -- its content

    async def _fill(self, original: Original, video_id: str, way: Way) -> None:
        await self._ledger.uploading(self._claim)
        if way == "pull" and await self._pulled(original, video_id):
            return

        def note(progress: UploadProgress) -> None:
            self._sent = progress.bytes_sent
            if self._kit.on_progress is not None:
                self._kit.on_progress(self._claim.item, progress)

        await self._client.videos.upload(
            video_id,
            HeldSource(original.source, self._kit.keeper, self._claim),
            options=self._kit.options.upload,
            on_progress=note,
            slots=self._kit.slots,
            fresh=self._fresh,
        )

    async def _pulled(self, original: Original, video_id: str) -> bool:
        """Look whether api.video has fetched it; False when the container is not one that fetches."""
        if self._fresh:
            raise _NotFetchedError(f"{original.source.name} was only just asked for")
        ingest = (await self._client.videos.get_status(video_id)).ingest
        if ingest is None:
            return False
        if ingest.status != "ingested":
            raise _NotFetchedError(f"{original.source.name} is not fetched yet")
        if ingest.filesize not in (None, original.size):
            raise UploadError(
                f"{original.source.name}: api.video fetched {ingest.filesize:,} bytes of {original.size:,}",
                video_id=video_id,
            )
        return True

    # -- failures

    async def failed(self, error: ApiVideoError) -> IngestResult:
        """Decide what a failure means, and note it."""
        claim, options = self._claim, self._kit.options
        if isinstance(error, LeaseLostError) or isinstance(error.__cause__, LeaseLostError):
            return self._result("lost", error)
        try:
            if isinstance(error, _NotFetchedError):
                return await self._wait_for_pull(error)
            if isinstance(error, DuplicateVideosError):
                await self._ledger.quarantine(claim, str(error))
                return self._result("quarantined", error)
            if isinstance(error, _GoneError):
                await self._ledger.lost(claim)
            if claim.record.attempts + 1 >= options.attempts or not _may_pass(error):
                await self._ledger.fail(claim, cause_of(error), str(error))
                return self._result("failed", error)
            delay = min(options.longest_delay, options.first_delay * 2**claim.record.attempts)
            await self._ledger.later(claim, delay, cause_of(error), str(error))
            return self._result("later", error, delay)
        except LeaseLostError as lost:
            return self._result("lost", lost)

    async def _wait_for_pull(self, error: ApiVideoError) -> IngestResult:
        claim = self._claim
        record = await self._ledger.record(claim.key)
        created = record.created_at if record is not None and record.created_at is not None else time.time()
        taken = max(0.0, time.time() - created)
        if taken < self._kit.options.pull_timeout:
            delay = min(LONGEST_LOOK, max(FIRST_LOOK, taken))
            await self._ledger.later(claim, delay)
            return self._result("later", None, delay)
        message = f"api.video did not fetch {claim.item.shown} within {self._kit.options.pull_timeout:g} s"
        if self._video_id is not None:  # It cannot be filled in another way.
            await self._client.videos.delete(self._video_id, missing_ok=True)
        await self._ledger.lost(claim)
        await self._ledger.fail(claim, "pull", message)
        return self._result("failed", UploadError(message))


def _may_pass(error: ApiVideoError) -> bool:
    """Whether a later attempt may succeed."""
    if isinstance(error, SourceError):
        return error.retryable
    # Waiting for budget ends in an error that no call repeats; an ingestion has time.
    return error.retryable or isinstance(error, UploadError | ApiConnectionError | _GoneError)


def cause_of(error: BaseException) -> str:
    """One word for a failure, by which failures are counted."""
    if isinstance(error, SourceError):
        return getattr(error, "cause", None) or "source"
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
