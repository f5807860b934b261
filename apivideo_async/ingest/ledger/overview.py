"""What a ledger knows as a whole: numbers of items, requests, workers, and its server and mark."""

import secrets
from collections.abc import Collection, Sequence
from typing import Any

from attrs import asdict, frozen

from ...errors import LedgerError
from ..items import ALL_STATES, LARGEST_INTEGER, State, Totals
from ..stored_text import decode
from .database import Database
from .rows import stored

__all__ = ["Group", "LedgerOverview", "Usage", "literals"]

PRUNED = 5_000
"""Items deleted in one statement by ``prune``."""


@frozen
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


@frozen(kw_only=True)
class Group:
    """The items with the same state and cause."""

    state: State
    cause: str | None
    """The cause of the latest failure, also of items that are tried again."""
    items: int
    bytes: int
    """Sum of the known sizes."""
    sent: int
    """Bytes sent, including bytes sent more than once."""
    oldest_open: float | None
    """Seconds since the oldest open item was added; None if all are finished."""
    expired: int
    """Items whose worker fell silent: their lease has ended, and no worker has claimed them."""


def literals(states: Collection[State]) -> str:
    """Return states for ``IN (…)``: literals, so that the database can plan with frequencies."""
    return ", ".join(f"'{state}'" for state in ALL_STATES if state in states) or "NULL"


class LedgerOverview:
    """The methods of a ledger that are not about single items.

    Every method raises ``LedgerError`` when the database cannot be used, and may be repeated when
    its response was lost.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._queries = database.queries
        self._mark: str | None = None

    async def _rows(self, query: str, **parameters: Any) -> list[Any]:
        return await self.database.run(self._queries[query], parameters)

    async def totals(self) -> Totals:
        """Count the items and their bytes, by state."""
        counts = await self._rows("totals")
        return Totals(
            items={state: count for state, count, _, _ in counts},
            bytes={state: int(size) for state, _, size, _ in counts},
            sent=sum(int(sent) for _, _, _, sent in counts),
        )

    async def census(self) -> list[Group]:
        """Count the items by state and cause. Reads every row; do not call it often."""
        return [
            Group(
                state=state,
                cause=None if cause is None else decode(cause),
                items=count,
                bytes=int(size),
                sent=int(sent),
                oldest_open=None if oldest is None else max(0.0, oldest),
                expired=int(expired),
            )
            for state, cause, count, size, sent, oldest, expired in await self._rows("census")
        ]

    async def workers(self) -> dict[str, int]:
        """Return the workers that hold leases, and the number of their items."""
        return {decode(owner): count for owner, count in await self._rows("workers")}

    async def next_due(self) -> float | None:
        """Return the seconds (≥ 0) until the next open item is due; None when no item is open."""
        [(due,)] = await self._rows("next_due")
        return None if due is None else max(0.0, due)

    async def prune(self, states: Collection[State], seconds: float) -> int:
        """Delete items that were finished more than ``seconds`` ago; return their number.

        Deletes the counts of requests of that time, too.
        """
        statement = self._queries["prune"].format(states=literals(states), page=PRUNED)
        count = 0
        while deleted := len(await self.database.run(statement, {"seconds": seconds})):
            count += deleted
        await self._rows("prune_aliases")
        await self._rows("prune_usage", seconds=seconds)
        return count

    async def note_usage(self, owner: str, usage: Sequence[Usage]) -> None:
        """Add ``usage`` to the counts of this owner."""
        for one in usage:
            # The limit comes from a server header and may exceed the range of the column.
            allowed = None if one.allowed is None else min(one.allowed, LARGEST_INTEGER)
            values = {**asdict(one), "owner": stored(owner), "allowed": allowed}
            await self._rows("note_usage", **values)

    async def usage(self) -> list[Usage]:
        """Return the requests of all workers, by minute and class."""
        return [Usage(*row) for row in await self._rows("usage")]

    async def bind(self, server: str) -> None:
        """Bind the ledger to this server. Raises ``LedgerError`` if it is bound to another one."""
        [(value,)] = await self._rows("set_meta", name="server", value=stored(server))
        if decode(value) != server:
            raise LedgerError(
                f"the ledger belongs to {decode(value)}, not to {server}: choose another ledger"
            )

    async def mark(self) -> str:
        """Return the mark of this ledger, a random text in the metadata of its containers."""
        if self._mark is None:
            [(mark,)] = await self._rows("set_meta", name="mark", value=secrets.token_hex(8))
            self._mark = str(mark)
        return self._mark

    async def aclose(self) -> None:
        """Close the database."""
        await self.database.aclose()
