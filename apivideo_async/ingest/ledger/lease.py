"""The leases of one worker: kept alive in the background, checked before every request.

A worker that was stopped for longer than its leases last (a frozen machine, a lost database) must not go on with
what another has taken over meanwhile. So every request of an item first asks :meth:`Keeper.check`: while the lease is
known to last, by this process's own clock, that costs nothing; otherwise the ledger is asked, and who lost the lease
stops there. :class:`HeldSource` asks once more with each block of a chunk: a worker may be frozen between a check and
the sending, and in the middle of a chunk.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from ...errors import LeaseLostError, LedgerError
from ...http.pipeline import BeforeRequest
from ...protocol.request import LimitClass, Request
from ...rate_limit.limiter import RequestBudget
from ...uploads.sources.opening import Source, flow
from ..items import Claim, Record
from .protocol import Ledger, Usage

__all__ = ["HeldSource", "Keeper"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

MARGIN = 0.1
"""Share of a lease that is taken for lost early."""
RENEWALS = 3
"""Renewals within one lease."""


class Keeper:
    """Claims for one owner, and keeps what it claimed."""

    def __init__(
        self, ledger: Ledger, owner: str, seconds: float, budget: Callable[[LimitClass], RequestBudget] | None = None
    ) -> None:
        """``budget`` tells what is to be written down beside the counts of requests."""
        self._ledger = ledger
        self._seconds = seconds
        self._until: dict[str, float] = {}
        self._fences: dict[str, int] = {}
        self._renewing = asyncio.Lock()
        self._requests: Counter[tuple[int, LimitClass]] = Counter()
        self._budget = budget
        self._refused: Counter[str] = Counter()
        self.owner = owner

    async def claim(self, count: int) -> list[Claim]:
        """Take up to ``count`` items that are due."""
        began = time.monotonic()
        return [self._hold(record, began) for record in await self._ledger.claim(self.owner, count, self._seconds)]

    async def claim_key(self, key: str) -> Claim | None:
        """Take one item, or None when it cannot be had now."""
        began = time.monotonic()
        record = await self._ledger.claim_key(self.owner, key, self._seconds)
        return None if record is None else self._hold(record, began)

    def _hold(self, record: Record, began: float) -> Claim:
        self._until[record.item.key] = began + self._seconds * (1 - MARGIN)
        self._fences[record.item.key] = record.fence
        return Claim(record=record)

    def forget(self, claim: Claim) -> None:
        """Stop caring for an item that is finished or given back."""
        if self._fences.get(claim.key) == claim.fence:
            del self._until[claim.key], self._fences[claim.key]

    def guard(self, claim: Claim) -> BeforeRequest:
        """Give what is to be asked before each request for this item."""

        async def ask(request: Request) -> None:
            await self.check(claim)
            if request.limit_class is not None:
                self._requests[int(time.time() // 60), request.limit_class] += 1

        return ask

    async def check(self, claim: Claim) -> None:
        """Raise ``LeaseLostError`` when another worker has, or may have, the item."""
        while self._fences.get(claim.key) == claim.fence:
            if time.monotonic() < self._until[claim.key]:
                return
            async with self._renewing:
                # Of many requests that wait, the first has asked for all of them.
                if self._fences.get(claim.key) == claim.fence and time.monotonic() >= self._until[claim.key]:
                    await self._renew()
        raise LeaseLostError(f"{claim.item.shown}: another worker has taken it over")

    async def _renew(self) -> None:
        began = time.monotonic()
        known = dict(self._fences)
        held = await self._ledger.renew(self.owner, self._seconds, known) if known else {}
        for key, fence in known.items():
            if self._fences.get(key) != fence:
                continue  # Finished or claimed anew meanwhile.
            if held.get(key) == fence:
                self._until[key] = began + self._seconds * (1 - MARGIN)
            else:
                log.warning("the lease of %s was lost", key)
                del self._until[key], self._fences[key]

    async def run(self) -> None:
        """Renew until cancelled. While the ledger cannot be reached, requests wait in :meth:`check`."""
        while True:
            await asyncio.sleep(self._seconds / RENEWALS)
            try:
                async with self._renewing:
                    await self._renew()
                await self.tell_usage()
            except LedgerError as error:
                log.warning("leases could not be renewed: %s", error)

    async def tell_usage(self) -> None:
        """Write down how many requests were sent."""
        counted, self._requests = self._requests, Counter()
        usage = [self._usage(minute, name, count) for (minute, name), count in counted.items()]
        try:
            await self._ledger.note_usage(self.owner, usage)
        except LedgerError:
            self._requests += counted
            raise

    def _usage(self, minute: int, name: LimitClass, requests: int) -> Usage:
        if self._budget is None:
            return Usage(minute=minute, limit_class=name, requests=requests)
        budget = self._budget(name)
        refused, self._refused[name] = budget.refused - self._refused[name], budget.refused
        return Usage(minute=minute, limit_class=name, requests=requests, refused=refused, allowed=budget.limit)

    async def let_go(self) -> None:
        """Give everything back: others may have it at once."""
        self._until.clear()
        self._fences.clear()
        try:
            await self.tell_usage()
        finally:
            await self._ledger.expire(self.owner)


class HeldSource(Source):
    """The bytes of an item, for as long as its lease lasts."""

    def __init__(self, source: Source, keeper: Keeper, claim: Claim) -> None:
        self._source = source
        self._keeper = keeper
        self._claim = claim
        self.name: str = source.name
        self.size: int = source.size

    async def read(self, start: int, size: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Read a range; raises ``LeaseLostError`` instead of another block when another worker has the item."""
        async with aclosing(flow(self._source.read(start, size))) as blocks:
            async for block in blocks:
                await self._keeper.check(self._claim)
                yield block

    async def fingerprint(self) -> dict[str, Any] | None:
        """That of the source."""
        return await self._source.fingerprint()
