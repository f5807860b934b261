"""A worker: processes items of the shared queue, many at once, until it is cancelled."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing, suppress
from typing import TypeAlias

from ..client import ApiVideoClient
from ..errors import AuthenticationError, LedgerError, first_failure
from ..ingest.ingestion import owner_name
from ..ingest.item_run import IngestContext, IngestResult, OnItemProgress, ingest_one
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
"""Creates a client with the given limiter."""
OnItemResult: TypeAlias = Callable[[IngestResult], None]
"""Called with the result of each attempt."""

SHUTDOWN_TIMEOUT = 2.0
"""Seconds for which a worker that is shutting down retries while the database is unavailable."""


class Worker:
    """Ingests items handed in with ``defer_ingest``, together with any number of other workers.

    ::

        await Worker("postgresql://…", lambda limiter: ApiVideoClient(limiter=limiter)).run()

    - ``make_client`` is called with the limiter that all workers share, and must pass it to the
      client.
    - ``options``: see ``IngestOptions``. ``concurrency`` is for this worker. ``lease`` is the
      period after which other workers may claim its items if it stops responding.
    - ``sweep``: seconds between two searches, by any worker, for items that lost their job.
    - ``poll``: seconds between two requests to an empty queue.
    - ``reserve``: share of the request budget, from 0 to below 1, that all workers together leave
      to other clients.
    - ``outage_timeout``: seconds for which the worker retries while the database is unavailable.
    - ``stores`` opens the items. ``on_result`` is called with the result of each attempt, and
      ``on_progress`` with an item and its progress.
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
        outage_timeout: float = 300.0,
        stores: Stores | None = None,
        on_result: OnItemResult | None = None,
        on_progress: OnItemProgress | None = None,
    ) -> None:
        self._shared = Distributed(dsn, outage_timeout=outage_timeout)
        self._make_client = make_client
        self._options = options or IngestOptions()
        self._sweep = sweep
        self._poll = poll
        self._reserve = reserve
        self._stores = stores
        self._on_result = on_result
        self._on_progress = on_progress

    async def run(self) -> None:
        """Work until cancelled. Then give all items back, so that other workers can claim them.

        Raises ``LedgerError`` when the database cannot be used or is unavailable for longer than
        ``outage_timeout``, and ``AuthenticationError`` when the API key is refused.
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
            # A ledger of one server must not be filled with the videos of another.
            await self._shared.ledger.bind(client.config.base_url)
            context = IngestContext(
                client=client,
                ledger=self._shared.ledger,
                owner=owner,
                stores=stores,
                options=self._options,
                on_progress=self._on_progress,
            )
            run = _WorkerRun(self._shared, context, self._on_result)
            await run.run(self._sweep, self._poll)


class _WorkerRun:
    """One run of a worker."""

    def __init__(
        self, shared: Distributed, context: IngestContext, on_result: OnItemResult | None
    ) -> None:
        self._shared = shared
        self._context = context
        self._on_result = on_result
        self._fatal: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        """The error that stops the worker. Procrastinate catches the errors of jobs, so they are
        passed here."""
        register(shared.queue.app, self._execute_job)

    async def run(self, sweep: float, poll: float) -> None:
        """Run lease renewal, sweeps and jobs until a fatal error or cancellation."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._raise_fatal())
                group.create_task(self._context.lease_keeper.run())
                group.create_task(self._sweep(sweep))
                group.create_task(self._fetch_jobs(poll))
        except BaseExceptionGroup as failures:
            raise first_failure(failures) from None
        finally:
            with suppress(LedgerError):
                await self._context.lease_keeper.release_all()

    async def _raise_fatal(self) -> None:
        """Wait for a fatal error and raise it."""
        try:
            raise await self._fatal
        finally:
            # Shutdown puts the jobs in progress back. It must not wait long for an unavailable
            # database.
            self._shared.database.outage_timeout = SHUTDOWN_TIMEOUT

    def _stop(self, error: Exception) -> None:
        if not self._fatal.done():
            self._fatal.set_result(error)

    async def _fetch_jobs(self, poll: float) -> None:
        """Run Procrastinate's worker. On cancellation, it cancels its jobs and puts them back."""
        try:
            await self._shared.queue.app.run_worker_async(
                queues=[QUEUE],
                concurrency=int(self._context.options.concurrency),
                fetch_job_polling_interval=poll,
                shutdown_graceful_timeout=0,
                listen_notify=False,
                delete_jobs="always",
                install_signal_handlers=False,
            )
        except LedgerError as error:
            self._stop(error)
            return
        raise LedgerError("Procrastinate's worker ended unexpectedly: see its log for the reason")

    async def _sweep(self, every: float) -> None:
        """Search for items that lost their job, every ``every`` seconds."""
        while True:
            try:
                count = await self._shared.queue.sweep(every)
                if count:
                    log.info("%d items without a job got a new one", count)
            except LedgerError as error:
                log.warning("the search for items without a job failed: %s", error)
            await asyncio.sleep(every)

    async def _execute_job(self, key: str) -> None:
        """Process the item with this key, if it can be claimed."""
        try:
            claim = await self._context.lease_keeper.claim_key(key)
            if claim is None:
                # The item is leased, not due, or finished. Unless it is finished, a new job checks
                # it again when it is due.
                await self._shared.queue.defer(key)
            else:
                await self._ingest(claim)
        except (AuthenticationError, LedgerError) as error:
            self._stop(error)
            raise

    async def _ingest(self, claim: Claim) -> None:
        """Process a claimed item and schedule its next attempt, if there is one."""
        try:
            result = await ingest_one(claim, self._context)
        except asyncio.CancelledError:
            # The item is due at once, so another worker does not wait for the end of the lease.
            await self._context.ledger.release(claim)
            raise
        if result.outcome == "later":
            await self._shared.queue.defer(claim.key)
        if self._on_result is not None:
            self._on_result(result)
