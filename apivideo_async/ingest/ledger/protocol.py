"""What a ledger of sources promises; ``sql`` keeps it in SQLite or PostgreSQL.

One row per source, unique by its key. Exactly one video per source follows from four rules of the ledger, whatever
workers, queues and processes do:

- whoever works on an item holds a lease with a *fence* number that grew with the claim; every transition is one
  statement that compares it, so a worker that comes back from the dead changes nothing;
- ``creating`` is written before a container is asked for; who claims an item in that state searches for the key first;
- the container's id is set once (``created``): of two workers that bring one, the first wins and both learn the id;
- bytes are sent to the id in the ledger only.

Every method raises ``LedgerError`` when the ledger cannot be used, and may be repeated when its answer was lost. It
raises ``SourceError`` when the database refuses a value: that concerns one item, and the ledger can be used further.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol

from attrs import frozen

from ..batching import Refused
from ..items import FAILED, Claim, Item, Record, State, Totals, Way

__all__ = ["Leases", "Ledger", "Usage"]


@frozen(kw_only=True)
class Usage:
    """Requests of one class within one minute."""

    minute: int
    """Minutes since 1970."""
    limit_class: str
    """``uploads``, ``writes`` or ``reads``."""
    requests: int
    refused: int = 0
    """Of them answered with 429."""
    allowed: int | None = None
    """What the server allows in a minute, as its headers said last."""


class Leases(Protocol):
    """Who works on what."""

    async def claim(self, owner: str, count: int, seconds: float) -> list[Record]:
        """Take up to ``count`` items that are due, for ``seconds``."""
        ...

    async def claim_key(self, owner: str, key: str, seconds: float) -> Record | None:
        """Take this item, or None when it is finished, leased, or not due."""
        ...

    async def renew(self, owner: str, seconds: float, keys: Collection[str]) -> dict[str, int]:
        """Prolong leases of this owner; the keys, of these, that it still holds, with their fences."""
        ...

    async def release(self, claim: Claim) -> None:
        """Give an item back: it is due at once."""
        ...

    async def expire(self, owner: str | None = None) -> int:
        """End the leases of an owner that is known to be dead, or all; how many there were."""
        ...


class Ledger(Leases, Protocol):
    """The state of every item. Methods that take a claim raise ``LeaseLostError`` when it was taken over."""

    async def add(self, items: Sequence[Item], refused: Refused | None = None) -> set[str]:
        """Enter items; the keys that were not known yet. Known ones stay as they are.

        ``refused`` is called with each item that cannot be stored; without it, they are logged. The others are entered.
        """
        ...

    async def creating(self, claim: Claim, size: int, version: str | None, way: Way) -> None:
        """A container will be asked for."""
        ...

    async def created(self, claim: Claim, video_id: str) -> str:
        """Set the container's id, unless there is one; the id that counts. Done even when the lease is lost."""
        ...

    async def uploading(self, claim: Claim) -> None:
        """Bytes will be sent, or are fetched by api.video."""
        ...

    async def verifying(self, claim: Claim, sent: int = 0) -> None:
        """Everything is there; ``sent`` bytes went through us."""
        ...

    async def done(self, claim: Claim) -> None:
        """The video is complete and is the only one of its key."""
        ...

    async def fail(self, claim: Claim, cause: str, message: str, *, forget_way: bool = False) -> None:
        """It cannot work; ``retry`` brings it back.

        ``forget_way``: after ``retry``, choose again how the item is transferred. An item with a container and without
        a way is one whose pull was given up and retried.
        """
        ...

    async def quarantine(self, claim: Claim, message: str) -> None:
        """Several containers claim the key; a person decides."""
        ...

    async def later(self, claim: Claim, seconds: float, cause: str | None = None, message: str | None = None) -> None:
        """Give it back and try again in ``seconds``; with a ``cause`` it counts as a failed attempt."""
        ...

    async def lost(self, claim: Claim) -> None:
        """The container is gone from the server: the item is new again, under the same lease."""
        ...

    async def record(self, key: str) -> Record | None:
        """Show an item, or None when it is not known."""
        ...

    def records(self, states: Collection[State] = ()) -> AsyncIterator[Record]:
        """Go through all items, or those in these states, in the order they were added, in constant memory."""
        ...

    async def next_due(self) -> float | None:
        """Seconds until an open item may be claimed, at least 0; None when no item is open."""
        ...

    async def totals(self) -> Totals:
        """Count."""
        ...

    async def retry(self, states: Collection[State] = FAILED, keys: Collection[str] = ()) -> list[str]:
        """Make failed items due again (all, or of these keys); their keys."""
        ...

    async def note_usage(self, owner: str, usage: Sequence[Usage]) -> None:
        """Add to the count of requests per minute."""
        ...

    async def usage(self) -> list[Usage]:
        """Requests of all workers, by minute and class."""
        ...

    async def bind(self, server: str) -> None:
        """Make it the ledger of this server; raises ``LedgerError`` when it belongs to another."""
        ...

    async def mark(self) -> str:
        """Return the mark of this ledger: a random text that its containers carry, so that it knows them again."""
        ...

    async def aclose(self) -> None:
        """Give back what it holds."""
        ...
