"""What is ingested: items, the states that they pass through, and the key that makes each of them unique.

::

    new ──> creating ──> created ──> uploading ──> verifying ──> done
     ^          │           │            │             │
     └──────────┴───────────┴─ (container gone) ───────┘
    any of them ──> failed ──> (retry) new or created
    any of them ──> quarantined         two containers claim the key

``creating`` is written before the container is asked for, and its id before the first byte is sent; so after a crash
at any moment the ledger, or a search for the key, tells which container belongs to the item.
"""

import hashlib
import json
from typing import Any, Final, Literal

from attrs import field, frozen

from .sources.addresses import shown

__all__ = ["FAILED", "OPEN_STATES", "Claim", "Item", "Record", "State", "Strategy", "Totals", "Way", "ingest_key"]

State = Literal["new", "creating", "created", "uploading", "verifying", "done", "failed", "quarantined"]
Strategy = Literal["stream", "pull", "auto"]
Way = Literal["stream", "pull"]

OPEN_STATES: Final[tuple[State, ...]] = ("new", "creating", "created", "uploading", "verifying")
"""The states of items that are not finished."""
FAILED: Final[tuple[State, ...]] = ("failed",)
"""What ``retry`` takes unless told otherwise."""


def ingest_key(store: str, path: str, version: str | None = None, size: int | None = None, mtime: str = "") -> str:
    """Make the key of a source: the same content at the same place has the same key, on every machine.

    ``store`` is the bucket's address, or ``file``; ``version`` is the store's own, else ``size`` and ``mtime``
    tell one content from the next.
    """
    identity = [store, path, version] if version else [store, path, size, mtime]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:40]


@frozen(kw_only=True)
class Item:
    """A source to be ingested."""

    key: str
    """Of :func:`ingest_key`; stored with the video as the metadata pair ``ingestKey``."""
    uri: str = field(repr=shown)
    """Where it is: an absolute path, or ``s3://``, ``gs://``, ``az://``, ``http(s)://``, ``file://``."""
    size: int | None = None
    """Bytes; None when only the store knows."""
    version: str | None = None
    """What tells this content from a later one at the same place: the store's version, an ETag, a time."""
    fields: dict[str, Any] = field(factory=dict)
    """Fields of the video, as ``videos.create`` takes them; ``title`` is the source's name unless given."""
    strategy: Strategy = "stream"

    @property
    def shown(self) -> str:
        """Where it is, without what is secret in it: for messages."""
        return shown(self.uri)


@frozen(kw_only=True)
class Record:
    """An item as the ledger knows it. Times are seconds since 1970, of the ledger's clock."""

    number: int
    item: Item
    state: State
    way: Way | None = None
    """How it is brought there, once that is decided."""
    video_id: str | None = None
    contested: bool = False
    """A worker was lost while it asked for the container: there may be one that the ledger does not know."""
    owner: str | None = None
    fence: int = 0
    """Grows with each claim; who holds an older number has lost the item."""
    due: float | None = None
    """When it may be claimed next: the end of the lease, or of a wait. None: finished."""
    attempts: int = 0
    """Attempts that failed."""
    cause: str | None = None
    """One word for the last failure, for counting."""
    message: str | None = None
    sent: int = 0
    """Bytes that went through us, repeats included."""
    added_at: float = 0.0
    started_at: float | None = None
    created_at: float | None = None
    finished_at: float | None = None


@frozen(kw_only=True)
class Claim:
    """An item that a worker holds a lease of, as it was when it was claimed."""

    record: Record

    @property
    def item(self) -> Item:
        """What is to be ingested."""
        return self.record.item

    @property
    def key(self) -> str:
        """The item's key."""
        return self.record.item.key

    @property
    def fence(self) -> int:
        """The number of this claim."""
        return self.record.fence


@frozen(kw_only=True)
class Totals:
    """How far an ingestion is."""

    items: dict[State, int] = field(factory=dict)
    bytes: dict[State, int] = field(factory=dict)
    """Sizes, as far as they are known."""
    sent: int = 0
    """Bytes that went through us."""

    def count(self, *states: State) -> int:
        """Items in these states; all without any."""
        return sum(self.items.get(state, 0) for state in states) if states else sum(self.items.values())

    @property
    def open(self) -> int:
        """Items that are not finished."""
        return self.count(*OPEN_STATES)
