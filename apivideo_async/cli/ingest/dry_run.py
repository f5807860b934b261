"""``apivideo ingest --dry-run``: what would be ingested, and what each strategy would take. Nothing is sent."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from attrs import define, field

from ...config import UploadOptions, resolve_config
from ...errors import SourceError
from ...ingest.items import Item
from ...ingest.ledger import Ledger
from ...ingest.sources.addresses import locate, shown
from ...ingest.sources.stores import Stores
from ...ingest.sqlite import open_sqlite_ledger
from ...uploads.plan import make_plan
from ..amounts import bytes_text, time_text
from ..plan import earliest_end
from ..session import Session
from .asked import IngestRequest
from .sources import check_sources, items_of, list_all

__all__ = ["DryRun"]

USUAL = {
    "production": {"uploads": 100, "writes": 200, "reads": 500},
    "sandbox": {"uploads": 40, "writes": 40, "reads": 100},
}
"""Requests a minute that api.video documents (CONTRACT §4); accounts may have other limits."""


@define
class _Cost:
    """What a strategy takes."""

    requests: dict[str, int] = field(factory=lambda: {"uploads": 0, "writes": 0, "reads": 0})
    bytes: int = 0
    """Through this machine."""

    def add(self, *, uploads: int, writes: int, reads: int, size: int = 0) -> None:
        for name, count in (("uploads", uploads), ("writes", writes), ("reads", reads)):
            self.requests[name] += count
        self.bytes += size


class DryRun:
    """Lists, looks every item up in the ledger, and adds up."""

    def __init__(self, session: Session, request: IngestRequest) -> None:
        self._session = session
        self._terminal = session.terminal
        self._request = request
        self._upload = request.options.upload or UploadOptions()
        self._stream, self._pull = _Cost(), _Cost()
        self._new = self._known = self._unknown_sizes = self._local = 0

    async def run(self) -> int:
        """Do it; returns the exit code."""
        await check_sources(self._request, self._terminal)
        async with AsyncExitStack() as stack:
            stores = await stack.enter_async_context(Stores())
            ledger = None
            if self._request.ledger.exists():
                ledger = await open_sqlite_ledger(self._request.ledger)
                stack.push_async_callback(ledger.aclose)
            async for item in self._items(stores):
                await self._look(item, ledger)
            limits = await self._limits(ledger)
        self._tell(limits)
        return 0

    def _items(self, stores: Stores) -> AsyncIterator[Item]:
        def note(text: str) -> None:
            self._terminal.say(f"note: {text}", style="yellow")

        return list_all(items_of(self._request, stores, note))

    async def _look(self, item: Item, ledger: Ledger | None) -> None:
        record = None if ledger is None else await ledger.record(item.key)
        if record is None:
            self._new += 1
        else:
            self._known += 1
        self._show(item, "new" if record is None else record.state)
        if record is None or record.state != "done":
            self._count(item)

    def _show(self, item: Item, state: str) -> None:
        if self._request.as_lines:
            shown_item = {"key": item.key, "uri": shown(item.uri), "bytes": item.size, "state": state}
            self._terminal.result(json.dumps(shown_item, ensure_ascii=False))
        elif not self._request.as_json:
            size = "?" if item.size is None else bytes_text(item.size)
            self._terminal.result(f"{state}\t{size}\t{shown(item.uri)}")

    def _count(self, item: Item) -> None:
        chunks = self._chunks(item)
        dropping = 0 if self._request.options.keep_key else 1
        self._stream.add(uploads=chunks, writes=1 + dropping, reads=1 + (chunks > 1), size=item.size or 0)
        scheme = locate(item.uri).scheme
        self._local += scheme == "file"
        self._pull.add(uploads=0, writes=1 + dropping, reads=2)

    def _chunks(self, item: Item) -> int:
        """Upload requests; one for a size that only the store knows."""
        if item.size is None:
            self._unknown_sizes += 1
            return 1
        try:
            return make_plan(item.size, self._upload).parts
        except SourceError:
            return 0  # Empty or too large: it will fail before anything is sent.

    async def _limits(self, ledger: Ledger | None) -> dict[str, int]:
        """What the server told an earlier run, or else what is documented; less the reserve."""
        settings = self._session.settings
        sandbox = "sandbox" in resolve_config(environment=settings.environment, base_url=settings.base_url).base_url
        limits = dict(USUAL["sandbox" if sandbox else "production"])
        for usage in [] if ledger is None else await ledger.usage():
            if usage.allowed:
                limits[usage.limit_class] = usage.allowed
        return {name: max(1, int(limit * (1 - self._request.reserve))) for name, limit in limits.items()}

    def _tell(self, limits: dict[str, int]) -> None:
        document = {
            "new": self._new,
            "known": self._known,
            "limits": limits,
            "stream": _document(self._stream, limits),
            "pull": None if self._local else _document(self._pull, limits),
        }
        if self._request.as_json or self._request.as_lines:
            indent = None if self._request.as_lines else 2
            self._terminal.result(json.dumps(document, indent=indent))
            return
        self._terminal.result(f"{self._new:,} new, {self._known:,} known to the ledger")
        self._terminal.result(_sentence("stream", self._stream, limits))
        if self._local:
            self._terminal.result(f"pull: not possible for {self._local:,} files of this machine")
        else:
            self._terminal.result(_sentence("pull", self._pull, limits))
        if self._unknown_sizes:
            self._terminal.say(f"note: {self._unknown_sizes:,} sizes are not known yet and count as one request each")


def _document(cost: _Cost, limits: dict[str, int]) -> dict[str, Any]:
    seconds, bound = earliest_end(cost.requests, limits)
    return {**cost.requests, "bytes": cost.bytes, "earliestSeconds": seconds, "bound": bound}


def _sentence(name: str, cost: _Cost, limits: dict[str, int]) -> str:
    seconds, bound = earliest_end(cost.requests, limits)
    requests = ", ".join(f"{count:,} {kind} ({limits[kind]:,} a minute)" for kind, count in cost.requests.items())
    why = f", bounded by {bound}" if bound else ""
    return f"{name}: {requests}; {bytes_text(cost.bytes)} through this machine; not before {time_text(seconds)}{why}"
