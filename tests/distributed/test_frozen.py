"""A worker that stops at any moment (SIGSTOP, a suspended machine) holds no lock for long."""

import asyncio
import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from apivideo_async.distributed import Distributed, delays, init_database, postgres
from apivideo_async.distributed import dsn as dsn_module
from apivideo_async.emulator import Emulator
from apivideo_async.ingest.items import Item
from apivideo_async.tasks import Alarm

from .conftest import files, make_worker, opened_database, until, working

TIMEOUT = 20.0
"""Seconds for operations that do not wait for the frozen worker."""
Operation = Callable[[Distributed], Coroutine[Any, Any, Any]]


def item_of(name: str) -> Item:
    return Item(key=name, uri=f"/videos/{name}.mp4")


async def change(shared: Distributed) -> None:
    await shared.database.change(
        "uploads", lambda state, now: ({"n": (state or {"n": 0})["n"] + 1}, None)
    )


async def enter(shared: Distributed) -> None:
    await shared.defer_ingest([item_of("same"), item_of("other")])


async def retry(shared: Distributed) -> None:
    await shared.retry()
    await shared.retry(keys=["failed-2"])


async def end_stalled(shared: Distributed) -> None:
    await shared.queue.end_stalled(0.0)


async def init(shared: Distributed) -> None:
    await shared.database.init()
    await shared.queue.init()


async def claim(shared: Distributed) -> None:
    record = await shared.ledger.claim_key("w", "claimed", 60.0)
    if record is not None:
        await shared.ledger.release(record)
    await shared.queue.wake()


OPERATIONS: list[Operation] = [change, enter, retry, end_stalled, init, claim]
parametrized = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: operation.__name__
)


async def prepare(shared: Distributed) -> None:
    await shared.defer_ingest(
        [item_of("claimed"), item_of("failed-1"), item_of("failed-2"), item_of("lost")]
    )
    for key in ("failed-1", "failed-2"):
        record = await shared.ledger.claim_key("w", key, 60.0)
        assert record is not None
        await shared.ledger.fail(record, "other", "")
    await shared.database.run("DELETE FROM procrastinate_jobs", {})


class Freezer:
    """Stops the thread of one worker after one of its exchanges with the server, like SIGSTOP."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._thread: threading.Thread | None = None
        self._count = self._moment = 0
        self._frozen, self._thaw = threading.Event(), threading.Event()
        wait: Any = psycopg.AsyncConnection.wait

        async def waiting(connection: Any, *given: Any, **named: Any) -> Any:
            try:
                return await wait(connection, *given, **named)
            finally:
                if threading.current_thread() is self._thread:
                    self._count += 1
                    if self._count == self._moment:
                        self._frozen.set()
                        self._thaw.wait()

        monkeypatch.setattr(psycopg.AsyncConnection, "wait", waiting)

    @contextlib.asynccontextmanager
    async def freezing(self, dsn: str, operation: Operation, moment: int) -> AsyncIterator[bool]:
        """Run the operation in a thread that freezes after ``moment`` exchanges.

        Yields False if the operation has fewer exchanges.
        """
        failures: list[BaseException] = []

        async def work() -> None:
            async with Distributed(dsn, connections=1) as shared:
                self._count, self._moment = 0, moment
                self._thread = threading.current_thread()
                await operation(shared)
                self._thread = None

        def run() -> None:
            try:
                asyncio.run(work())
            except BaseException as error:
                failures.append(error)
            finally:
                self._frozen.set()

        self._frozen.clear()
        self._thaw.clear()
        thread = threading.Thread(target=run)
        thread.start()
        try:
            await asyncio.to_thread(self._frozen.wait)
            yield thread.is_alive() and self._count == moment
        finally:
            self._thaw.set()
            await asyncio.to_thread(thread.join)
            self._thread = None
        assert failures == [], "it did not recover"


@parametrized
async def test_others_go_on_wherever_a_worker_freezes(
    dsn: str, shared: Distributed, operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepare(shared)
    freezer, moment, frozen = Freezer(monkeypatch), 0, True
    while frozen:
        moment += 1
        async with freezer.freezing(dsn, operation, moment) as frozen:
            async with asyncio.timeout(TIMEOUT):
                for other in OPERATIONS:
                    await other(shared)
    assert moment > 2, "it never froze"


@parametrized
async def test_no_transaction_is_open_when_the_worker_has_to_answer(
    dsn: str, shared: Distributed, operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepare(shared)
    open_after = no_transaction_after(monkeypatch)
    await operation(shared)
    assert set(open_after) == {TransactionStatus.IDLE}


async def test_no_transaction_is_open_while_workers_ingest(
    emu: Emulator, dsn: str, shared: Distributed, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Procrastinate's statements are among them."""
    open_after = no_transaction_after(monkeypatch)
    await shared.defer_ingest(files(tmp_path, 3))
    async with working(make_worker(emu, dsn)):

        async def done() -> bool:
            return (await shared.totals()).open == 0

        await until(done)
    assert set(open_after) == {TransactionStatus.IDLE}


def no_transaction_after(monkeypatch: pytest.MonkeyPatch) -> list[TransactionStatus]:
    """Note the state of each connection whenever the server has answered."""
    seen: list[TransactionStatus] = []
    wait: Any = psycopg.AsyncConnection.wait

    async def waiting(connection: Any, *given: Any, **named: Any) -> Any:
        result = await wait(connection, *given, **named)
        seen.append(connection.info.transaction_status)
        return result

    monkeypatch.setattr(psycopg.AsyncConnection, "wait", waiting)
    return seen


# -- the budget


async def test_a_worker_that_always_loses_locks_the_row_and_others_wait_for_it(
    dsn: str, shared: Distributed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker far from the database, among many near it, gets its turn."""
    monkeypatch.setattr(postgres, "MAX_LOST_CHANGES", 3)
    monkeypatch.setattr(postgres, "FIRST_BACKOFF", 0.0)
    async with opened_database(dsn) as far:
        attempts: list[int] = []

        def step(state: dict[str, Any] | None, now: float) -> tuple[dict[str, Any], int]:
            n = (state or {"n": 0})["n"]
            attempts.append(n)
            with psycopg.connect(dsn, autocommit=True) as near:
                near.execute("SET lock_timeout = '50ms'")
                with contextlib.suppress(psycopg.errors.LockNotAvailable):
                    near.execute(
                        """INSERT INTO apivideo_ingest_budget VALUES ('reads', %s)
                        ON CONFLICT (name)
                        DO UPDATE SET state = excluded.state""",
                        [f'{{"n": {n + 1}}}'],
                    )
            return {"n": n + 100}, n

        assert await far.change("reads", step) == 3
    assert attempts == [0, 1, 2, 3]
    assert await state_of(shared) == {"n": 103}


async def state_of(shared: Distributed) -> Any:
    return await shared.database.change("reads", lambda state, now: (state or {}, state))


async def test_a_worker_that_freezes_with_the_row_locked_is_ended_by_the_server_and_recovers(
    dsn: str, shared: Distributed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "MAX_LOST_CHANGES", 0)
    monkeypatch.setattr(postgres, "MAX_SILENCE", 0.2)
    others_are_done = threading.Event()
    stepping = threading.Event()

    def frozen(state: dict[str, Any] | None, now: float) -> tuple[dict[str, Any], float]:
        stepping.set()
        others_are_done.wait()
        return {"n": (state or {"n": 0})["n"] + 1}, now

    async def work() -> None:
        async with opened_database(dsn) as database:
            await database.change("reads", frozen)

    await shared.database.change("reads", lambda state, now: ({"n": 1}, None))
    thread = threading.Thread(target=asyncio.run, args=[work()])
    thread.start()
    try:
        await asyncio.to_thread(stepping.wait)
        async with asyncio.timeout(TIMEOUT):
            await shared.database.change(
                "reads", lambda state, now: ({"n": (state or {"n": 0})["n"] + 10}, None)
            )
    finally:
        others_are_done.set()
        await asyncio.to_thread(thread.join)
    assert await state_of(shared) == {"n": 12}


# -- connections


async def test_connections_end_when_the_host_of_the_database_is_gone(shared: Distributed) -> None:
    async with shared.database.pool.connection() as connection, owned_socket(connection) as tcp:
        assert (
            tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            == dsn_module.RESPONSE_TIMEOUT * 1000
        )
        assert tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) < dsn_module.RESPONSE_TIMEOUT


async def test_what_the_address_says_about_connections_is_kept(dsn: str) -> None:
    given = f"{dsn}?tcp_user_timeout=4000&application_name=mine&options=-c%20lock_timeout%3D7s"
    async with opened_database(given) as database:
        assert await database.run("SELECT current_setting('application_name')", {}) == [("mine",)]
        assert await database.run("SELECT current_setting('lock_timeout')", {}) == [("7s",)]
        async with database.pool.connection() as connection, owned_socket(connection) as tcp:
            assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 4000


@contextlib.asynccontextmanager
async def owned_socket(connection: psycopg.AsyncConnection[Any]) -> AsyncIterator[socket.socket]:
    with socket.socket(fileno=os.dup(connection.fileno())) as tcp:
        yield tcp


async def test_time_in_which_a_worker_was_frozen_is_not_taken_for_an_outage(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One failed attempt that seems longer than ``outage_timeout`` does not end the statement."""
    async with opened_database(dsn, outage_timeout=300.0) as database:
        loop, failures = asyncio.get_running_loop(), 0
        clock, frozen = loop.time, 0.0
        monkeypatch.setattr(loop, "time", lambda: clock() + frozen)

        async def work(connection: psycopg.AsyncConnection[Any]) -> str:
            nonlocal failures, frozen
            failures += 1
            if failures > 2:
                return "done"
            frozen += 600.0
            raise psycopg.OperationalError("the connection was lost meanwhile")

        assert await database.repeat(work, "work") == "done"


@pytest.mark.parametrize(
    "error", [psycopg.errors.IdleInTransactionSessionTimeout, psycopg.errors.LockNotAvailable]
)
async def test_a_transaction_that_the_server_ended_is_repeated(
    shared: Distributed, error: Callable[[str], Exception]
) -> None:
    attempts = 0

    async def work(connection: psycopg.AsyncConnection[Any]) -> str:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise error("ended")
        return "done"

    assert await shared.database.repeat(work, "work") == "done"


# -- what is logged


async def test_a_wait_for_a_lock_is_logged_with_its_holder_and_once_more_when_it_is_over(
    dsn: str, shared: Distributed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delays, "SLOW", 0.1)
    await prepare(shared)
    async with await psycopg.AsyncConnection.connect(dsn, application_name="a tool") as tool:
        await tool.execute("SELECT * FROM apivideo_ingest_items FOR UPDATE")
        pid = tool.info.backend_pid
        with caplog.at_level(logging.WARNING):
            claims = [
                asyncio.create_task(shared.ledger.claim_key("w", "claimed", 60.0)) for _ in range(3)
            ]
            await until(lambda: "holds its lock" in caplog.text)
            await tool.rollback()
            await asyncio.gather(*claims)
    waiting, over = [record.getMessage() for record in caplog.records]
    assert "UPDATE apivideo_ingest_items" in waiting
    assert (
        f"process {pid} of the server (a tool, idle in transaction for 0 s) holds its lock"
        in waiting
    )
    assert "the database responds again" in over


async def test_time_in_which_this_process_was_stopped_is_no_wait() -> None:
    rung: list[str] = []
    alarm = Alarm(0.2, lambda: rung.append("rung"))
    time.sleep(0.4)  # As after SIGSTOP, the timer is due when the loop goes on.
    for _ in range(3):
        await asyncio.sleep(0)
    assert rung == []
    await until(lambda: rung)
    alarm.cancel()


async def test_tables_are_not_made_while_they_are_in_use_and_no_statement_waits_for_that(
    dsn: str, shared: Distributed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A statement that waits for a table lock blocks all later ones, so it fails and repeats."""
    monkeypatch.setattr(postgres, "INIT_LOCK_TIMEOUT", 0.2)
    await prepare(shared)
    async with await psycopg.AsyncConnection.connect(dsn) as tool:
        await tool.execute("UPDATE apivideo_ingest_items SET sent = 1 WHERE key = 'lost'")
        making = asyncio.create_task(init_database(dsn))
        await until(lambda: "lock timeout" in caplog.text)
        async with asyncio.timeout(TIMEOUT):
            await claim(shared)
        assert not making.done()
        await tool.rollback()
    await making
