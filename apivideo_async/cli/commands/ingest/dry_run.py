"""``apivideo ingest --dry-run``: lists the items and their costs. No item is sent."""

import sqlite3
from contextlib import AsyncExitStack, closing

from ....config import UploadOptions
from ....ingest.items import Item
from ....ingest.ledger.ledger import Ledger
from ....ingest.ledger.sqlite import open_sqlite_ledger
from ....ingest.stores.stores import Stores
from ....iteration import iterate
from ....masking import shown
from ...console.formatting import bytes_text
from ...console.terminal import columns
from ...session import Session
from ..costs import Costs, documented_limits
from .request import IngestRequest, checked, listings, manifest_items

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
        self._new = 0
        self._known = 0

    async def run(self) -> int:
        """List the items, print the costs, and return the exit code."""
        async with AsyncExitStack() as stack:
            request = await stack.enter_async_context(checked(self._request, self._terminal))
            stores = await stack.enter_async_context(
                Stores(redirects=request.redirects, **self._session.settings.network_arguments())
            )
            ledger = None
            # A dry run does not create a ledger.
            if request.ledger.exists():
                ledger = await open_sqlite_ledger(request.ledger)
                stack.push_async_callback(ledger.aclose)
            # The empty name is a temporary database, on disk if it is large.
            seen = stack.enter_context(closing(sqlite3.connect("", isolation_level=None)))
            seen.execute("CREATE TABLE keys (key TEXT PRIMARY KEY) WITHOUT ROWID")
            found = listings(request, stores, self._terminal.note)
            if (described := manifest_items(request)) is not None:
                found.insert(0, described)
            for listing in found:
                async for item in iterate(listing):
                    # A manifest and a folder may name the same source.
                    added = seen.execute("INSERT OR IGNORE INTO keys VALUES (?)", [item.key])
                    if added.rowcount:
                        await self._add(item, ledger)
            limits = await self._limits(ledger)
        self._write_totals(limits)
        return 0

    async def _add(self, item: Item, ledger: Ledger | None) -> None:
        record = None if ledger is None else await ledger.record(item.key)
        if record is None:
            self._new += 1
        else:
            self._known += 1
        self._write(item, "new" if record is None else record.state)
        if record is None or record.state != "done":
            self._costs.add(item)

    def _write(self, item: Item, state: str) -> None:
        uri = shown(item.uri)
        if self._request.as_lines:
            document = {"key": item.key, "uri": uri, "bytes": item.size, "state": state}
            self._terminal.json(document, indent=None)
        elif not self._request.as_json:
            size = "?" if item.size is None else bytes_text(item.size)
            self._terminal.result(columns(state, size, uri))

    async def _limits(self, ledger: Ledger | None) -> dict[str, int]:
        limits = documented_limits(self._session)
        # An earlier run has stored the limits that the server reported.
        for usage in [] if ledger is None else await ledger.usage():
            if usage.allowed:
                limits[usage.limit_class] = usage.allowed
        share = 1 - self._request.reserve
        return {name: max(1, int(limit * share)) for name, limit in limits.items()}

    def _write_totals(self, limits: dict[str, int]) -> None:
        if self._request.as_json or self._request.as_lines:
            document = {"new": self._new, "known": self._known, **self._costs.document(limits)}
            indent = None if self._request.as_lines else 2
            self._terminal.json(document, indent)
        else:
            self._terminal.result(f"{self._new:,} new items, {self._known:,} in the ledger")
            self._costs.write(self._terminal, limits)
