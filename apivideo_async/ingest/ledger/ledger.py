"""The ledger of an ingestion: one row per source, in SQLite or PostgreSQL.

Theory of operation. The key of a source is unique. Four rules guarantee exactly one video per
source, whatever workers, queues and processes do:

- A worker that processes an item holds a lease with a *fence*, a number that grows with each claim.
  Every transition is one statement that compares the fence. A worker that lost its lease therefore
  changes nothing when it resumes.
- The state ``creating`` is written before the container is requested. A worker that claims an item
  in this state first searches for a container with the item's key.
- The container's id is set only once (``created``). If two workers each bring a container, the
  first id is kept, and both workers learn it.
- Bytes are sent only to the container whose id is in the ledger.

The statements are in ``queries.sql``. Each one is a transaction.
"""

import json
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from attrs import evolve

from ...errors import LeaseLostError, LedgerError, SourceError
from ..batching import OnRefused, insert_storable
from ..items import (
    ALL_STATES,
    FAILED,
    Item,
    Record,
    State,
    Transfer,
)
from ..stored_text import decode
from .overview import Group, LedgerOverview, Usage, literals
from .rows import record_of, row_of, stored

__all__ = ["Group", "Ledger", "Usage"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

UNSUCCESSFUL: frozenset[State] = frozenset(("failed", "quarantined", "skipped"))
"""States that have an index of their own."""
SAME = 20
"""Items with the same content that are compared."""
PAGE = 500
"""Records read in one statement by ``records``."""
LONGEST_CAUSE = 200
"""Characters kept of a failure's cause. A server may send texts of any length."""
LONGEST_MESSAGE = 4_000
"""Characters kept of a failure's message."""


def _log_refused(item: Item, error: SourceError) -> None:
    log.warning("%s is left out: %s", item.shown, error)


def _json_keys(keys: Collection[str]) -> str:
    return json.dumps([{"key": key} for key in keys])


class Ledger(LedgerOverview):
    """The state of every item, in a database.

    Every method raises ``LedgerError`` when the database cannot be used. A method raises
    ``SourceError`` when the database refuses a value; this affects one item, and the ledger remains
    usable. Every method may be repeated when its response was lost.

    Transition methods, except ``created``, ``later`` and ``release``, raise ``LeaseLostError`` when
    another worker has claimed the item since.
    """

    # -- items

    async def add(self, items: Sequence[Item], refused: OnRefused | None = None) -> set[str]:
        """Insert items; return the keys that were new. Items that are known stay unchanged.

        ``refused`` is called with each item that cannot be stored; by default, these are logged.
        """
        return await insert_storable(items, self._add_all, refused or _log_refused)

    async def prepare(self, items: Sequence[Item]) -> list[Item]:
        """Apply a listing to known items; return the items for ``add``.

        A failed item without a container is replaced by another version of its source, which gets
        its fields unless the version has a description. Items that no worker has begun get the
        fields of a new description.
        """
        try:
            return await self._prepare(items)
        except SourceError:
            return list(items)  # A value cannot be stored; ``add`` finds out which.

    async def _prepare(self, items: Sequence[Item]) -> list[Item]:
        rows = [row_of(item) for item in items]
        failed = await self._rows("replace_failed", items=json.dumps(rows))
        given = {decode(uri): json.loads(fields) for uri, fields in failed}
        described = [row for row, item in zip(rows, items, strict=True) if item.described]
        if described:
            await self._rows("describe", items=json.dumps(described))
        return [
            evolve(item, fields=given[item.uri])
            if item.uri in given and not item.described
            else item
            for item in items
        ]

    async def differing(self, items: Sequence[Item]) -> dict[str, Record]:
        """Return the items that have a video and other fields than the given ones, by their key."""
        rows = await self._rows("differing", items=json.dumps([row_of(item) for item in items]))
        return {record.key: record for record in map(record_of, rows)}

    async def redescribe(self, item: Item, before: Record) -> None:
        """Record the fields that the video of an item has now."""
        fields = {"fields": row_of(item)["fields"], "before": row_of(before.item)["fields"]}
        await self._rows("redescribe", key=item.key, **fields)

    async def _add_all(self, items: Sequence[Item]) -> set[str]:
        """Insert all items, or none: then ``SourceError`` is raised."""
        # PostgreSQL refuses a statement that inserts a key twice.
        unique = {item.key: item for item in reversed(items)}
        rows = json.dumps([row_of(item) for item in reversed(unique.values())])
        return {key for (key,) in await self._rows("add", items=rows)}

    async def record(self, key: str) -> Record | None:
        """Return an item, or None when the key is not known."""
        rows = await self._rows("record", key=key)
        return record_of(rows[0]) if rows else None

    async def records(self, states: Collection[State] = ()) -> AsyncIterator[Record]:
        """Iterate over all items, or those in ``states``, as inserted, in constant memory."""
        states = states or ALL_STATES
        statement = self._queries["records"].format(
            states=literals(states), and_unsuccessful=self._index_for(states), page=PAGE
        )
        after = 0
        while rows := await self.database.run(statement, {"after": after}):
            for row in rows:
                record = record_of(row)
                after = record.number
                yield record

    async def retry(
        self, states: Collection[State] = FAILED, keys: Collection[str] = ()
    ) -> list[str]:
        """Make finished items due again; return their keys.

        ``states`` limits the items to these states, and ``keys``, if not empty, to these keys.
        """
        statement = self._queries["retry"].format(
            states=literals(states),
            and_unsuccessful=self._index_for(states),
            and_keys=self._queries["and_keys"] if keys else "",
        )
        parameters = {"items": _json_keys(keys)} if keys else {}
        return [key for (key,) in await self.database.run(statement, parameters)]

    def _index_for(self, states: Collection[State]) -> str:
        return self._queries["and_unsuccessful"] if {*states} <= UNSUCCESSFUL else ""

    async def skip(self, keys: Collection[str]) -> list[str]:
        """Skip items without a video that no worker has; return their keys."""
        return [key for (key,) in await self._rows("skip", items=_json_keys(keys))]

    async def forget(self, keys: Collection[str]) -> list[str]:
        """Delete items that no worker has; return their keys. Their videos are kept.

        A source that is listed again becomes a new item, which finds the video by its key.
        """
        return [key for (key,) in await self._rows("forget", items=_json_keys(keys))]

    # -- leases

    async def claim(self, owner: str, count: int, seconds: float) -> list[Record]:
        """Claim up to ``count`` items that are due, for ``seconds``."""
        rows = await self._rows("claim", owner=stored(owner), count=count, seconds=seconds)
        # RETURNING has no defined order.
        return sorted((record_of(row) for row in rows), key=lambda record: record.number)

    async def claim_key(self, owner: str, key: str, seconds: float) -> Record | None:
        """Claim this item. Return None when it is finished, leased or not due."""
        rows = await self._rows("claim_key", owner=stored(owner), key=key, seconds=seconds)
        return record_of(rows[0]) if rows else None

    async def renew(self, owner: str, seconds: float, keys: Collection[str]) -> dict[str, int]:
        """Extend the leases that the owner still has on ``keys``; return these keys with fences."""
        items = _json_keys(keys)
        return dict(await self._rows("renew", owner=stored(owner), seconds=seconds, items=items))

    async def expire(self, owner: str | None = None) -> int:
        """End the leases of an owner that has stopped, or of all owners; return their number."""
        if owner is None:
            return len(await self._rows("expire_all"))
        return len(await self._rows("expire", owner=stored(owner)))

    async def release(self, claim: Record) -> None:
        """Give an item back. It is due at once."""
        await self.later(claim, 0.0)

    # -- transitions

    async def _transition(self, step: str, claim: Record, **values: Any) -> None:
        """Execute ``step``. Raises ``LedgerError`` when the state does not allow it."""
        if await self._rows(step, key=claim.key, fence=claim.fence, **values):
            return
        # The statement changed no row. Read the item to find the reason.
        record = await self.record(claim.key)
        if record is not None and record.fence == claim.fence:
            raise LedgerError(
                f"{claim.item.shown}: the step {step!r} is not possible in the state "
                f"{record.state!r}"
            )
        raise LeaseLostError(f"{claim.item.shown}: another worker has taken it over")

    async def creating(
        self,
        claim: Record,
        size: int,
        version: str | None,
        transfer: Transfer,
        sample: str | None = None,
    ) -> None:
        """Record size, version and transfer of the source before the container is requested.

        ``sample``: a digest of its content (``PinnedSource.sample``).
        """
        values = {"size": size, "version": stored(version), "transfer": transfer}
        await self._transition("creating", claim, **values, sample=sample)

    async def created(self, claim: Record, video_id: str) -> str:
        """Set the container's id, unless one is set; return the id that is set.

        This also works when the lease was lost, so that both of two competing workers learn the id.
        """
        values = {"key": claim.key, "fence": claim.fence, "video_id": stored(video_id)}
        rows = await self._rows("created", **values)
        if not rows:
            raise LedgerError(
                f"{claim.item.shown} is no longer in the ledger: it was deleted, or another ledger "
                "replaced this one"
            )
        return decode(rows[0][0])

    async def uploading(self, claim: Record) -> None:
        """Record that bytes will be sent, or that api.video is fetching them."""
        await self._transition("uploading", claim)

    async def verifying(self, claim: Record, sent: int = 0) -> None:
        """Record that the video is complete. ``sent``: bytes that this process sent."""
        await self._transition("verifying", claim, sent=sent)

    async def done(self, claim: Record) -> None:
        """Finish an item: its video is complete and is the only one with its key."""
        await self._transition("done", claim)

    async def fail(
        self, claim: Record, cause: str, message: str, *, forget_transfer: bool = False
    ) -> None:
        """Finish an item that failed. ``retry`` makes it due again.

        ``forget_transfer``: set the transfer to None, which marks an item with a container as one
        whose pull timed out. The transfer is chosen again after ``retry``.
        """
        await self._stop(claim, "failed", cause, message, forget_transfer)

    async def quarantine(self, claim: Record, message: str) -> None:
        """Finish an item whose key is carried by several containers. A person has to decide."""
        await self._stop(claim, "quarantined", "duplicate", message, forget_transfer=False)

    async def source_gone(self, claim: Record, message: str) -> None:
        """Skip a claimed item whose source no longer exists."""
        await self._stop(claim, "skipped", "missing", message, forget_transfer=False)

    async def _stop(
        self, claim: Record, state: State, cause: str, message: str, forget_transfer: bool
    ) -> None:
        await self._transition(
            "stop",
            claim,
            state=state,
            cause=stored(cause[:LONGEST_CAUSE]),
            message=stored(message[:LONGEST_MESSAGE]),
            forget_transfer=forget_transfer,
        )

    async def later(
        self, claim: Record, seconds: float, cause: str | None = None, message: str | None = None
    ) -> None:
        """Give the item back; it is due again in ``seconds``.

        With a ``cause``, this counts as a failed attempt. Nothing happens when the lease was lost.
        """
        await self._rows(
            "later",
            key=claim.key,
            fence=claim.fence,
            seconds=seconds,
            failed=int(cause is not None),
            cause=stored(cause and cause[:LONGEST_CAUSE]),
            message=stored(message and message[:LONGEST_MESSAGE]),
        )

    async def renew_version(self, claim: Record, item: Item, seconds: float) -> bool:
        """Replace a claimed item by the current version of its source, due in ``seconds``.

        This counts as a failed attempt. If the version is an item already, the claimed one is
        deleted. Return False if the item has, or may have, a container: nothing is changed.
        """
        values = {"key": claim.key, "fence": claim.fence, "new_key": item.key}
        version = {"size": item.size, "version": stored(item.version), "seconds": seconds}
        return bool(
            await self._rows("renew_version", **values, **version)
            or await self._rows("forget_version", **values)
        )

    async def versions(self, claim: Record) -> list[Record]:
        """Return the finished items of the same address: other versions, the latest one last."""
        rows = await self._rows("versions", key=claim.key, uri=stored(claim.item.uri))
        return [record_of(row) for row in rows]

    async def same_content(self, claim: Record, size: int, sample: str) -> list[Record]:
        """Return finished items whose content has this size and sample, in bounded number."""
        statement = self._queries["same_content"].format(page=SAME)
        values = {"key": claim.key, "size": size, "sample": sample}
        return [record_of(row) for row in await self.database.run(statement, values)]

    async def merge(self, claim: Record, into: Record, *, moved: bool = False) -> None:
        """Delete a claimed item whose source is that of ``into``; its key becomes an alias.

        ``moved``: the item ``into`` gets the address of the claimed one.
        """
        await self._rows("add_alias", key=claim.key, item=into.key)
        if moved:
            await self._rows("move", key=into.key, uri=stored(claim.item.uri))
        if not await self._rows("merge", key=claim.key, fence=claim.fence):
            raise LeaseLostError(f"{claim.item.shown}: another worker has taken it over")

    async def drop(self, record: Record) -> None:
        """Delete a finished item whose video was replaced by that of another version."""
        await self._rows("drop", key=record.key)

    async def lost(self, claim: Record) -> None:
        """Reset an item to ``new``, because its container is gone. The lease continues."""
        await self._transition("lost", claim)
