"""``Ingest``: lists sources and ingests many items at once, in one process.

``distributed`` does the same on many machines.
"""

import asyncio
import hashlib
import logging
import os
import secrets
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

from attrs import define, evolve, field

from ..client import ApiVideoClient
from ..config import ClientConfig
from ..errors import ConfigurationError, SourceError
from ..iteration import ResultStream
from ..private_files import state_file
from ..tasks import wait_event
from .batching import Items, insert_all
from .corrections import Corrections
from .item_run import IngestContext, IngestResult, OnItemProgress, ingest_one
from .items import Item, Record, Totals
from .ledger.ledger import Ledger
from .ledger.sqlite import SqliteDatabase
from .options import IngestOptions
from .stores.stores import Stores

__all__ = ["Activity", "Ingest", "Items", "default_ledger", "owner_name"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

IDLE = 1.0
"""Seconds until the ledger is asked again when no item was due."""


def default_ledger(config: ClientConfig) -> Path:
    """Return the path of the ledger for this server and API key, in the user's state folder.

    Raises ``ConfigurationError`` if no such folder is writable.
    """
    account = hashlib.sha256(f"{config.base_url} {config.api_key}".encode()).hexdigest()[:12]
    path = state_file("ingest", f"{account}.db")
    if path is None:
        raise ConfigurationError(
            "no folder for the ledger can be written to: set XDG_STATE_HOME, or name a file for "
            "the ledger (--ledger)",
            option="ledger",
        )
    return path


def owner_name() -> str:
    """Return a name for this process in the ledger, unique across machines."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@define
class Activity:
    """What an ingestion is doing at the moment."""

    listing: bool = False
    """True while sources may still bring items."""
    added: int = 0
    """Items that were new to the ledger."""
    added_bytes: int = 0
    """Sum of their known sizes."""
    known: int = 0
    """Items that were in the ledger already."""
    differing: int = 0
    """Known items that have a video and are described differently now."""
    updated: int = 0
    """Those of them whose video was changed (``IngestOptions.update``)."""
    refused: int = 0
    """Items that the ledger cannot store, or whose video cannot be changed. Each one is a result
    with the outcome ``failed``."""
    working: int = 0


class Ingest:
    """Uploads any number of sources, each exactly once, and continues interrupted uploads.

    ::

        async with Stores() as stores, Ingest(client, "videos.db", stores=stores) as ingest:
            async for result in ingest.run(list_sources("/mnt/videos", stores=stores)):
                print(result.item.uri, result.outcome, result.video_id)

    - ``ledger``: the path of an SQLite ledger, a ``Ledger``, or None for the default file of this
      server and key. A file is created if it does not exist, and one process at a time can use it.
      A ``Ledger`` is not closed.
    - ``options``: see ``IngestOptions``.
    - ``stores`` opens the items. ``on_progress`` is called with an item and its progress.

    Entering the context raises ``LedgerError`` if the ledger cannot be used, and
    ``ConfigurationError`` if ``ledger`` is None and no state folder is writable.
    """

    def __init__(
        self,
        client: ApiVideoClient,
        ledger: Ledger | Path | str | None = None,
        *,
        options: IngestOptions | None = None,
        stores: Stores | None = None,
        on_progress: OnItemProgress | None = None,
    ) -> None:
        self._client = client
        self._ledger_argument = ledger
        self._options = options or IngestOptions()
        self._stores = stores or Stores()
        self._on_progress = on_progress
        self._resources = AsyncExitStack()
        """Closes the ledger and the stores, if this object opened them."""
        if stores is None:
            self._resources.push_async_callback(self._stores.aclose)
        self._file: SqliteDatabase | None = None
        """The ledger file, if this object opened it."""
        self._wakeup = asyncio.Event()
        """Set when items were added or one has finished."""
        self._run: _Run | None = None
        self.activity: Activity = Activity()

    async def __aenter__(self) -> Self:
        ledger = self._ledger_argument
        if ledger is None:
            ledger = await asyncio.to_thread(default_ledger, self._client.config)
        if isinstance(ledger, str | Path):
            self._file = SqliteDatabase(Path(ledger))
            await self._file.open()
            self._resources.push_async_callback(self._file.aclose)
            ledger = Ledger(self._file)
        self.ledger: Ledger = ledger
        try:
            await self.ledger.bind(self._client.config.base_url)
        except BaseException:
            await self._resources.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        async with self._resources:
            if self._run is not None:
                await self._run.stop()

    async def add(self, items: Items) -> int:
        """Insert items into the ledger in batches; return how many were new."""
        return await insert_all(items, self._insert)

    async def _insert(self, items: list[Item]) -> int:
        refused: list[IngestResult] = []

        def refuse(item: Item, error: SourceError) -> None:
            log.warning("%s is left out: %s", item.shown, error)
            refused.append(IngestResult(item=item, outcome="failed", error=error))

        # The strategy of the options applies to all items of this ingestion.
        given = [evolve(item, strategy=self._options.strategy) for item in items]
        new = await self.ledger.add(await self.ledger.prepare(given), refuse)
        activity = self.activity
        activity.added += len(new)
        activity.added_bytes += sum(item.size or 0 for item in items if item.key in new)
        activity.known += len(items) - len(new) - len(refused)
        refused += await self._correct(given)
        activity.refused += len(refused)
        if self._run is not None:
            await self._run.add_results(refused)
        if new:
            self._wakeup.set()
        return len(new)

    async def _correct(self, items: Sequence[Item]) -> list[IngestResult]:
        """Count or apply other descriptions of known items; return the failures."""
        corrections = Corrections(self._client, self.ledger, self._options.keep_key)
        found = await corrections.find(items)
        self.activity.differing += len(found)
        if not self._options.update:
            return []
        failed = await corrections.apply(found)
        self.activity.updated += len(found) - len(failed)
        return [IngestResult(item=item, outcome="failed", error=error) for item, error in failed]

    def drain(self, seconds: float = 60.0) -> bool:
        """Claim no more items and end all listings; ``run`` ends when the items are finished.

        Items that are still in progress after ``seconds`` are given back. Returns False if no run
        is in progress.
        """
        if self._run is None:
            return False
        self._run.drain(seconds)
        return True

    async def totals(self) -> Totals:
        """Count the items of the ledger, by state."""
        return await self.ledger.totals()

    async def run(
        self, *sources: Items, first: Items | None = None
    ) -> AsyncGenerator[IngestResult, None]:
        """Insert these sources, and ingest all open items of the ledger; yield their results.

        ``first`` is inserted before the other sources, which are listed concurrently: a manifest
        that describes files which a folder contains too.
        The iteration ends when all sources have ended and no item is open. A failed item is a
        result and does not stop the run. In an outage the run pauses; no item fails.
        ``AuthenticationError``, ``LedgerError``, ``OutageError`` and the errors of the sources are
        raised. Leaving the iteration gives all claimed items back; the next run
        continues with them.
        """
        async with self._exclusive():
            self.activity = Activity(listing=bool(sources) or first is not None)
            context = IngestContext(
                client=self._client,
                ledger=self.ledger,
                owner=owner_name(),
                stores=self._stores,
                options=self._options,
                on_progress=self._on_progress,
            )
            listings = [partial(self.add, source) for source in sources]
            lead = None if first is None else partial(self.add, first)
            self._run = _Run(context, self.activity, lead, listings, self._wakeup)
            async with aclosing(self._run.results()) as results:
                async for result in results:
                    yield result

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[None]:
        """Lock the ledger against other processes, if it is a file that this object opened."""
        if self._file is None:
            yield
            return
        await self._file.lock()
        try:
            # No other process holds the lock, so the owners of all leases have stopped.
            await self.ledger.expire()
            yield
        finally:
            await self._file.unlock()


@define(eq=False)
class _Run:
    _context: IngestContext
    _activity: Activity
    _lead: Callable[[], Coroutine[Any, Any, object]] | None
    """Inserts the items that must be in the ledger before those of the listings."""
    _listings: Sequence[Callable[[], Coroutine[Any, Any, object]]]
    """Functions that insert the items of one source."""
    _wakeup: asyncio.Event
    _stream: ResultStream[IngestResult] = field(init=False)
    _released: bool = field(default=False, init=False)
    _items: set["asyncio.Task[None]"] = field(factory=set, init=False)
    _deadline: float | None = field(default=None, init=False)
    """The time of the event loop until which a draining run waits for its items."""

    @_stream.default
    def _create_stream(self) -> ResultStream[IngestResult]:
        return ResultStream(2 * self._context.concurrency)

    async def results(self) -> AsyncGenerator[IngestResult, None]:
        stream = self._stream.results(self._ingest_all, "apivideo-ingest")
        try:
            async with aclosing(stream) as results:
                async for result in results:
                    yield result
        finally:
            await self.stop()

    async def add_results(self, results: Iterable[IngestResult]) -> None:
        for result in results:
            if self._stream.running:
                await self._stream.put(result)

    def drain(self, seconds: float) -> None:
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._wakeup.set()

    async def stop(self) -> None:
        await self._stream.stop()
        if not self._released:
            self._released = True
            await self._context.lease_keeper.release_all()

    async def _ingest_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            renewal = group.create_task(self._context.lease_keeper.run())
            listing = group.create_task(self._list())
            await self._dispatch(group)
            # It has ended, unless the run drains.
            listing.cancel()
            renewal.cancel()

    async def _list(self) -> None:
        """Insert all sources concurrently, because a watched source never ends."""
        if self._lead is not None:
            await self._lead()
        async with asyncio.TaskGroup() as group:
            for listing in self._listings:
                group.create_task(listing())
        self._activity.listing = False
        self._wakeup.set()

    async def _dispatch(self, group: asyncio.TaskGroup) -> None:
        activity, concurrency = self._activity, self._context.concurrency
        while self._deadline is None:
            # Read before the claim: items that are added after the claim must not be missed.
            listed = not activity.listing
            claims = await self._context.lease_keeper.claim(concurrency - activity.working)
            for claim in claims:
                activity.working += 1
                task = group.create_task(self._ingest_one(claim))
                self._items.add(task)
                task.add_done_callback(self._items.discard)
            # More items may be due; claim again at once.
            if claims and activity.working < concurrency:
                continue
            wait = IDLE
            if not claims and not activity.working:
                # An open item may become due later: after a delay, or when the lease of another
                # worker ends.
                due = await self._context.ledger.next_due()
                if due is None and listed:
                    return
                wait = IDLE if due is None else min(IDLE, due)
            await self._wait(wait)
            while activity.working >= concurrency and self._deadline is None:
                await self._wait(IDLE)
        await self._finish(self._deadline)

    async def _finish(self, deadline: float) -> None:
        """Wait for the items in progress. Those that take too long are given back by ``stop``."""
        while self._items and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await self._wait(min(IDLE, left))
        for task in self._items:
            task.cancel()

    async def _wait(self, seconds: float) -> None:
        await wait_event(self._wakeup, seconds)
        self._wakeup.clear()

    async def _ingest_one(self, claim: Record) -> None:
        try:
            result = await ingest_one(claim, self._context)
            # The item counts as in progress until its result is in the bounded queue, so a slow
            # caller delays new claims.
            await self._stream.put(result)
        finally:
            self._activity.working -= 1
            self._wakeup.set()
