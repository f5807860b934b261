"""``apivideo ingest --dry-run``: lists the items and their costs. No item is sent."""

import json
from contextlib import AsyncExitStack

from ....config import UploadOptions
from ....ingest.items import Item
from ....ingest.ledger.ledger import Ledger
from ....ingest.ledger.sqlite import open_sqlite_ledger
from ....ingest.stores.stores import Stores
from ....masking import shown
from ...console.formatting import bytes_text
from ...console.terminal import columns
from ...session import Session
from ..plan.costs import Costs, documented_limits
from .asked import IngestRequest
from .sources import check_sources, items_of, list_all

__all__ = ["DryRun"]


class DryRun:
    """Lists the sources, looks up every item in the ledger, and adds up the costs."""

    def __init__(self, session: Session, request: IngestRequest) -> None:
        self._session = session
        self._terminal = session.terminal
        self._request = request
        self._costs = Costs(
            request.options.upload or UploadOptions(), keep_key=request.options.keep_key
        )
        self._new = self._known = 0

    async def run(self) -> int:
        """Run the listing, print the costs, and return the exit code."""
        await check_sources(self._request, self._terminal)
        async with AsyncExitStack() as stack:
            stores = await stack.enter_async_context(Stores(redirects=self._request.redirects))
            ledger = None
            # A dry run does not create a ledger.
            if self._request.ledger.exists():
                ledger = await open_sqlite_ledger(self._request.ledger)
                stack.push_async_callback(ledger.aclose)
            async for item in list_all(items_of(self._request, stores, self._terminal.note)):
                await self._look(item, ledger)
            limits = await self._limits(ledger)
        self._tell(limits)
        return 0

    async def _look(self, item: Item, ledger: Ledger | None) -> None:
        record = None if ledger is None else await ledger.record(item.key)
        if record is None:
            self._new += 1
        else:
            self._known += 1
        self._show(item, "new" if record is None else record.state)
        if record is None or record.state != "done":
            self._costs.add(item)

    def _show(self, item: Item, state: str) -> None:
        if self._request.as_lines:
            shown_item = {
                "key": item.key,
                "uri": shown(item.uri),
                "bytes": item.size,
                "state": state,
            }
            self._terminal.result(json.dumps(shown_item, ensure_ascii=False))
        elif not self._request.as_json:
            size = "?" if item.size is None else bytes_text(item.size)
            self._terminal.result(columns(state, size, shown(item.uri)))

    async def _limits(self, ledger: Ledger | None) -> dict[str, int]:
        """Return the requests per minute by class that this ingestion may use.

        The limits are those that the server reported in an earlier run (stored in the ledger), or
        the documented ones. ``--reserve`` is subtracted.
        """
        limits = documented_limits(self._session)
        for usage in [] if ledger is None else await ledger.usage():
            if usage.allowed:
                limits[usage.limit_class] = usage.allowed
        return {
            name: max(1, int(limit * (1 - self._request.reserve))) for name, limit in limits.items()
        }

    def _tell(self, limits: dict[str, int]) -> None:
        if self._request.as_json or self._request.as_lines:
            document = {"new": self._new, "known": self._known, **self._costs.document(limits)}
            self._terminal.result(
                json.dumps(document, indent=None if self._request.as_lines else 2)
            )
            return
        self._terminal.result(f"{self._new:,} new, {self._known:,} known to the ledger")
        self._costs.tell(self._terminal, limits)
