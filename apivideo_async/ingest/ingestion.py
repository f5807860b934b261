"""``Ingest``: lists sources, claims their items and processes many of them at once.

All of this happens in one process; ``distributed`` does the same on many machines.
"""

import asyncio
import hashlib
import logging
import os
import secrets
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import define, evolve

from ..client import ApiVideoClient
from ..config import ClientConfig
from ..errors import ConfigurationError, SourceError, first_failure
from ..private_files import state_file
from .batching import Items, enter_all
from .item_run import IngestContext, IngestResult, OnItemProgress, ingest_one
from .items import Claim, Item, Totals
from .ledger.protocol import Ledger
from .ledger.sqlite import SqliteDatabase, open_sqlite_ledger
from .options import IngestOptions
from .stores.stores import Stores

__all__ = ["Activity", "Ingest", "Items", "default_ledger", "owner_name"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

IDLE = 1.0
"""Seconds until the ledger is asked again when no item was due."""


def default_ledger(config: ClientConfig) -> Path:
    """Return the path of the ledger for this server and key, in the user's state folder.

    Raises ``ConfigurationError`` if no such folder is writable.
    """
    account = hashlib.sha256(f"{config.base_url} {config.api_key}".encode()).hexdigest()[:12]
    path = state_file("ingest", f"{account}.db")
    if path is None:
        raise ConfigurationError(
            "no folder for the ledger can be written to: set XDG_STATE_HOME, or name a file for the ledger (--ledger)"
        )
    return path


def owner_name() -> str:
    """Return a name of this process for the ledger, unique across machines."""
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
    refused: int = 0
    """Items that the ledger cannot store. Each one is a result with the outcome ``failed``."""
    working: int = 0
    """Items that are being processed."""


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
        self._given = ledger
        """The argument ``ledger``, or the default path. A path means that this object closes the
        ledger."""
        self._options = options or IngestOptions()
        self._stores = stores or Stores()
        self._on_progress = on_progress
        self._ours = stores is None
        """True if this object created the stores and closes them."""
        self._added = asyncio.Event()
        """Set when items were added or one has finished; see ``wake``."""
        self._run: _Run | None = None
        self.activity: Activity = Activity()

    async def __aenter__(self) -> Self:
        """Open the ledger and bind it to the server of the client."""
        if self._given is None:
            self._given = await asyncio.to_thread(default_ledger, self._client.config)
        if isinstance(self._given, str | Path):
            self.ledger: Ledger = await open_sqlite_ledger(Path(self._given))
        else:
            self.ledger = self._given
        try:
            await self.ledger.bind(self._client.config.base_url)
        except BaseException:
            await self._close_ledger()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop a run that was left, and close the resources that this object opened."""
        try:
            if self._run is not None:
                await self._run.stop()
        finally:
            await self._close()

    async def _close(self) -> None:
        await self._close_ledger()
        if self._ours:
            await self._stores.aclose()

    async def _close_ledger(self) -> None:
        if isinstance(self._given, str | Path):
            await self.ledger.aclose()

    async def add(self, items: Items) -> int:
        """Insert items into the ledger in batches; return how many were new."""
        return await enter_all(items, self._enter)

    async def _enter(self, items: list[Item]) -> int:
        refused: list[IngestResult] = []

        def refuse(item: Item, error: SourceError) -> None:
            log.warning("%s is left out: %s", item.shown, error)
            refused.append(IngestResult(item=item, outcome="failed", error=error))

        # The strategy of the options applies to all items of this ingestion.
        new = await self.ledger.add(
            [evolve(item, strategy=self._options.strategy) for item in items], refuse
        )
        activity = self.activity
        activity.added += len(new)
        activity.added_bytes += sum(item.size or 0 for item in items if item.key in new)
        activity.known += len(items) - len(new) - len(refused)
        activity.refused += len(refused)
        if self._run is not None:
            await self._run.tell(refused)
        if new:
            self.wake()
        return len(new)

    async def totals(self) -> Totals:
        """Count the items of the ledger, by state."""
        return await self.ledger.totals()

    async def run(self, *sources: Items) -> AsyncGenerator[IngestResult, None]:
        """Insert these sources and ingest all open items of the ledger; yield results as they come.

        The iteration ends when all sources have ended and no item is open. A failed item is a
        result and does not stop the run. ``AuthenticationError``, ``LedgerError`` and the errors of
        the sources are raised. Leaving the iteration gives all claimed items back; the next run
        continues with them.
        """
        async with self._alone():
            self.activity = Activity(listing=bool(sources))
            kit = IngestContext.of(
                self._client,
                self.ledger,
                owner_name(),
                self._stores,
                self._options,
                self._on_progress,
            )
            self._run = run = _Run(self, kit, sources)
            async with aclosing(run.results()) as results:
                async for result in results:
                    yield result

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Lock the ledger against other processes, if it is a file that this object opened."""
        database = getattr(self.ledger, "database", None)
        if not isinstance(self._given, str | Path) or not isinstance(database, SqliteDatabase):
            yield
            return
        await database.lock()
        try:
            # No other process holds the lock, so the owners of all leases have stopped.
            await self.ledger.expire()
            yield
        finally:
            await database.unlock()

    async def more(self, seconds: float) -> None:
        """Wait until :meth:`wake` is called, for at most ``seconds``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._added.wait()
        self._added.clear()

    def wake(self) -> None:
        """End a wait of :meth:`more`."""
        self._added.set()


class _Run:
    """One run: claims items and processes them until no item is left."""

    def __init__(self, ingest: Ingest, kit: IngestContext, sources: Iterable[Items]) -> None:
        self._ingest = ingest
        self._activity = ingest.activity
        self._kit = kit
        self._sources = sources
        self._running: asyncio.Task[None] | None = None
        self._done: asyncio.Queue[IngestResult | BaseException | None] = asyncio.Queue(
            2 * kit.options.concurrency
        )
        """Results, then None or an error. The queue is bounded: a caller that reads slowly stops
        the workers, so results do not accumulate in memory."""

    async def results(self) -> AsyncGenerator[IngestResult, None]:
        """Start the run and yield its results. Leaving the iteration stops it."""
        self._running = asyncio.create_task(self._run(), name="apivideo-ingest")
        try:
            while (result := await self._done.get()) is not None:
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            await self.stop()

    async def tell(self, results: Iterable[IngestResult]) -> None:
        """Add results, unless the run has ended."""
        for result in results:
            if self._running is not None:
                await self._done.put(result)

    async def stop(self) -> None:
        """Cancel the run and give all claimed items back. Does nothing when it has ended."""
        running, self._running = self._running, None
        if running is None:
            return
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await self._kit.keeper.let_go()

    async def _run(self) -> None:
        """Run the lease renewal, the listing and the items until everything is done."""
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._kit.keeper.run())
                listing = group.create_task(self._list())
                listing.add_done_callback(self._listed)
                await self._dispatch(group, listing)
                keeping.cancel()
        except BaseExceptionGroup as failures:
            await self._done.put(first_failure(failures))
        else:
            await self._done.put(None)

    async def _list(self) -> None:
        """Insert all sources concurrently, because a watched source never ends."""
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                group.create_task(self._ingest.add(source))

    def _listed(self, _: "asyncio.Task[None]") -> None:
        self._activity.listing = False
        self._ingest.wake()

    async def _dispatch(self, group: asyncio.TaskGroup, listing: "asyncio.Task[None]") -> None:
        """Claim items up to the concurrency and start a task for each of them."""
        kit, activity = self._kit, self._activity
        while True:
            # Read before the claim: items that are added after the claim must not be missed.
            listed = listing.done()
            claims = await kit.keeper.claim(kit.options.concurrency - activity.working)
            for claim in claims:
                activity.working += 1
                group.create_task(self._work(claim))
            # More items may be due; claim again at once.
            if claims and activity.working < kit.options.concurrency:
                continue
            wait = IDLE
            if not claims and not activity.working:
                # Nothing is due now. An open item may become due later, after a delay or when the
                # lease of another worker ends.
                due = await kit.ledger.next_due()
                if due is None and listed:
                    return
                wait = IDLE if due is None else min(IDLE, due)
            await self._ingest.more(wait)
            while activity.working >= kit.options.concurrency:
                await self._ingest.more(IDLE)

    async def _work(self, claim: Claim) -> None:
        kit = self._kit
        try:
            result = await ingest_one(claim, kit)
            # The item counts as in progress until its result is taken from the bounded queue. A
            # slow caller therefore stops new claims.
            await self._done.put(result)
        finally:
            self._activity.working -= 1
            self._ingest.wake()
