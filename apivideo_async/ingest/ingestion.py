"""``Ingest``: one process that lists sources, claims items and brings them to api.video, many at once."""

import asyncio
import hashlib
import os
import secrets
import socket
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from attrs import evolve

from ..client import ApiVideoClient
from ..config import ClientConfig
from ..protocol.request import LimitClass
from ..uploads.journal import default_folder
from ..uploads.slots import Slots
from .items import Claim, Item, Totals
from .lease import Keeper
from .ledger import Ledger
from .one import IngestResult, Kit, OnItemProgress, ingest_one
from .options import IngestOptions
from .sqlite import SqliteDatabase, open_sqlite_ledger
from .stores import Stores

__all__ = ["Ingest", "Items", "default_ledger", "owner_name"]

Items: TypeAlias = AsyncIterable[Item] | Iterable[Item]

LISTED = 500
"""Items entered at once."""
LISTED_AFTER = 0.2
"""Seconds after which fewer are entered."""
IDLE = 1.0
"""Seconds after which the ledger is looked at again, when nothing was due."""


def default_ledger(config: ClientConfig) -> Path:
    """Give the ledger of this server and key, in the user's state folder."""
    account = hashlib.sha256(f"{config.base_url} {config.api_key}".encode()).hexdigest()[:12]
    return default_folder().parent / "ingest" / f"{account}.db"


def owner_name() -> str:
    """Name this process, unlike any other."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Ingest:
    """Any number of sources into api.video, each exactly once; what was interrupted goes on.

    ::

        async with Ingest(client, "videos.db") as ingest:
            async for result in ingest.run(list_sources("/mnt/videos")):
                print(result.item.uri, result.outcome, result.video_id)

    - ``ledger``: the file of an SQLite ledger (made when it is not there; one process works with it at a time), any
      ``Ledger``, which stays open, or None for the usual file of this server and key.
    - ``options``: see ``IngestOptions``. ``stores`` opens items; ``on_progress`` is called with each item's progress.

    Raises ``LedgerError`` when the ledger cannot be used.
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
        self._given = ledger if ledger is not None else default_ledger(client.config)
        self._options = options or IngestOptions()
        self._stores = stores or Stores()
        self._on_progress = on_progress
        self._ours = stores is None
        self._added = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Open the ledger."""
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
        """Close what was opened here."""
        await self._close_ledger()
        if self._ours:
            await self._stores.aclose()

    async def _close_ledger(self) -> None:
        if isinstance(self._given, str | Path):
            await self.ledger.aclose()

    async def add(self, items: Items) -> int:
        """Enter items in the ledger, some hundred at a time; how many were new."""
        new, batch = 0, list[Item]()
        entered = asyncio.get_running_loop().time()
        async for item in _each(items):
            batch.append(evolve(item, strategy=self._options.strategy))
            now = asyncio.get_running_loop().time()
            if len(batch) >= LISTED or now - entered >= LISTED_AFTER:
                new += await self._enter(batch)
                entered = now
        return new + await self._enter(batch)

    async def _enter(self, batch: list[Item]) -> int:
        new = await self.ledger.add(batch) if batch else set()
        batch.clear()
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
        async with self._alone(), aclosing(_Run(self, self._kit(), sources).results()) as results:
            async for result in results:
                yield result

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Have a ledger of our own to ourselves: then whoever held a lease is dead."""
        database = getattr(self.ledger, "database", None)
        if isinstance(self._given, str | Path) and isinstance(database, SqliteDatabase):
            async with database.locked():
                await self.ledger.expire()
                yield
        else:
            yield

    def _kit(self) -> Kit:
        options = self._options
        return Kit(
            client=self._client,
            ledger=self.ledger,
            keeper=Keeper(self.ledger, owner_name(), options.lease),
            stores=self._stores,
            options=options,
            slots=Slots.of(options.upload or self._client.config.upload, options.concurrency),
            on_progress=self._on_progress,
        )

    async def more(self, seconds: float) -> None:
        """Wait until items were entered, for at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._added.wait()
        self._added.clear()

    def wake(self) -> None:
        """End a wait of :meth:`more`."""
        self._added.set()

    def allowed(self) -> dict[str, int | None]:
        """Requests a minute that the server allows, by class, as far as its answers told."""
        names: tuple[LimitClass, ...] = ("uploads", "writes", "reads")
        return {name: self._client.request_limit(name) for name in names}


class _Run:
    """Claims items and works on them until nothing is left."""

    def __init__(self, ingest: Ingest, kit: Kit, sources: Iterable[Items]) -> None:
        self._ingest = ingest
        self._kit = kit
        self._sources = sources
        self._working = 0
        self._listed = False
        self._done: asyncio.Queue[IngestResult | BaseException | None] = asyncio.Queue(2 * kit.options.concurrency)

    async def results(self) -> AsyncGenerator[IngestResult, None]:
        running = asyncio.create_task(self._run(), name="apivideo-ingest")
        try:
            while (result := await self._done.get()) is not None:
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await self._kit.keeper.let_go()

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._kit.keeper.run())
                group.create_task(self._list())
                await self._dispatch(group)
                keeping.cancel()
        except BaseExceptionGroup as failures:
            first: BaseException = failures
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            await self._done.put(first)
        else:
            await self._done.put(None)

    async def _list(self) -> None:
        for source in self._sources:
            await self._ingest.add(source)
        self._listed = True
        self._ingest.wake()

    async def _dispatch(self, group: asyncio.TaskGroup) -> None:
        kit = self._kit
        while True:
            listed = self._listed
            claims = await kit.keeper.claim(kit.options.concurrency - self._working)
            for claim in claims:
                self._working += 1
                group.create_task(self._work(claim))
            if claims and self._working < kit.options.concurrency:
                continue
            wait = IDLE
            if not claims and not self._working:
                due = await kit.ledger.next_due()
                if due is None and listed:
                    return
                wait = IDLE if due is None else min(IDLE, due)
            await self._ingest.more(wait)
            while self._working >= kit.options.concurrency:
                await self._ingest.more(IDLE)

    async def _work(self, claim: Claim) -> None:
        kit = self._kit
        try:
            result = await ingest_one(claim, kit)
        finally:
            self._working -= 1
            self._ingest.wake()
        kit.keeper.allowed.update(self._ingest.allowed())
        await self._done.put(result)


async def _each(items: Items) -> AsyncIterator[Item]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
