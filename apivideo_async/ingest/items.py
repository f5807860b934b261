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
from typing import Any, Final, Literal, get_args

import attrs
from attrs import field, frozen

from ..errors import SourceError
from .stored_text import ODD
from .uris import shown

__all__ = [
    "FAILED",
    "INGEST_KEY",
    "INGEST_LEDGER",
    "LARGEST",
    "OPEN_STATES",
    "Claim",
    "Item",
    "Record",
    "State",
    "Strategy",
    "Totals",
    "Way",
    "ingest_key",
]

State = Literal["new", "creating", "created", "uploading", "verifying", "done", "failed", "quarantined"]
Strategy = Literal["stream", "pull", "auto"]
Way = Literal["stream", "pull"]

OPEN_STATES: Final[tuple[State, ...]] = ("new", "creating", "created", "uploading", "verifying")
"""The states of items that are not finished."""
FAILED: Final[tuple[State, ...]] = ("failed",)
"""What ``retry`` takes unless told otherwise."""


INGEST_KEY: Final = "ingestKey"
"""The metadata pair in which a video carries the key of its source."""
INGEST_LEDGER: Final = "ingestLedger"
"""The metadata pair in which a container carries the mark of the ledger that created it."""
LARGEST: Final = 2**63 - 1
"""The largest number of the ledger's columns."""
_LONGEST_KEY: Final = 500
"""Characters; a database indexes no text of any length."""


def ingest_key(store: str, path: str, version: str | None = None, size: int | None = None, mtime: str = "") -> str:
    """Make the key of a source: the same content at the same place has the same key, on every machine.

    ``store`` is the bucket's address, or ``file``; ``version`` is the store's own, else ``size`` and ``mtime``
    tell one content from the next.
    """
    identity = [store, path, version] if version else [store, path, size, mtime]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:40]


def _check_key(_: object, __: "attrs.Attribute[Any]", key: Any) -> None:
    if not isinstance(key, str) or not 0 < len(key) <= _LONGEST_KEY or ODD.search(key):
        raise SourceError(
            f"an item's key is a text of 1 to {_LONGEST_KEY} characters, as ingest_key() makes it, not {_short(key)}",
            cause="unsupported",
        )


def _check_size(item: "Item", _: "attrs.Attribute[Any]", size: Any) -> None:
    if size is not None and not (isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= LARGEST):
        raise SourceError(f"{item.shown}: {_short(size)} is no number of bytes", cause="unsupported")


def _check_text(item: "Item", attribute: "attrs.Attribute[Any]", text: Any) -> None:
    if not isinstance(text, str) and not (text is None and attribute.name == "version"):
        raise SourceError(f"the {attribute.name} of an item is a text, not {_short(text)}", cause="unsupported")


def _check_fields(item: "Item", _: "attrs.Attribute[Any]", fields: Any) -> None:
    if not isinstance(fields, dict):
        raise SourceError(f"{item.shown}: the fields of an item are a dict, not {_short(fields)}", cause="unsupported")


def _check_strategy(item: "Item", _: "attrs.Attribute[Any]", strategy: Any) -> None:
    if strategy not in get_args(Strategy):
        raise SourceError(f"{item.shown}: there is no strategy {_short(strategy)}", cause="unsupported")


def _short(value: Any) -> str:
    if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        return "an integer of more than 64 bits"  # Python refuses to write out thousands of digits.
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@frozen(kw_only=True)
class Item:
    """A source to be ingested. Raises ``SourceError`` for values that cannot belong to a source.

    Stores, web servers and manifests supply these values, so they are checked here, where they enter.
    """

    key: str = field(validator=_check_key)
    """Of :func:`ingest_key`; stored with the video as the metadata pair ``ingestKey``."""
    uri: str = field(repr=shown, validator=_check_text)
    """Where it is: an absolute path, or ``s3://``, ``gs://``, ``az://``, ``http(s)://``, ``file://``."""
    size: int | None = field(default=None, validator=_check_size)
    """Bytes, at most 2**63 - 1; None when only the store knows."""
    version: str | None = field(default=None, validator=_check_text)
    """What tells this content from a later one at the same place: the store's version, an ETag, a time."""
    fields: dict[str, Any] = field(factory=dict, validator=_check_fields)
    """Fields of the video, as ``videos.create`` takes them; ``title`` is the source's name unless given."""
    strategy: Strategy = field(default="stream", validator=_check_strategy)

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
