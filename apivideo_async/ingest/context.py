"""What the items of an ingestion share in one process, and the result of an attempt."""

from collections.abc import Callable
from typing import Literal, TypeAlias

from attrs import field, frozen

from ..client import ApiVideoClient
from ..errors import ApiVideoError
from ..uploads.capacity import Capacity, affordable
from ..uploads.progress import UploadProgress
from .breaker import Breaker
from .items import Item
from .ledger.lease import LeaseKeeper
from .ledger.ledger import Ledger
from .options import IngestOptions
from .stores.stores import Stores

__all__ = ["IngestContext", "IngestResult", "OnItemProgress", "Outcome"]

Outcome: TypeAlias = Literal["done", "known", "failed", "quarantined", "skipped", "later", "lost"]
OnItemProgress: TypeAlias = Callable[[Item, UploadProgress], None]


@frozen(kw_only=True)
class IngestContext:
    """Everything that the items of an ingestion share in one process."""

    client: ApiVideoClient = field(repr=False)
    ledger: Ledger = field(repr=False)
    owner: str
    """The name of this process in the ledger."""
    stores: Stores = field(repr=False)
    options: IngestOptions
    on_progress: OnItemProgress | None = field(default=None, repr=False)
    lease_keeper: LeaseKeeper = field(init=False, repr=False)
    concurrency: int = field(init=False)
    """Items at once: those of the options, or fewer if the process may open few files."""
    capacity: Capacity = field(init=False, repr=False)
    """The limit for chunks in flight."""
    breaker: Breaker = field(init=False, repr=False)

    @breaker.default
    def _create_breaker(self) -> Breaker:
        return Breaker(self.client, self.options.outage_timeout)

    @lease_keeper.default
    def _create_lease_keeper(self) -> LeaseKeeper:
        return LeaseKeeper(self.ledger, self.owner, self.options.lease, self.client.budget)

    @concurrency.default
    def _afford(self) -> int:
        return affordable(self.options.concurrency)

    @capacity.default
    def _create_capacity(self) -> Capacity:
        upload = self.options.upload or self.client.config.upload
        return Capacity.of(upload, self.concurrency, lambda: self.client.limit_rate)


@frozen(kw_only=True)
class IngestResult:
    """The result of one attempt to ingest an item."""

    item: Item
    outcome: Outcome
    """``done``: the video is complete. ``known``: the source has a video, because it was only
    touched or moved, or because changes are not ingested; the item was deleted. ``failed``,
    ``quarantined``, ``skipped``: final states of the ledger. ``later``: a later attempt or status
    check is due. ``lost``: another worker has the item."""
    video_id: str | None = None
    error: ApiVideoError | None = None
    delay: float = 0.0
    """Seconds until the item is due again, for the outcome ``later``."""
    sent: int = 0
    """Bytes sent by this process, including bytes sent more than once."""
