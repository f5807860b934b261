"""A worker: takes items from the queue it shares with others, many at once, until it is cancelled."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing, suppress
from typing import TypeAlias

from ..client import ApiVideoClient
from ..errors import AuthenticationError, LedgerError, first_failure
from ..ingest.ingestion import owner_name
from ..ingest.item_run import IngestResult, Kit, OnItemProgress, ingest_one
from ..ingest.items import Claim
from ..ingest.options import IngestOptions
from ..ingest.stores.stores import Stores
from ..rate_limit.limiter import Limiter
from ..rate_limit.shared_limiter import shared_limiter
from .engine import QUEUE, register
from .enqueue import Distributed

__all__ = ["MakeClient", "OnItemResult", "Worker"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

MakeClient: TypeAlias = Callable[[Limiter], ApiVideoClient]
OnItemResult: TypeAlias = Callable[[IngestResult], None]

FAREWELL = 2.0
"""Seconds for which a worker that ends waits for the database."""


class Worker:
    """Ingests what is handed in with ``defer_ingest``, together with any number of other workers.

    ::

        await Worker("postgresql://…", lambda limiter: ApiVideoClient(limiter=limiter)).run()

    - ``make_client`` is called with the limiter that all workers share, which the client must be given.
    - ``options``: see ``IngestOptions``; ``concurrency`` is of this worker, and ``lease`` is how long its items stay
      with it when it gives no sign of life.
    - ``sweep``: seconds between two searches of all workers for items that lost their job.
    - ``poll``: seconds after which an empty queue is looked at again.
    - ``reserve``: share of the request budget, 0 to below 1, that all workers together leave to others.
    - ``patience``: seconds for which it waits for a database that is away.
    - ``stores`` opens items; ``on_result`` and ``on_progress`` are called with what becomes of each.
    """

    def __init__(
        self,
        dsn: str,
        make_client: MakeClient,
        *,
        options: IngestOptions | None = None,
        sweep: float = 60.0,
        poll: float = 1.0,
        reserve: float = 0.0,
        patience: float = 300.0,
        stores: Stores | None = None,
        on_result: OnItemResult | None = None,
        on_progress: OnItemProgress | None = None,
    ) -> None:
        self._shared = Distributed(dsn, patience=patience)
        self._make_client = make_client
        self._options = options or IngestOptions()
        self._sweep = sweep
        self._poll = poll
        self._reserve = reserve
        self._stores = stores
        self._on_result = on_result
        self._on_progress = on_progress

    async def run(self) -> None:
        """Work until cancelled; then everything is handed back, and others may have it at once.

        Raises ``LedgerError`` when the database cannot be used, or is away for longer than ``patience``, and
        ``AuthenticationError`` when the key is refused.
        """
        owner = owner_name()
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(self._shared)
            limiter = shared_limiter(self._shared.database, owner, self._reserve)
            await opened.enter_async_context(aclosing(limiter))
            client = await opened.enter_async_context(self._make_client(limiter))
            stores = self._stores
            if stores is None:
                stores = await opened.enter_async_context(aclosing(Stores()))
            await self._shared.ledger.bind(client.config.base_url)
            kit = Kit.of(client, self._shared.ledger, owner, stores, self._options, self._on_progress)
            shift = _Shift(self._shared, kit, self._on_result)
            await shift.run(self._sweep, self._poll)


class _Shift:
    """One run of a worker."""

    def __init__(self, shared: Distributed, kit: Kit, on_result: OnItemResult | None) -> None:
        self._shared = shared
        self._kit = kit
        self._on_result = on_result
        self._fatal: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        register(shared.queue.app, self._ingest)

    async def run(self, sweep: float, poll: float) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._until_fatal())
                group.create_task(self._kit.keeper.run())
                group.create_task(self._sweep(sweep))
                group.create_task(self._fetch(poll))
        except BaseExceptionGroup as failures:
            raise first_failure(failures) from None
        finally:
            with suppress(LedgerError):
                await self._kit.keeper.let_go()

    async def _until_fatal(self) -> None:
        try:
            raise await self._fatal
        finally:
            # Jobs under way are put back next; nobody wants to wait long for that.
            self._shared.database.patience = FAREWELL

    async def _fetch(self, poll: float) -> None:
        """Let Procrastinate fetch jobs; when it is cancelled, it cancels them and puts them back."""
        try:
            await self._shared.queue.app.run_worker_async(
                queues=[QUEUE],
                concurrency=int(self._kit.options.concurrency),
                fetch_job_polling_interval=poll,
                shutdown_graceful_timeout=0,
                listen_notify=False,
                delete_jobs="always",
                install_signal_handlers=False,
            )
        except LedgerError as error:
            if not self._fatal.done():
                self._fatal.set_result(error)
            return
        raise LedgerError("Procrastinate's worker ended: its log says why")

    async def _sweep(self, every: float) -> None:
        while True:
            try:
                found = await self._shared.queue.sweep(every)
                if found:
                    log.info("%d items had lost their jobs", found)
            except LedgerError as error:
                log.warning("no sweep for items that lost their jobs: %s", error)
            await asyncio.sleep(every)

    async def _ingest(self, key: str) -> None:
        """Do a job."""
        try:
            claim = await self._kit.keeper.claim_key(key)
            if claim is None:
                # Another worker has it, or it is not due: unless it is finished, somebody looks again.
                await self._shared.queue.defer(key)
            else:
                await self._work(claim)
        except (AuthenticationError, LedgerError) as error:
            if not self._fatal.done():
                self._fatal.set_result(error)
            raise

    async def _work(self, claim: Claim) -> None:
        kit = self._kit
        try:
            result = await ingest_one(claim, kit)
        except asyncio.CancelledError:
            await kit.ledger.release(claim)
            raise
        if result.outcome == "later":
            await self._shared.queue.defer(claim.key)
        if self._on_result is not None:
            self._on_result(result)
