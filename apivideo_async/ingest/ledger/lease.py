"""Leases of one worker: renewed in the background, checked before every request and block.

Theory of operation. A lease lets one worker process an item for a limited time. A worker can be
stopped for longer: its machine is frozen, or the database is unreachable. Another worker then
claims the item, and the stopped worker must not continue when it resumes.

Three steps enforce this:

- :meth:`LeaseKeeper.run` renews all leases of the worker ``RENEWALS`` times per lease period.
- Every request for an item calls :meth:`LeaseKeeper.before_request` first. It compares the local
  deadline with the monotonic clock of this process. After the deadline it renews the lease in the
  ledger, and raises ``LeaseLostError`` if the ledger lists another holder.
- :class:`LeasedSource` repeats the check for each block of a chunk, because a worker may be frozen
  after the first check, or in the middle of a chunk.

The lease period starts locally before the ledger is asked, and ends ``MARGIN`` early. The local
deadline therefore passes before the ledger's, unless the rates of the two clocks differ by more
than ``MARGIN``.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from attrs import define, field

from ...errors import LeaseLostError, LedgerError, SourceError
from ...protocol.request import LimitClass, Request
from ...rate_limit.limiter import RequestBudget
from ...uploads.sources.types import Source, guarded_blocks
from ..items import Record
from .ledger import Ledger, Usage

__all__ = ["LeaseKeeper", "LeasedSource"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

MARGIN = 0.1
"""Share of the lease period by which the local deadline is earlier than the ledger's."""
SLOWEST = 16 * 1024
"""Bytes that a source must return in ``Timeouts.stall`` seconds."""
RENEWALS = 3
"""Renewals within one lease period."""


@define(eq=False)
class _Lease:
    fence: int
    deadline: float
    """The local deadline, in seconds of the monotonic clock."""


@define(eq=False)
class LeaseKeeper:
    """Claims items for one owner, renews their leases, and counts the requests for them.

    ``seconds`` is the lease period. ``budget`` returns the state of the request budget of a class,
    which is written to the ledger with the counts.
    """

    _ledger: Ledger
    owner: str
    _seconds: float
    _budget: Callable[[LimitClass], RequestBudget] | None = None
    _leases: dict[str, _Lease] = field(factory=dict, init=False)
    _renewing: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _requests: Counter[tuple[int, LimitClass]] = field(factory=Counter, init=False)
    """Requests since the last report, by minute since 1970 and class."""
    _reported_refused: Counter[str] = field(factory=Counter, init=False)
    """Requests answered with 429, by class, that have been reported already."""

    async def claim(self, count: int) -> list[Record]:
        """Claim up to ``count`` items that are due."""
        began = time.monotonic()
        records = await self._ledger.claim(self.owner, count, self._seconds)
        return [self._add(record, began) for record in records]

    async def claim_key(self, key: str) -> Record | None:
        """Claim one item. Return None when it is finished, leased or not due."""
        began = time.monotonic()
        record = await self._ledger.claim_key(self.owner, key, self._seconds)
        return None if record is None else self._add(record, began)

    def _add(self, record: Record, began: float) -> Record:
        self._leases[record.key] = _Lease(record.fence, self._deadline(began))
        return record

    def _deadline(self, began: float) -> float:
        return began + self._seconds * (1 - MARGIN)

    def forget(self, claim: Record) -> None:
        """Stop renewing the lease of an item that is finished or was given back."""
        lease = self._leases.get(claim.key)
        # This worker may have claimed the item again; the newer lease stays.
        if lease is not None and lease.fence == claim.fence:
            del self._leases[claim.key]

    async def before_request(self, claim: Record, request: Request) -> None:
        """Check the lease before a request for this item, and count the request."""
        await self.check(claim)
        if request.limit_class is not None:
            self._requests[int(time.time() // 60), request.limit_class] += 1

    async def check(self, claim: Record) -> None:
        """Raise ``LeaseLostError`` when another worker has, or may have, the item.

        An expired lease is renewed first, which may wait for the database and raise
        ``LedgerError``.
        """
        while (lease := self._leases.get(claim.key)) is not None and lease.fence == claim.fence:
            if time.monotonic() < lease.deadline:
                return
            async with self._renewing:
                # Requests of several items may wait for this lock. The first one renews all leases,
                # so the others find a new deadline or a lost lease and do not ask the ledger again.
                if self._leases.get(claim.key) is lease and time.monotonic() >= lease.deadline:
                    await self._renew()
        raise LeaseLostError(f"{claim.item.shown}: another worker has taken it over")

    async def _renew(self) -> None:
        began = time.monotonic()
        # Only leases that this process knows are renewed. A claim whose response was lost is not
        # among them: it must expire so that another worker can take the item.
        known = dict(self._leases)
        renewed = await self._ledger.renew(self.owner, self._seconds, known) if known else {}
        for key, lease in known.items():
            if self._leases.get(key) is not lease:
                # The item was finished or claimed again during the round trip.
                continue
            if renewed.get(key) == lease.fence:
                lease.deadline = self._deadline(began)
            else:
                # Requests and reads of this item fail at their next check.
                log.warning("the lease of %s was lost", key, extra={"event": "lease_lost"})
                del self._leases[key]

    async def run(self) -> None:
        """Renew leases and report requests, until cancelled. A ``LedgerError`` is only logged."""
        while True:
            # Several renewals per period, so that one failed renewal does not end a lease.
            await asyncio.sleep(self._seconds / RENEWALS)
            try:
                async with self._renewing:
                    await self._renew()
                await self.report_usage()
            except LedgerError as error:
                log.warning("leases could not be renewed: %s", error)

    async def report_usage(self) -> None:
        """Add the requests since the last call to the ledger. Raises ``LedgerError``."""
        counted, self._requests = self._requests, Counter()
        usage = [self._usage(minute, name, count) for (minute, name), count in counted.items()]
        try:
            await self._ledger.note_usage(self.owner, usage)
        except LedgerError:
            # Keep the counts for the next call.
            self._requests += counted
            raise

    def _usage(self, minute: int, name: LimitClass, requests: int) -> Usage:
        if self._budget is None:
            return Usage(minute, name, requests)
        budget = self._budget(name)
        # The limiter counts from its start, so report the difference to the last report.
        refused = budget.refused - self._reported_refused[name]
        self._reported_refused[name] = budget.refused
        return Usage(minute, name, requests, refused, allowed=budget.limit)

    async def release_all(self) -> None:
        """End all leases, so that other workers can claim the items. Raises ``LedgerError``."""
        self._leases.clear()
        try:
            await self.report_usage()
        finally:
            await self._ledger.expire(self.owner)


class LeasedSource(Source):
    """The source of an item, readable only while this worker holds the lease of the item.

    A source that returns fewer than ``SLOWEST`` bytes in ``stall`` seconds gives its place to other
    items.
    """

    def __init__(
        self, source: Source, lease_keeper: LeaseKeeper, claim: Record, stall: float
    ) -> None:
        self._stall = stall
        self._source = source
        self._lease_keeper = lease_keeper
        self._claim = claim
        self.name: str = source.name
        self.size: int = source.size

    async def read(self, start: int, size: int) -> AsyncIterator[bytes | bytearray | memoryview]:
        """Read a range; before each block, check the lease.

        Raises ``LeaseLostError``, and a ``SourceError`` that is retryable if the source is slow.
        """
        async with aclosing(guarded_blocks(self._source.read(start, size), self.name)) as blocks:
            received, waited = 0, 0.0
            while True:
                began = time.monotonic()
                block = await self._next(blocks, self._stall - waited)
                if block is None:
                    return
                # The time in which the block is sent does not count.
                received, waited = received + len(block), waited + time.monotonic() - began
                if received >= SLOWEST:
                    received, waited = 0, 0.0
                await self._lease_keeper.check(self._claim)
                yield block

    @property
    def stuck(self) -> bool:
        """True while reads of the source do not return."""
        return self._source.stuck

    async def _next(self, blocks: AsyncIterator[Any], seconds: float) -> Any:
        try:
            async with asyncio.timeout(seconds):
                return await anext(blocks, None)
        except TimeoutError as error:
            raise SourceError(
                f"{self.name}: the source returned fewer than {SLOWEST:,} bytes in "
                f"{self._stall:g} s",
                cause="unreachable",
                retryable=True,
            ) from error

    async def fingerprint(self) -> dict[str, Any] | None:
        """Return the fingerprint of the source."""
        return await self._source.fingerprint()
