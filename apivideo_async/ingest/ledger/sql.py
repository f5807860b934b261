"""The ledger in SQL: the same statements for SQLite and PostgreSQL.

One column says when an item may be claimed: ``due`` is now for a new item, the end of the lease for one that is worked
on, the end of the wait for one that failed, and NULL for one that is finished. Each change is one statement, so it
happens whole or not at all, and each compares ``fence``, so it happens only for the worker that claimed last.
"""

import json
import logging
import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final, Protocol

from attrs import asdict, frozen

from ...errors import LeaseLostError, LedgerError, SourceError
from ..batching import Refused, enter_storable
from ..items import FAILED, LARGEST, Claim, Item, Record, State, Totals, Way
from ..stored_text import decode
from .protocol import Usage
from .rows import COLUMNS, ITEM_COLUMNS, record_of, row_of, stored

__all__ = ["BUDGET", "ITEMS", "META", "SCHEMA_VERSION", "Database", "Dialect", "SqlLedger", "schema"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

SCHEMA_VERSION: Final = 1
ITEMS: Final = "apivideo_ingest_items"
USAGE: Final = "apivideo_ingest_usage"
BUDGET: Final = "apivideo_ingest_budget"
META: Final = "apivideo_ingest_meta"
PAGE = 500
"""Records read at once."""
LONGEST_CAUSE, LONGEST_MESSAGE = 200, 4_000
"""Characters that are kept of a failure: both may come from a server."""


@frozen(kw_only=True)
class Dialect:
    """Where the two databases differ."""

    now: str
    """Seconds since 1970, by the database's clock."""
    serial: str
    """The type of a number that grows with each row."""
    skip_locked: str
    """What lets concurrent claims pass each other."""
    elements: str
    """The elements of the JSON array ``:items``, each named ``value``."""
    member: str
    """A member of such an element, as text; ``{}`` is its name."""


class Database(Protocol):
    """Runs statements whose parameters are written ``:name``."""

    @property
    def dialect(self) -> Dialect:
        """How it speaks."""
        ...

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run one statement in a transaction of its own; its rows.

        Raises ``LedgerError`` when the database cannot be used, and ``SourceError`` when it refuses a value.
        """
        ...

    async def aclose(self) -> None:
        """Give back what it holds."""
        ...


def schema(dialect: Dialect) -> list[str]:
    """Give the statements that make the tables."""
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
    """A ``Ledger`` in a database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._now = database.dialect.now
        self._mark: str | None = None

    # -- items

    async def add(self, items: Sequence[Item], refused: Refused | None = None) -> set[str]:
        """Enter items, however many; one that cannot be stored is handed to ``refused``, or logged."""
        return await enter_storable(items, self.add_all, refused or _log_refused)

    async def add_all(self, items: Sequence[Item]) -> set[str]:
        """Enter items in one statement. Raises ``SourceError``, and enters none, when one cannot be stored."""
        dialect = self.database.dialect
        rows = [row_of(item) for item in items]
        members = [dialect.member.format(name) for name in ITEM_COLUMNS]
        members[2] = f"CAST({members[2]} AS BIGINT)"
        statement = f"""INSERT INTO {ITEMS} ({", ".join(ITEM_COLUMNS)}, state, due, added_at)
            SELECT {", ".join(members)}, 'new', {self._now}, {self._now} FROM {dialect.elements} WHERE true
            ON CONFLICT (key) DO NOTHING RETURNING key"""
        return {key for (key,) in await self.database.run(statement, {"items": json.dumps(rows)})}

    async def record(self, key: str) -> Record | None:
        """Show an item."""
        rows = await self.database.run(f"SELECT {COLUMNS} FROM {ITEMS} WHERE key = :key", {"key": key})
        return record_of(rows[0]) if rows else None

    async def records(self, states: Collection[State] = ()) -> AsyncIterator[Record]:
        """Go through the items, a page at a time."""
        among = f"AND state IN ({_listed(states)})" if states else ""
        statement = f"SELECT {COLUMNS} FROM {ITEMS} WHERE number > :after {among} ORDER BY number LIMIT {PAGE}"
        after = 0
        while rows := await self.database.run(statement, {"after": after}):
            for row in rows:
                record = record_of(row)
                after = record.number
                yield record

    async def totals(self) -> Totals:
        """Count everything."""
        counts = await self.database.run(
            # As floats: servers may announce sizes whose sum no integer column holds. Exact below 8 PiB.
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
        """Look at the index."""
        statement = f"SELECT MIN(due) - {self._now} FROM {ITEMS} WHERE due IS NOT NULL"
        [(due,)] = await self.database.run(statement, {})
        return None if due is None else max(0.0, due)

    async def retry(self, states: Collection[State] = FAILED, keys: Collection[str] = ()) -> list[str]:
        """Make finished items due again."""
        chosen = f"AND {self._among}" if keys else ""
        statement = f"""UPDATE {ITEMS} SET state = CASE WHEN video_id IS NULL THEN 'new' ELSE 'created' END,
            due = {self._now}, owner = NULL, attempts = 0, cause = NULL, message = NULL, finished_at = NULL
            WHERE state IN ({_listed(states)}) {chosen} RETURNING key"""
        return [key for (key,) in await self.database.run(statement, {"items": _keys(keys)} if keys else {})]

    @property
    def _among(self) -> str:
        dialect = self.database.dialect
        return f"key IN (SELECT {dialect.member.format('key')} FROM {dialect.elements})"

    # -- leases

    @property
    def _claiming(self) -> str:
        return f"""owner = :owner, fence = fence + 1, due = {self._now} + :seconds,
            started_at = COALESCE(started_at, {self._now}),
            contested = CASE WHEN state = 'creating' AND video_id IS NULL THEN 1 ELSE contested END"""

    async def claim(self, owner: str, count: int, seconds: float) -> list[Record]:
        """Take what is due, the oldest first."""
        statement = f"""WITH picked AS MATERIALIZED (SELECT number AS picked_number FROM {ITEMS}
                WHERE due <= {self._now} ORDER BY due, number LIMIT :count {self.database.dialect.skip_locked})
            UPDATE {ITEMS} SET {self._claiming} FROM picked WHERE number = picked_number RETURNING {COLUMNS}"""
        rows = await self.database.run(statement, {"owner": stored(owner), "count": count, "seconds": seconds})
        return sorted((record_of(row) for row in rows), key=lambda record: record.number)

    async def claim_key(self, owner: str, key: str, seconds: float) -> Record | None:
        """Take one item."""
        statement = f"""UPDATE {ITEMS} SET {self._claiming} WHERE key = :key AND due <= {self._now}
            RETURNING {COLUMNS}"""
        rows = await self.database.run(statement, {"owner": stored(owner), "key": key, "seconds": seconds})
        return record_of(rows[0]) if rows else None

    async def renew(self, owner: str, seconds: float, keys: Collection[str]) -> dict[str, int]:
        """Prolong leases: those that the owner names, for it may not know of one whose answer was lost."""
        statement = f"""UPDATE {ITEMS} SET due = {self._now} + :seconds WHERE owner = :owner AND due IS NOT NULL
            AND {self._among} RETURNING key, fence"""
        parameters = {"owner": stored(owner), "seconds": seconds, "items": _keys(keys)}
        return dict(await self.database.run(statement, parameters))

    async def expire(self, owner: str | None = None) -> int:
        """End leases."""
        whose = "owner = :owner" if owner is not None else "owner IS NOT NULL"
        statement = f"""UPDATE {ITEMS} SET due = {self._now}, owner = NULL WHERE {whose} AND due IS NOT NULL
            RETURNING key"""
        return len(await self.database.run(statement, {} if owner is None else {"owner": stored(owner)}))

    # -- transitions

    async def _move(self, claim: Claim, change: str, before: Collection[State], also: str = "", **values: Any) -> None:
        statement = f"""UPDATE {ITEMS} SET {change} WHERE key = :key AND fence = :fence
            AND state IN ({_listed(before)}) {also} RETURNING key"""
        parameters = {"key": claim.key, "fence": claim.fence}
        parameters |= {name: stored(value) for name, value in values.items()}
        if await self.database.run(statement, parameters):
            return
        now = await self.record(claim.key)
        if now is not None and now.fence == claim.fence:
            raise LedgerError(f"{claim.item.shown}: a step that is not possible in the state {now.state!r}")
        raise LeaseLostError(f"{claim.item.shown}: another worker has taken it over")

    async def creating(self, claim: Claim, size: int, version: str | None, way: Way) -> None:
        """Note what was found, and that a container will be asked for."""
        await self._move(
            claim,
            "state = 'creating', size = :size, version = COALESCE(:version, version), way = :way",
            ("new", "creating"),
            size=size,
            version=version,
            way=way,
        )

    async def created(self, claim: Claim, video_id: str) -> str:
        """Set the id; the first one stays."""
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
        """Bytes follow."""
        before: tuple[State, ...] = ("new", "creating", "created", "uploading", "verifying")
        await self._move(claim, "state = 'uploading'", before, "AND video_id IS NOT NULL")

    async def verifying(self, claim: Claim, sent: int = 0) -> None:
        """Everything was sent."""
        change = "state = 'verifying', sent = sent + :sent"
        await self._move(claim, change, ("uploading", "verifying"), sent=sent)

    async def done(self, claim: Claim) -> None:
        """Finish."""
        change = f"""state = 'done', due = NULL, owner = NULL, cause = NULL, message = NULL,
            finished_at = COALESCE(finished_at, {self._now})"""
        await self._move(claim, change, ("verifying", "done"))

    async def _stop(self, claim: Claim, state: State, cause: str, message: str, also: str = "") -> None:
        change = f"""state = '{state}', due = NULL, owner = NULL, cause = :cause, message = :message,
            attempts = attempts + 1, finished_at = {self._now} {also}"""
        before: tuple[State, ...] = ("new", "creating", "created", "uploading", "verifying", state)
        await self._move(claim, change, before, cause=cause[:LONGEST_CAUSE], message=message[:LONGEST_MESSAGE])

    async def fail(self, claim: Claim, cause: str, message: str, *, forget_way: bool = False) -> None:
        """Give up."""
        await self._stop(claim, "failed", cause, message, ", way = NULL" if forget_way else "")

    async def quarantine(self, claim: Claim, message: str) -> None:
        """Leave it to a person."""
        await self._stop(claim, "quarantined", "duplicate", message)

    async def later(self, claim: Claim, seconds: float, cause: str | None = None, message: str | None = None) -> None:
        """Give it back for later."""
        statement = f"""UPDATE {ITEMS} SET due = {self._now} + :seconds, owner = NULL, attempts = attempts + :failed,
            cause = COALESCE(CAST(:cause AS TEXT), cause), message = COALESCE(CAST(:message AS TEXT), message)
            WHERE key = :key AND fence = :fence AND due IS NOT NULL"""
        given = {"seconds": seconds, "failed": int(cause is not None), "key": claim.key, "fence": claim.fence}
        texts = {"cause": (cause, LONGEST_CAUSE), "message": (message, LONGEST_MESSAGE)}
        kept = {name: stored(text and text[:longest]) for name, (text, longest) in texts.items()}
        await self.database.run(statement + " RETURNING key", {**given, **kept})

    async def release(self, claim: Claim) -> None:
        """Give it back."""
        await self.later(claim, 0.0)

    async def lost(self, claim: Claim) -> None:
        """Begin anew."""
        change = "state = 'new', video_id = NULL, way = NULL, created_at = NULL"
        await self._move(claim, change, ("new", "creating", "created", "uploading", "verifying"))

    # -- the whole

    async def note_usage(self, owner: str, usage: Sequence[Usage]) -> None:
        """Add up."""
        statement = f"""INSERT INTO {USAGE} AS had (owner, minute, limit_class, requests, refused, allowed)
            VALUES (:owner, :minute, :limit_class, :requests, :refused, :allowed)
            ON CONFLICT (minute, limit_class, owner) DO UPDATE SET requests = had.requests + excluded.requests,
            refused = had.refused + excluded.refused, allowed = COALESCE(excluded.allowed, had.allowed)"""
        for one in usage:
            # A header of the server says how many requests it allows, and may say anything.
            allowed = None if one.allowed is None else min(one.allowed, LARGEST)
            await self.database.run(statement, {**asdict(one), "owner": stored(owner), "allowed": allowed})

    async def usage(self) -> list[Usage]:
        """Sum over the workers."""
        rows = await self.database.run(
            f"""SELECT minute, limit_class, CAST(SUM(requests) AS BIGINT), CAST(SUM(refused) AS BIGINT), MAX(allowed)
            FROM {USAGE} GROUP BY minute, limit_class ORDER BY minute, limit_class""",
            {},
        )
        return [
            Usage(minute=minute, limit_class=name, requests=requests, refused=refused, allowed=allowed)
            for minute, name, requests, refused, allowed in rows
        ]

    async def bind(self, server: str) -> None:
        """Compare the server with the one that it began with."""
        statement = f"""INSERT INTO {META} AS had (name, value) VALUES ('server', :server)
            ON CONFLICT (name) DO UPDATE SET value = had.value RETURNING value"""
        [(known,)] = await self.database.run(statement, {"server": stored(server)})
        if decode(known) != server:
            raise LedgerError(f"the ledger belongs to {decode(known)}, not to {server}: choose another ledger")

    async def mark(self) -> str:
        """Read the mark, or make it on the first call."""
        if self._mark is None:
            statement = f"""INSERT INTO {META} AS had (name, value) VALUES ('mark', :mark)
                ON CONFLICT (name) DO UPDATE SET value = had.value RETURNING value"""
            [(mark,)] = await self.database.run(statement, {"mark": secrets.token_hex(8)})
            self._mark = str(mark)
        return self._mark

    async def aclose(self) -> None:
        """Close the database."""
        await self.database.aclose()
