"""Items, their states, and the key that identifies each of them.

States and transitions::

    new ──> creating ──> created ──> uploading ──> verifying ──> done
     ^          │           │            │             │
     └──────────┴───────────┴─ (container gone) ───────┘
    any of them ──> failed ──> (retry) new or created
    any of them ──> quarantined         two containers claim the key
    all but done ─> skipped             a person decided so, or the source no longer exists

The state ``creating`` is written before the container is requested, and the container's id is
written before the first byte is sent. After a crash at any moment, the ledger or a search for the
key therefore identifies the container of the item.
"""

import hashlib
import json
from typing import Any, Final, Literal, TypeAlias, get_args

import attrs
from attrs import field, frozen

from ..config import INGEST_KEY, INGEST_LEDGER
from ..errors import SourceError
from .stored_text import ODD
from .uris import identity, parse_uri, shown

__all__ = [
    "ALL_STATES",
    "FAILED",
    "INGEST_KEY",
    "INGEST_LEDGER",
    "LARGEST_INTEGER",
    "OPEN_STATES",
    "Item",
    "Record",
    "State",
    "Strategy",
    "Totals",
    "Transfer",
    "has_listed_key",
    "ingest_key",
    "key_of_version",
]

State: TypeAlias = Literal[
    "new",
    "creating",
    "created",
    "uploading",
    "verifying",
    "done",
    "failed",
    "quarantined",
    "skipped",
]
Strategy: TypeAlias = Literal["stream", "pull", "auto"]
"""How an item should be transferred; see ``IngestOptions.strategy``."""
Transfer: TypeAlias = Literal["stream", "pull"]
"""How an item is transferred, after ``auto`` was resolved."""

ALL_STATES: Final[tuple[State, ...]] = get_args(State)
OPEN_STATES: Final = ALL_STATES[:5]
FAILED: Final[tuple[State, ...]] = ("failed",)
"""The states that ``retry`` makes due again by default."""

LARGEST_INTEGER: Final = 2**63 - 1
"""The largest number that an integer column of the ledger stores."""
_LONGEST_KEY: Final = 500
"""Characters. The key is indexed, and databases limit the length of indexed text."""


def ingest_key(
    store: str, path: str, version: str | None = None, size: int | None = None, mtime: str = ""
) -> str:
    """Return the key of a source, the same on every machine for the same content and place.

    ``store`` is the address of the bucket, or ``file``. ``path`` is the path within the store.
    ``version`` is the version that the store assigns to the content. Without a version, ``size``
    (bytes) and ``mtime`` distinguish one content from the next.
    """
    # JSON separates the parts unambiguously, whatever characters they contain.
    identity = [store, path, version] if version else [store, path, size, mtime]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:40]


def key_of_version(uri: str, size: int, version: str | None) -> str:
    """Return the key that a listing gives to this version of a file or object."""
    location = parse_uri(uri)
    if location.scheme == "file":
        mtime = (version or "").rpartition("-")[2]
        return ingest_key("file", location.path, size=size, mtime=mtime)
    return ingest_key(*identity(location), version)


def _invalid(text: str) -> SourceError:
    return SourceError(text, cause="unsupported")


def _shortened(value: Any) -> str:
    if isinstance(value, int) and not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        # Python raises an error when an integer of thousands of digits is converted to text.
        return "an integer of more than 64 bits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_key(_: object, __: "attrs.Attribute[Any]", key: Any) -> None:
    if not isinstance(key, str) or not 0 < len(key) <= _LONGEST_KEY or ODD.search(key):
        raise _invalid(
            f"the key of an item is a text of 1 to {_LONGEST_KEY} characters, as ingest_key() "
            f"makes it, not {_shortened(key)}"
        )


def _check_size(item: "Item", _: "attrs.Attribute[Any]", size: Any) -> None:
    valid = isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= LARGEST_INTEGER
    if size is not None and not valid:
        raise _invalid(f"{item.shown}: {_shortened(size)} is no number of bytes")


def _check_text(_: object, attribute: "attrs.Attribute[Any]", text: Any) -> None:
    if not isinstance(text, str) and not (text is None and attribute.name == "version"):
        raise _invalid(f"the {attribute.name} of an item is a text, not {_shortened(text)}")


def _check_fields(item: "Item", _: "attrs.Attribute[Any]", fields: Any) -> None:
    if not isinstance(fields, dict):
        raise _invalid(f"{item.shown}: the fields of an item are a dict, not {_shortened(fields)}")


def _check_strategy(item: "Item", _: "attrs.Attribute[Any]", strategy: Any) -> None:
    if strategy not in get_args(Strategy):
        raise _invalid(f"{item.shown}: there is no strategy {_shortened(strategy)}")


@frozen(kw_only=True)
class Item:
    """A source to ingest. ``SourceError`` is raised for values that no source can have."""

    key: str = field(validator=_check_key)
    """From :func:`ingest_key`. The video carries it as the metadata pair ``ingestKey``."""
    uri: str = field(repr=shown, validator=_check_text)
    """An absolute path, or ``s3://``, ``gs://``, ``az://``, ``http(s)://``, ``file://``."""
    size: int | None = field(default=None, validator=_check_size)
    """Bytes, at most 2**63 - 1; None when it becomes known only on opening."""
    version: str | None = field(default=None, validator=_check_text)
    """Identifies this content among later contents at the address: a version, ETag or time."""
    fields: dict[str, Any] = field(factory=dict, validator=_check_fields)
    """Arguments of ``videos.create``. ``title`` is the name of the source by default."""
    strategy: Strategy = field(default="stream", validator=_check_strategy)
    described: bool = field(default=False, eq=False)
    """True if the fields are those of a manifest or a request. Fields that a listing derives from
    the address never replace them."""

    @property
    def shown(self) -> str:
        """The address without secrets, for messages."""
        return shown(self.uri)


def has_listed_key(item: Item) -> bool:
    """Return True if the key is that of a listing, False if the caller made it."""
    known = item.size is not None
    return known and item.key == key_of_version(item.uri, item.size or 0, item.version)


@frozen(kw_only=True)
class Record:
    """An item with its state in the ledger.

    Times are seconds since 1970, by the clock of the ledger's database. A *claim* is the record
    that the ledger returned to the worker that leased the item; the lease belongs to its ``fence``.
    """

    number: int
    """Number of the row; it grows in the order of insertion."""
    item: Item
    state: State
    transfer: Transfer | None = None
    """How the item is transferred; None until this is decided."""
    video_id: str | None = None
    """Id of the container; None until it is created."""
    contested: bool = False
    """True if a worker lost its lease while it requested the container. A container may exist
    whose id is not in the ledger."""
    owner: str | None = None
    """The worker that holds the lease."""
    fence: int = 0
    """Incremented by each claim. A worker with an older number has lost the item."""
    due: float | None = None
    """When the item may be claimed next: now, or after its lease or delay. None: finished."""
    attempts: int = 0
    """Number of failed attempts."""
    cause: str | None = None
    """The last failure in one word, by which failures are counted."""
    message: str | None = None
    sent: int = 0
    """Bytes sent by workers, including bytes sent more than once."""
    added_at: float = 0.0
    started_at: float | None = None
    created_at: float | None = None
    finished_at: float | None = None

    @property
    def interrupted(self) -> bool:
        """True for the first claim after a worker lost its lease while it requested a container.

        The container may still be created, or not be listed yet.
        """
        return self.contested and self.state == "creating" and self.video_id is None

    @property
    def key(self) -> str:
        """The key of the item."""
        return self.item.key


@frozen(kw_only=True)
class Totals:
    """Number and size of the items in each state."""

    items: dict[State, int] = field(factory=dict)
    bytes: dict[State, int] = field(factory=dict)
    """Sum of the known sizes by state."""
    sent: int = 0
    """Bytes sent by workers, including bytes sent more than once."""

    def count(self, *states: State) -> int:
        """Return the number of items in these states; without arguments, of all items."""
        return sum(self.items.get(state, 0) for state in states or self.items)

    @property
    def open(self) -> int:
        """Number of items that are not finished."""
        return self.count(*OPEN_STATES)
