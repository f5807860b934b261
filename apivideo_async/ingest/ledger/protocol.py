"""The interface of the ledger of sources. ``sql`` implements it for SQLite and PostgreSQL.

Theory of operation. The ledger has one row per source; the key of the source is unique. Four rules
of the ledger guarantee exactly one video per source, whatever workers, queues and processes do:

- A worker that processes an item holds a lease with a *fence*, a number that grows with each claim.
  Every transition is one statement that compares the fence. A worker that lost its lease therefore
  changes nothing when it resumes.
- The state ``creating`` is written before the container is requested. A worker that claims an item
  in this state first searches for a container with the item's key.
- The container's id is set only once (``created``). If two workers each bring a container, the
  first id is kept, and both workers learn it.
- Bytes are sent only to the container whose id is in the ledger.

Every method raises ``LedgerError`` when the ledger cannot be used. Every method may be repeated
when its response was lost. A method raises ``SourceError`` when the database refuses a value; this
affects one item, and the ledger remains usable.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol

from attrs import frozen

from ..batching import Refused
from ..items import FAILED, Claim, Item, Record, State, Totals, Transfer

__all__ = ["Leases", "Ledger", "Usage"]


@frozen(kw_only=True)
class Usage:
    """Number of requests of one class within one minute."""

    minute: int
    """Minutes since 1970."""
    limit_class: str
    """``uploads``, ``writes`` or ``reads``."""
    requests: int
    refused: int = 0
    """Requests answered with 429; they are included in ``requests``."""
    allowed: int | None = None
    """Requests per minute that the server allows, from its latest rate limit headers."""


class Leases(Protocol):
    """The leases: which worker processes which item, and until when."""

    async def claim(self, owner: str, count: int, seconds: float) -> list[Record]:
        """Claim up to ``count`` items that are due, for ``seconds``."""
        ...

    async def claim_key(self, owner: str, key: str, seconds: float) -> Record | None:
        """Claim this item. Return None when it is finished, leased or not due."""
        ...

    async def renew(self, owner: str, seconds: float, keys: Collection[str]) -> dict[str, int]:
        """Extend the leases that this owner holds on ``keys`` to ``seconds`` from now.

        Return the keys, among these, that the owner still holds, with their fences.
        """
        ...

    async def release(self, claim: Claim) -> None:
        """Give an item back. It is due at once."""
        ...

    async def expire(self, owner: str | None = None) -> int:
        """End the leases of an owner that has stopped, or of all owners; return their number."""
        ...


class Ledger(Leases, Protocol):
    """The state of every item.

    Transition methods, except ``created``, ``later`` and ``release``, raise ``LeaseLostError`` when
    another worker has claimed the item since.
    """

    async def add(self, items: Sequence[Item], refused: Refused | None = None) -> set[str]:
        """Insert items; return the keys that were new. Items that are known stay unchanged.

        ``refused`` is called with each item that cannot be stored. Without it, these items are
        logged. All other items are inserted.
        """
        ...

    async def creating(self, claim: Claim, size: int, version: str | None, way: Transfer) -> None:
        """Record the size, version and transfer of the item before the container is requested."""
        ...

    async def created(self, claim: Claim, video_id: str) -> str:
        """Set the container's id, unless one is set; return the id that is set.

        This also works when the lease was lost, so that both of two competing workers learn the id.
        """
        ...

    async def uploading(self, claim: Claim) -> None:
        """Record that bytes will be sent, or that api.video is fetching them."""
        ...

    async def verifying(self, claim: Claim, sent: int = 0) -> None:
        """Record that the video is complete. ``sent``: bytes that went through this process."""
        ...

    async def done(self, claim: Claim) -> None:
        """Finish an item: its video is complete and is the only one with its key."""
        ...

    async def fail(
        self, claim: Claim, cause: str, message: str, *, forget_way: bool = False
    ) -> None:
        """Finish an item that failed. ``retry`` makes it due again.

        ``forget_way``: choose the transfer again after ``retry``. An item that has a container but
        no transfer is one whose pull timed out and was retried.
        """
        ...

    async def quarantine(self, claim: Claim, message: str) -> None:
        """Finish an item whose key is carried by several containers. A person has to decide."""
        ...

    async def later(
        self, claim: Claim, seconds: float, cause: str | None = None, message: str | None = None
    ) -> None:
        """Give the item back; it is due again in ``seconds``.

        With a ``cause``, this counts as a failed attempt. Nothing happens when the lease was lost.
        """
        ...

    async def lost(self, claim: Claim) -> None:
        """Record that the container no longer exists on the server.

        The item is in the state ``new`` again, under the same lease.
        """
        ...

    async def record(self, key: str) -> Record | None:
        """Return an item, or None when the key is not known."""
        ...

    def records(self, states: Collection[State] = ()) -> AsyncIterator[Record]:
        """Iterate over all items, or those in ``states``, in the order of insertion.

        Memory use does not depend on the number of items.
        """
        ...

    async def next_due(self) -> float | None:
        """Return the seconds (≥ 0) until an open item is due; None when no item is open."""
        ...

    async def totals(self) -> Totals:
        """Count the items and their bytes, by state."""
        ...

    async def retry(
        self, states: Collection[State] = FAILED, keys: Collection[str] = ()
    ) -> list[str]:
        """Make finished items due again; return their keys.

        ``states`` limits the items to these states, and ``keys``, if not empty, to these keys.
        """
        ...

    async def note_usage(self, owner: str, usage: Sequence[Usage]) -> None:
        """Add to the number of requests per minute."""
        ...

    async def usage(self) -> list[Usage]:
        """Return the requests of all workers, by minute and class."""
        ...

    async def bind(self, server: str) -> None:
        """Bind the ledger to this server. Raises ``LedgerError`` if it is bound to another one."""
        ...

    async def mark(self) -> str:
        """Return the mark of this ledger, a random text that its containers carry as metadata.

        The mark distinguishes containers of this ledger from those of other ledgers.
        """
        ...

    async def aclose(self) -> None:
        """Close the ledger and release its resources."""
        ...
