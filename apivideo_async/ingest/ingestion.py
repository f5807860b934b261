"""``Ingest``: one process that lists sources, claims items and brings them to api.video, many at once."""

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
from .item_run import IngestResult, Kit, OnItemProgress, ingest_one
from .items import Claim, Item, Totals
from .ledger.protocol import Ledger
from .ledger.sqlite import SqliteDatabase, open_sqlite_ledger
from .options import IngestOptions
from .stores.stores import Stores

__all__ = ["Activity", "Ingest", "Items", "default_ledger", "owner_name"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

IDLE = 1.0
"""Seconds after which the ledger is looked at again, when nothing was due."""


def default_ledger(config: ClientConfig) -> Path:
    """Return the path of the ledger for this server and key, in the user's folder for state.

    Raises ``ConfigurationError`` if no such folder can be written to.
    """
    account = hashlib.sha256(f"{config.base_url} {config.api_key}".encode()).hexdigest()[:12]
    path = state_file("ingest", f"{account}.db")
    if path is None:
        raise ConfigurationError(
            "no folder for the ledger can be written to: set XDG_STATE_HOME, or name a file for the ledger (--ledger)"
        )
    return path


def owner_name() -> str:
    """Name this process, unlike any other."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@define
class Activity:
    """What an ingestion does at the moment."""

    listing: bool = False
    """Whether sources may bring more."""
    added: int = 0
    """Items that were new to the ledger."""
    added_bytes: int = 0
    """Their sizes, as far as they are known."""
    known: int = 0
    """Items that it had already."""
    refused: int = 0
    """Items that it cannot store; each is a result with the outcome ``failed``."""
    working: int = 0
    """Items under way."""


class Ingest:
    """Any number of sources into api.video, each exactly once; what was interrupted goes on.

    ::

        async with Stores() as stores, Ingest(client, "videos.db", stores=stores) as ingest:
            async for result in ingest.run(list_sources("/mnt/videos", stores=stores)):
                print(result.item.uri, result.outcome, result.video_id)

    - ``ledger``: the file of an SQLite ledger (made when it is not there; one process works with it at a time), any
      ``Ledger``, which stays open, or None for the usual file of this server and key.
    - ``options``: see ``IngestOptions``. ``stores`` opens items; ``on_progress`` is called with each item's progress.

    Entering the context raises ``LedgerError`` if the ledger cannot be used, and ``ConfigurationError`` if the file is
    left to be chosen and no folder for it can be written to.
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
        self._options = options or IngestOptions()
        self._stores = stores or Stores()
        self._on_progress = on_progress
        self._ours = stores is None
        self._added = asyncio.Event()
        self._run: _Run | None = None
        self.activity: Activity = Activity()

    async def __aenter__(self) -> Self:
        """Open the ledger."""
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
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give back what a run holds that was left, and close what was opened here."""
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
        """Enter items in the ledger, some hundred at a time; how many were new."""
        return await enter_all(items, self._enter)

    async def _enter(self, items: list[Item]) -> int:
        refused: list[IngestResult] = []

        def refuse(item: Item, error: SourceError) -> None:
            log.warning("%s is left out: %s", item.shown, error)
            refused.append(IngestResult(item=item, outcome="failed", error=error))

        new = await self.ledger.add([evolve(item, strategy=self._options.strategy) for item in items], refuse)
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
        """Enter these sources and ingest everything that is open in the ledger; results as they come.

        Ends when every source has ended and nothing is open any more. A failure is a result and stops nothing, but
        ``AuthenticationError`` and ``LedgerError`` are raised, as is what a source raises. Leaving the iteration gives
        everything back; the next run goes on.
        """
        async with self._alone():
            self.activity = Activity(listing=bool(sources))
            kit = Kit.of(self._client, self.ledger, owner_name(), self._stores, self._options, self._on_progress)
            self._run = run = _Run(self, kit, sources)
            async with aclosing(run.results()) as results:
                async for result in results:
                    yield result

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Keep other processes from the ledger, when it is a file of ours."""
        database = getattr(self.ledger, "database", None)
        if not isinstance(self._given, str | Path) or not isinstance(database, SqliteDatabase):
            yield
            return
        await database.lock()
        try:
            await self.ledger.expire()  # Whoever held a lease is dead: nobody else has the lock.
            yield
        finally:
            await database.unlock()

    async def more(self, seconds: float) -> None:
        """Wait until items were entered, for at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._added.wait()
        self._added.clear()

    def wake(self) -> None:
        """End a wait of :meth:`more`."""
        self._added.set()


class _Run:
    """Claims items and works on them until nothing is left."""

    def __init__(self, ingest: Ingest, kit: Kit, sources: Iterable[Items]) -> None:
        self._ingest = ingest
        self._activity = ingest.activity
        self._kit = kit
        self._sources = sources
        self._running: asyncio.Task[None] | None = None
        self._done: asyncio.Queue[IngestResult | BaseException | None] = asyncio.Queue(2 * kit.options.concurrency)

    async def results(self) -> AsyncGenerator[IngestResult, None]:
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
        """End what is under way and give everything back. Harmless when it has ended."""
        running, self._running = self._running, None
        if running is None:
            return
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await self._kit.keeper.let_go()

    async def _run(self) -> None:
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
        """Enter all sources at once: one that is watched never ends."""
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                group.create_task(self._ingest.add(source))

    def _listed(self, _: "asyncio.Task[None]") -> None:
        self._activity.listing = False
        self._ingest.wake()

    async def _dispatch(self, group: asyncio.TaskGroup, listing: "asyncio.Task[None]") -> None:
        kit, activity = self._kit, self._activity
        while True:
            listed = listing.done()
            claims = await kit.keeper.claim(kit.options.concurrency - activity.working)
            for claim in claims:
                activity.working += 1
                group.create_task(self._work(claim))
            if claims and activity.working < kit.options.concurrency:
                continue
            wait = IDLE
            if not claims and not activity.working:
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
            await self._done.put(result)  # Still under way: who takes results slowly must not be given all of them.
        finally:
            self._activity.working -= 1
            self._ingest.wake()
