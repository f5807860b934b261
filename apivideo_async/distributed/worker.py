"""A worker: processes items of the shared queue, many at once, until it is cancelled."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing, suppress
from typing import TypeAlias

import psycopg
from attrs import define, field

from ..client import ApiVideoClient
from ..errors import LedgerError, first_failure
from ..ingest.ingestion import owner_name
from ..ingest.item_run import IngestContext, IngestResult, OnItemProgress, ingest_one
from ..ingest.items import Record
from ..ingest.options import IngestOptions
from ..ingest.stores.stores import Stores
from ..rate_limit.limiter import Limiter
from ..rate_limit.shared_limiter import shared_limiter
from ..tasks import wait_event
from .engine import QUEUES, register
from .enqueue import Distributed

__all__ = ["MakeClient", "OnItemResult", "Worker"]

MakeClient: TypeAlias = Callable[[Limiter], ApiVideoClient]
OnItemResult: TypeAlias = Callable[[IngestResult], None]

SHUTDOWN_TIMEOUT = 2.0
"""Seconds for which a worker that is shutting down retries while the database is unavailable."""


@define(eq=False, repr=False)
class Worker:
    """Ingests items submitted with ``defer_ingest``, together with any number of other workers.

    ::

        await Worker("postgresql://…", lambda limiter: ApiVideoClient(limiter=limiter)).run()

    - ``make_client`` is called with the limiter that all workers share, and must pass it to the
      client.
    - ``options``: see ``IngestOptions``; ``concurrency`` is for this worker.
    - ``poll``: seconds between two requests for work while nothing is due.
    - ``reserve``: share of the request budget, from 0 to below 1, that all workers together leave
      to other clients.
    - ``outage_timeout``: seconds for which the worker retries while the database is unavailable.
    - ``stores`` opens the items. ``on_result`` is called with the result of each attempt, and
      ``on_progress`` with an item and its progress.
    """

    _dsn: str
    _make_client: MakeClient
    _options: IngestOptions | None = field(default=None, kw_only=True)
    _poll: float = field(default=1.0, kw_only=True)
    _reserve: float = field(default=0.0, kw_only=True)
    _outage_timeout: float = field(default=300.0, kw_only=True)
    _stores: Stores | None = field(default=None, kw_only=True)
    _on_result: OnItemResult | None = field(default=None, kw_only=True)
    _on_progress: OnItemProgress | None = field(default=None, kw_only=True)
    _drain: asyncio.Event = field(factory=asyncio.Event, init=False)
    _drain_seconds: float = field(default=0.0, init=False)

    def drain(self, seconds: float = 60.0) -> None:
        """Claim no more items; ``run`` returns when those in progress are finished.

        Items that are still in progress after ``seconds`` are given back. Call it in the event loop
        of ``run``.
        """
        self._drain_seconds = seconds
        self._drain.set()

    @property
    def draining(self) -> bool:
        """True after ``drain`` was called."""
        return self._drain.is_set()

    async def run(self) -> None:
        """Work until cancelled or drained. Then give all items back, for other workers.

        Raises ``LedgerError`` when the database cannot be used or is unavailable for longer than
        ``outage_timeout``, ``OutageError`` when api.video is unavailable for longer than
        ``IngestOptions.outage_timeout``, and ``AuthenticationError`` when the API key is refused.
        """
        owner = owner_name()
        shared = Distributed(self._dsn, outage_timeout=self._outage_timeout)
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(shared)
            limiter = shared_limiter(shared.database, owner, self._reserve)
            await opened.enter_async_context(aclosing(limiter))
            client = await opened.enter_async_context(self._make_client(limiter))
            stores = self._stores
            if stores is None:
                stores = await opened.enter_async_context(aclosing(Stores()))
            # A ledger of one server must not be filled with the videos of another.
            await shared.ledger.bind(client.config.base_url)
            context = IngestContext(
                client=client,
                ledger=shared.ledger,
                owner=owner,
                stores=stores,
                options=self._options or IngestOptions(),
                on_progress=self._on_progress,
            )
            run = _WorkerRun(shared, context, self._on_result, self._poll, self._drain)
            await run.run(lambda: self._drain_seconds)


@define(eq=False)
class _WorkerRun:
    _shared: Distributed
    _context: IngestContext
    _on_result: OnItemResult | None
    _poll: float
    _drain: asyncio.Event
    _claiming: asyncio.Lock = field(init=False, factory=asyncio.Lock)
    _working: int = field(init=False, default=0)
    """Items in progress."""
    _idle: asyncio.Event = field(init=False, factory=asyncio.Event)
    """Set while the worker drains and no item is in progress."""
    _fatal: "asyncio.Future[BaseException]" = field(init=False, factory=asyncio.Future)
    """The error that stops the worker. Procrastinate catches the errors of jobs, so they are
    passed here."""

    def __attrs_post_init__(self) -> None:
        register(self._shared.queue.app, self._process_items)

    async def run(self, drain_seconds: Callable[[], float]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._raise_fatal()),
                    group.create_task(self._context.lease_keeper.run()),
                    group.create_task(self._fetch_jobs()),
                ]
                await self._drain.wait()
                if self._working:
                    await wait_event(self._idle, drain_seconds())
                for task in tasks:
                    task.cancel()
        except BaseExceptionGroup as failures:
            failure = first_failure(failures)
            raise failure from failure.__cause__
        finally:
            with suppress(LedgerError):
                await self._context.lease_keeper.release_all()

    async def _raise_fatal(self) -> None:
        try:
            raise await self._fatal
        finally:
            # Shutdown puts the jobs in progress back. It must not wait long for an unavailable
            # database.
            self._shared.database.outage_timeout = SHUTDOWN_TIMEOUT

    def _stop(self, error: BaseException) -> None:
        if not self._fatal.done():
            self._fatal.set_result(error)

    async def _fetch_jobs(self) -> None:
        """Run Procrastinate's worker. On cancellation, it cancels its job and puts it back."""
        try:
            await self._run_procrastinate()
        except LedgerError as error:
            self._stop(error)
            return
        raise LedgerError("Procrastinate's worker ended unexpectedly: see its log for the reason")

    async def _run_procrastinate(self) -> None:
        while True:
            try:
                return await self._shared.queue.app.run_worker_async(
                    queues=QUEUES,
                    # One job processes many items at once.
                    concurrency=1,
                    fetch_job_polling_interval=self._poll,
                    shutdown_graceful_timeout=0,
                    # LISTEN needs a server connection of its own, which pgbouncer does not give.
                    listen_notify=False,
                    delete_jobs="always",
                    install_signal_handlers=False,
                )
            except LedgerError as error:
                # This process was frozen, and another worker deleted its registration. It has no
                # job then, because a worker fetches a job only after the end of the previous one.
                if not isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):
                    raise
                # Procrastinate may raise this error in place of a cancellation.
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise asyncio.CancelledError from None

    async def _process_items(self) -> None:
        """Process items until none is open. Items that are due later are waited for."""
        if self._drain.is_set():
            # Keep the job until the worker ends: Procrastinate then puts it back.
            await asyncio.Event().wait()
        try:
            await self._shared.queue.end_stalled()
            if await self._context.ledger.next_due() is None:
                return
            # Another worker may be idle.
            await self._shared.queue.wake()
            async with asyncio.TaskGroup() as group:
                for _ in range(self._context.concurrency):
                    group.create_task(self._work())
        except BaseExceptionGroup as failures:
            failure = first_failure(failures)
            self._stop(failure)
            raise failure from failure.__cause__
        except LedgerError as error:
            self._stop(error)
            raise

    async def _work(self) -> None:
        """Process one item after the other, until none is open."""
        while claim := await self._next():
            self._working += 1
            try:
                await self._ingest(claim)
            finally:
                self._working -= 1
                if not self._working and self._drain.is_set():
                    self._idle.set()

    async def _next(self) -> Record | None:
        """Claim an item, and wait for one that is due.

        Return None when no item is open, or when the worker drains.
        """
        # With the lock, a worker that waits asks the ledger once per interval.
        async with self._claiming:
            while not self._drain.is_set():
                claims = await self._context.lease_keeper.claim(1)
                if claims:
                    return claims[0]
                due = await self._context.ledger.next_due()
                if due is None:
                    return None
                # A new item may be added before the next one is due.
                await wait_event(self._drain, min(due, self._poll))
        return None

    async def _ingest(self, claim: Record) -> None:
        try:
            result = await ingest_one(claim, self._context)
        except asyncio.CancelledError:
            # Give the item back, so that another worker does not wait for the end of the lease.
            await self._context.ledger.release(claim)
            raise
        if self._on_result is not None:
            self._on_result(result)
