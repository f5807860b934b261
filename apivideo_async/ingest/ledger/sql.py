"""The ledger in SQL, with the same statements for SQLite and PostgreSQL.

Theory of operation. The column ``due`` is the time at which an item may be claimed next. It is the
current time for a new item, the end of the lease for a claimed item, the end of the delay for an
item that failed, and NULL for a finished item. Claiming therefore needs one comparison, and an
expired lease needs no cleanup.

Each change is a single statement, so it happens completely or not at all. Each transition compares
``fence``, which each claim increments, so only the worker with the latest claim can change the
item.

All times are seconds since 1970 by the clock of the database, because the clocks of workers differ.
"""

import json
import logging
import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final, Protocol

from attrs import asdict, frozen

from ...errors import LeaseLostError, LedgerError, SourceError
from ..batching import Refused, enter_storable
from ..items import FAILED, LARGEST, Claim, Item, Record, State, Totals, Transfer
from ..stored_text import decode
from .protocol import Usage
from .rows import COLUMNS, ITEM_COLUMNS, record_of, row_of, stored

__all__ = [
    "BUDGET",
    "ITEMS",
    "META",
    "SCHEMA_VERSION",
    "Database",
    "Dialect",
    "SqlLedger",
    "schema",
]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

SCHEMA_VERSION: Final = 1
"""Version of the table layout, stored in ``META``."""
ITEMS: Final = "apivideo_ingest_items"
USAGE: Final = "apivideo_ingest_usage"
BUDGET: Final = "apivideo_ingest_budget"
META: Final = "apivideo_ingest_meta"
PAGE = 500
"""Records read in one statement by ``records``."""
LONGEST_CAUSE, LONGEST_MESSAGE = 200, 4_000
"""Characters kept of a failure's cause and message. A server may send texts of any length."""


@frozen(kw_only=True)
class Dialect:
    """The SQL fragments in which the two databases differ."""

    now: str
    """The current time in seconds since 1970, by the database's clock."""
    serial: str
    """The type of a primary key that grows with each row."""
    skip_locked: str
    """The clause that lets concurrent claims skip rows that another claim has locked."""
    elements: str
    """A table expression for the elements of the JSON array ``:items``, each named ``value``."""
    member: str
    """An expression for a member of such an element, as text. ``{}`` is the member's name."""


class Database(Protocol):
    """Executes statements whose parameters are written ``:name``."""

    @property
    def dialect(self) -> Dialect:
        """The SQL dialect of this database."""
        ...

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Execute one statement in a transaction of its own and return its rows.

        Raises ``LedgerError`` when the database cannot be used, and ``SourceError`` when it refuses
        a value.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections of the database."""
        ...


def schema(dialect: Dialect) -> list[str]:
    """Return the statements that create the tables and indexes. Existing ones are kept."""
    return [
        f"""CREATE TABLE IF NOT EXISTS {ITEMS} (
            number {dialect.serial}, key TEXT NOT NULL UNIQUE, uri TEXT NOT NULL, size BIGINT, version TEXT,
            fields TEXT NOT NULL, strategy TEXT NOT NULL, state TEXT NOT NULL, way TEXT, video_id TEXT,
            contested INTEGER NOT NULL DEFAULT 0, owner TEXT, fence BIGINT NOT NULL DEFAULT 0, due DOUBLE PRECISION,
            attempts INTEGER NOT NULL DEFAULT 0, cause TEXT, message TEXT, sent BIGINT NOT NULL DEFAULT 0,
            added_at DOUBLE PRECISION NOT NULL, started_at DOUBLE PRECISION, created_at DOUBLE PRECISION,
            finished_at DOUBLE PRECISION)""",
        f"CREATE INDEX IF NOT EXISTS {ITEMS}_due ON {ITEMS} (due, number) WHERE due IS NOT NULL",
        f"CREATE INDEX IF NOT EXISTS {ITEMS}_owner ON {ITEMS} (owner) WHERE owner IS NOT NULL",
        f"""CREATE TABLE IF NOT EXISTS {USAGE} (
            owner TEXT NOT NULL, minute BIGINT NOT NULL, limit_class TEXT NOT NULL, requests BIGINT NOT NULL,
            refused BIGINT NOT NULL, allowed BIGINT, PRIMARY KEY (minute, limit_class, owner))""",
        f"CREATE TABLE IF NOT EXISTS {BUDGET} (name TEXT PRIMARY KEY, state TEXT NOT NULL)",
        f"CREATE TABLE IF NOT EXISTS {META} (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    ]


def _log_refused(item: Item, error: SourceError) -> None:
    log.warning("%s is left out: %s", item.shown, error)


def _keys(keys: Collection[str]) -> str:
    return json.dumps([{"key": key} for key in keys])


def _listed(states: Collection[State]) -> str:
    return ", ".join(f"'{state}'" for state in states)


class SqlLedger:
    """A ``Ledger`` in a SQL database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._now = database.dialect.now
        self._mark: str | None = None

    # -- items

    async def add(self, items: Sequence[Item], refused: Refused | None = None) -> set[str]:
        """Insert any number of items; return the keys that were new.

        An item that cannot be stored is passed to ``refused``, or logged without it.
        """
        return await enter_storable(items, self.add_all, refused or _log_refused)

    async def add_all(self, items: Sequence[Item]) -> set[str]:
        """Insert items in one statement; return the keys that were new.

        Raises ``SourceError`` when one of them cannot be stored; then none is inserted.
        """
        dialect = self.database.dialect
        # All items are one JSON parameter, so the statement is the same for any number of them.
        # SQLite requires ``WHERE true`` to parse ON CONFLICT after a SELECT.
        rows = [row_of(item) for item in items]
        members = [dialect.member.format(name) for name in ITEM_COLUMNS]
        # Members are extracted as text; the third column is ``size``.
        members[2] = f"CAST({members[2]} AS BIGINT)"
        statement = f"""INSERT INTO {ITEMS} ({", ".join(ITEM_COLUMNS)}, state, due, added_at)
            SELECT {", ".join(members)}, 'new', {self._now}, {self._now} FROM {dialect.elements} WHERE true
            ON CONFLICT (key) DO NOTHING RETURNING key"""
        return {key for (key,) in await self.database.run(statement, {"items": json.dumps(rows)})}

    async def record(self, key: str) -> Record | None:
        """Return an item, or None when the key is not known."""
        rows = await self.database.run(
            f"SELECT {COLUMNS} FROM {ITEMS} WHERE key = :key", {"key": key}
        )
        return record_of(rows[0]) if rows else None

    async def records(self, states: Collection[State] = ()) -> AsyncIterator[Record]:
        """Iterate over the items, ``PAGE`` of them in one statement."""
        among = f"AND state IN ({_listed(states)})" if states else ""
        statement = f"SELECT {COLUMNS} FROM {ITEMS} WHERE number > :after {among} ORDER BY number LIMIT {PAGE}"
        # Paging by the last number reads each row once and stays correct while rows are inserted.
        after = 0
        while rows := await self.database.run(statement, {"after": after}):
            for row in rows:
                record = record_of(row)
                after = record.number
                yield record

    async def totals(self) -> Totals:
        """Count the items, their bytes and the bytes sent, by state."""
        counts = await self.database.run(
            # Sums are floating point because servers may announce sizes whose sum exceeds every
            # integer column. Sums are exact below 8 PiB.
            f"""SELECT state, COUNT(*), COALESCE(SUM(CAST(size AS DOUBLE PRECISION)), 0),
            COALESCE(SUM(CAST(sent AS DOUBLE PRECISION)), 0) FROM {ITEMS} GROUP BY state""",
            {},
        )
        return Totals(
            items={state: count for state, count, _, _ in counts},
            bytes={state: int(size) for state, _, size, _ in counts},
            sent=sum(int(sent) for _, _, _, sent in counts),
        )

    async def next_due(self) -> float | None:
        """Return the seconds (≥ 0) until an open item is due; None when no item is open."""
        statement = f"SELECT MIN(due) - {self._now} FROM {ITEMS} WHERE due IS NOT NULL"
        [(due,)] = await self.database.run(statement, {})
        return None if due is None else max(0.0, due)

    async def retry(
        self, states: Collection[State] = FAILED, keys: Collection[str] = ()
    ) -> list[str]:
        """Make finished items due again; return their keys."""
        chosen = f"AND {self._among}" if keys else ""
        # An item with a container continues with that container, so that no second one is created.
        statement = f"""UPDATE {ITEMS} SET state = CASE WHEN video_id IS NULL THEN 'new' ELSE 'created' END,
            due = {self._now}, owner = NULL, attempts = 0, cause = NULL, message = NULL, finished_at = NULL
            WHERE state IN ({_listed(states)}) {chosen} RETURNING key"""
        return [
            key
            for (key,) in await self.database.run(statement, {"items": _keys(keys)} if keys else {})
        ]

    @property
    def _among(self) -> str:
        dialect = self.database.dialect
        return f"key IN (SELECT {dialect.member.format('key')} FROM {dialect.elements})"

    # -- leases

    @property
    def _claiming(self) -> str:
        # ``contested``: the item was in the state ``creating`` without an id when its lease ended.
        # The previous worker may have created a container whose id it did not record.
        return f"""owner = :owner, fence = fence + 1, due = {self._now} + :seconds,
            started_at = COALESCE(started_at, {self._now}),
            contested = CASE WHEN state = 'creating' AND video_id IS NULL THEN 1 ELSE contested END"""

    async def claim(self, owner: str, count: int, seconds: float) -> list[Record]:
        """Claim up to ``count`` items that are due, those due for the longest time first."""
        # MATERIALIZED makes PostgreSQL evaluate the SELECT, with its LIMIT and row locks, exactly
        # once.
        statement = f"""WITH picked AS MATERIALIZED (SELECT number AS picked_number FROM {ITEMS}
                WHERE due <= {self._now} ORDER BY due, number LIMIT :count {self.database.dialect.skip_locked})
            UPDATE {ITEMS} SET {self._claiming} FROM picked WHERE number = picked_number RETURNING {COLUMNS}"""
        rows = await self.database.run(
            statement, {"owner": stored(owner), "count": count, "seconds": seconds}
        )
        # RETURNING has no defined order.
        return sorted((record_of(row) for row in rows), key=lambda record: record.number)

    async def claim_key(self, owner: str, key: str, seconds: float) -> Record | None:
        """Claim one item. Return None when it is finished, leased or not due."""
        statement = f"""UPDATE {ITEMS} SET {self._claiming} WHERE key = :key AND due <= {self._now}
            RETURNING {COLUMNS}"""
        rows = await self.database.run(
            statement, {"owner": stored(owner), "key": key, "seconds": seconds}
        )
        return record_of(rows[0]) if rows else None

    async def renew(self, owner: str, seconds: float, keys: Collection[str]) -> dict[str, int]:
        """Extend the leases that the owner names; return those that it still holds, with fences.

        Other leases of the owner are not extended. The owner may not know of a claim whose response
        was lost. Without a worker, that item must become due again.
        """
        statement = f"""UPDATE {ITEMS} SET due = {self._now} + :seconds WHERE owner = :owner AND due IS NOT NULL
            AND {self._among} RETURNING key, fence"""
        parameters = {"owner": stored(owner), "seconds": seconds, "items": _keys(keys)}
        return dict(await self.database.run(statement, parameters))

    async def expire(self, owner: str | None = None) -> int:
        """End the leases of ``owner``, or of all owners; return their number."""
        whose = "owner = :owner" if owner is not None else "owner IS NOT NULL"
        statement = f"""UPDATE {ITEMS} SET due = {self._now}, owner = NULL WHERE {whose} AND due IS NOT NULL
            RETURNING key"""
        return len(
            await self.database.run(statement, {} if owner is None else {"owner": stored(owner)})
        )

    # -- transitions

    async def _move(
        self, claim: Claim, change: str, before: Collection[State], also: str = "", **values: Any
    ) -> None:
        """Change an item if the claim is the latest one and the item is in a state of ``before``.

        ``change`` is the SET clause and ``also`` a further condition. Raises ``LeaseLostError``
        when another worker has claimed the item, and ``LedgerError`` when the state does not allow
        the step.
        """
        statement = f"""UPDATE {ITEMS} SET {change} WHERE key = :key AND fence = :fence
            AND state IN ({_listed(before)}) {also} RETURNING key"""
        parameters = {"key": claim.key, "fence": claim.fence}
        parameters |= {name: stored(value) for name, value in values.items()}
        if await self.database.run(statement, parameters):
            return
        # The statement changed no row. Read the item to find the reason.
        now = await self.record(claim.key)
        if now is not None and now.fence == claim.fence:
            raise LedgerError(
                f"{claim.item.shown}: a step that is not possible in the state {now.state!r}"
            )
        raise LeaseLostError(f"{claim.item.shown}: another worker has taken it over")

    async def creating(self, claim: Claim, size: int, version: str | None, way: Transfer) -> None:
        """Record the size, version and transfer, and that a container will be requested."""
        await self._move(
            claim,
            "state = 'creating', size = :size, version = COALESCE(:version, version), way = :way",
            ("new", "creating"),
            size=size,
            version=version,
            way=way,
        )

    async def created(self, claim: Claim, video_id: str) -> str:
        """Set the container's id unless one is set; return the id that is set."""
        # The id is set even if the fence is old: the container exists, and the current worker must
        # learn of it. Only the state depends on the fence.
        statement = f"""UPDATE {ITEMS} SET video_id = COALESCE(video_id, :video_id),
            created_at = CASE WHEN video_id IS NULL THEN {self._now} ELSE created_at END,
            state = CASE WHEN state = 'creating' AND fence = :fence THEN 'created' ELSE state END
            WHERE key = :key RETURNING video_id"""
        parameters = {"key": claim.key, "fence": claim.fence, "video_id": stored(video_id)}
        rows = await self.database.run(statement, parameters)
        if not rows:
            raise LedgerError(f"{claim.item.shown} is no longer in the ledger: was it made anew?")
        return decode(rows[0][0])

    async def uploading(self, claim: Claim) -> None:
        """Record that bytes will be sent, or that api.video is fetching them."""
        before: tuple[State, ...] = ("new", "creating", "created", "uploading", "verifying")
        await self._move(claim, "state = 'uploading'", before, "AND video_id IS NOT NULL")

    async def verifying(self, claim: Claim, sent: int = 0) -> None:
        """Record that the video is complete, and add to the bytes sent."""
        change = "state = 'verifying', sent = sent + :sent"
        await self._move(claim, change, ("uploading", "verifying"), sent=sent)

    async def done(self, claim: Claim) -> None:
        """Finish the item and remove the cause and message of earlier failures."""
        change = f"""state = 'done', due = NULL, owner = NULL, cause = NULL, message = NULL,
            finished_at = COALESCE(finished_at, {self._now})"""
        await self._move(claim, change, ("verifying", "done"))

    async def _stop(
        self, claim: Claim, state: State, cause: str, message: str, also: str = ""
    ) -> None:
        """Finish an item without success; ``also`` is added to the SET clause."""
        change = f"""state = '{state}', due = NULL, owner = NULL, cause = :cause, message = :message,
            attempts = attempts + 1, finished_at = {self._now} {also}"""
        before: tuple[State, ...] = ("new", "creating", "created", "uploading", "verifying", state)
        await self._move(
            claim, change, before, cause=cause[:LONGEST_CAUSE], message=message[:LONGEST_MESSAGE]
        )

    async def fail(
        self, claim: Claim, cause: str, message: str, *, forget_way: bool = False
    ) -> None:
        """Finish the item as failed. ``retry`` makes it due again."""
        await self._stop(claim, "failed", cause, message, ", way = NULL" if forget_way else "")

    async def quarantine(self, claim: Claim, message: str) -> None:
        """Finish the item as quarantined, with the cause ``duplicate``."""
        await self._stop(claim, "quarantined", "duplicate", message)

    async def later(
        self, claim: Claim, seconds: float, cause: str | None = None, message: str | None = None
    ) -> None:
        """Give the item back; it is due again in ``seconds``."""
        # An old fence changes nothing and is no error: the item has been given back already.
        statement = f"""UPDATE {ITEMS} SET due = {self._now} + :seconds, owner = NULL, attempts = attempts + :failed,
            cause = COALESCE(CAST(:cause AS TEXT), cause), message = COALESCE(CAST(:message AS TEXT), message)
            WHERE key = :key AND fence = :fence AND due IS NOT NULL"""
        given = {
            "seconds": seconds,
            "failed": int(cause is not None),
            "key": claim.key,
            "fence": claim.fence,
        }
        texts = {"cause": (cause, LONGEST_CAUSE), "message": (message, LONGEST_MESSAGE)}
        kept = {name: stored(text and text[:longest]) for name, (text, longest) in texts.items()}
        await self.database.run(statement + " RETURNING key", {**given, **kept})

    async def release(self, claim: Claim) -> None:
        """Give the item back. It is due at once."""
        await self.later(claim, 0.0)

    async def lost(self, claim: Claim) -> None:
        """Reset the item to ``new``, without a container, under the same lease."""
        change = "state = 'new', video_id = NULL, way = NULL, created_at = NULL"
        await self._move(claim, change, ("new", "creating", "created", "uploading", "verifying"))

    # -- the ledger as a whole

    async def note_usage(self, owner: str, usage: Sequence[Usage]) -> None:
        """Add to the number of requests per minute of this owner."""
        statement = f"""INSERT INTO {USAGE} AS had (owner, minute, limit_class, requests, refused, allowed)
            VALUES (:owner, :minute, :limit_class, :requests, :refused, :allowed)
            ON CONFLICT (minute, limit_class, owner) DO UPDATE SET requests = had.requests + excluded.requests,
            refused = had.refused + excluded.refused, allowed = COALESCE(excluded.allowed, had.allowed)"""
        for one in usage:
            # The limit comes from a server header and may exceed the range of the column.
            allowed = None if one.allowed is None else min(one.allowed, LARGEST)
            await self.database.run(
                statement, {**asdict(one), "owner": stored(owner), "allowed": allowed}
            )

    async def usage(self) -> list[Usage]:
        """Return the requests of all workers, by minute and class."""
        rows = await self.database.run(
            f"""SELECT minute, limit_class, CAST(SUM(requests) AS BIGINT), CAST(SUM(refused) AS BIGINT), MAX(allowed)
            FROM {USAGE} GROUP BY minute, limit_class ORDER BY minute, limit_class""",
            {},
        )
        return [
            Usage(
                minute=minute, limit_class=name, requests=requests, refused=refused, allowed=allowed
            )
            for minute, name, requests, refused, allowed in rows
        ]

    async def bind(self, server: str) -> None:
        """Bind the ledger to a server on the first call; later calls compare the server.

        Raises ``LedgerError`` if it is bound to another one.
        """
        # The update that changes nothing makes the statement return the stored value, also when
        # another worker inserts the row at the same time.
        statement = f"""INSERT INTO {META} AS had (name, value) VALUES ('server', :server)
            ON CONFLICT (name) DO UPDATE SET value = had.value RETURNING value"""
        [(known,)] = await self.database.run(statement, {"server": stored(server)})
        if decode(known) != server:
            raise LedgerError(
                f"the ledger belongs to {decode(known)}, not to {server}: choose another ledger"
            )

    async def mark(self) -> str:
        """Return the mark of this ledger. The first call creates it."""
        if self._mark is None:
            statement = f"""INSERT INTO {META} AS had (name, value) VALUES ('mark', :mark)
                ON CONFLICT (name) DO UPDATE SET value = had.value RETURNING value"""
            [(mark,)] = await self.database.run(statement, {"mark": secrets.token_hex(8)})
            self._mark = str(mark)
        return self._mark

    async def aclose(self) -> None:
        """Close the database."""
        await self.database.aclose()
