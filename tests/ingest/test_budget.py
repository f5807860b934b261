"""One suite for every database that stores a budget, and for limiters that share it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from apivideo_async import ApiVideoClient, ConfigurationError
from apivideo_async.distributed.postgres import PostgresDatabase
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.errors import ApiTimeoutError
from apivideo_async.protocol.request import Priority, build_request
from apivideo_async.protocol.response import Response
from apivideo_async.rate_limit import pace
from apivideo_async.rate_limit import shared_limiter as budget_module
from apivideo_async.rate_limit.limiter import Limiter, Permit
from apivideo_async.rate_limit.shared_limiter import Budget, shared_limiter
from apivideo_async.rate_limit.shared_window import Exchange, exchange
from apivideo_async.rate_limit.window import UNKNOWN_BUDGET
from tests.client.test_budget import LIMIT, limited, windows
from tests.client.test_uploads import uploads
from tests.conftest import CHUNK, QUICK
from tests.ingest.budgets import SqliteBudget, Step, T, open_budget
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        str(tmp_path / "budget.db")
        if request.param == "sqlite"
        else request.getfixturevalue("postgres_dsn")
    )


class Watched:
    """Counts the changes. While ``loses`` is set, it loses every second answer."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.changes = 0
        self.loses = False

    async def change(self, name: str, step: Step[T]) -> T:
        self.changes += 1
        result = await self.budget.change(name, step)
        if self.loses and self.changes % 2:
            raise ConnectionError("the answer is lost")
        return result


class Workers:
    """Limiters on one database, each as of a process of its own."""

    def __init__(self, where: str, stack: contextlib.AsyncExitStack) -> None:
        self._where, self._stack = where, stack

    async def budget(self) -> Watched:
        return Watched(
            await self._stack.enter_async_context(
                contextlib.aclosing(await open_budget(self._where))
            )
        )

    async def limiter(self, budget: Budget | None = None, ttl: float = 60.0) -> Limiter:
        limiter = shared_limiter(budget or await self.budget(), "w", ttl=ttl)
        return await self._stack.enter_async_context(contextlib.aclosing(limiter))

    async def client(self, emu: Emulator, limiter: Limiter | None = None) -> ApiVideoClient:
        made = ApiVideoClient(
            emu.api_key, base_url=emu.url, retry=QUICK, limiter=limiter or await self.limiter()
        )
        return await self._stack.enter_async_context(made)

    async def state(self) -> dict[str, Any]:
        def look(state: dict[str, Any] | None, now: float) -> tuple[dict[str, Any], dict[str, Any]]:
            return state or {}, state or {}

        return await (await self.budget()).change("uploads", look)


@pytest.fixture
async def workers(where: str) -> AsyncIterator[Workers]:
    async with contextlib.AsyncExitStack() as stack:
        yield Workers(where, stack)


def ask(
    limiter: Limiter, longest: float | None = 10.0, priority: Priority = Priority.NORMAL
) -> Any:
    request = build_request(
        "videos.upload", "POST", "/videos/vi1/source", limit_class="uploads", priority=priority
    )
    return limiter.permit(request, longest)


def answer(permit: Permit, remaining: int, resets_in: float = 60.0, limit: int = 10) -> None:
    headers = {"limit": limit, "remaining": remaining, "retry-after": resets_in}
    permit.answered(
        Response(201, {f"x-ratelimit-{name}": str(value) for name, value in headers.items()}, b"")
    )


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


# -- what a database does


async def test_a_state_is_none_at_first_and_then_what_was_written(where: str) -> None:
    async with contextlib.aclosing(await open_budget(where)) as budget:
        seen = [
            await budget.change(
                "reads", lambda state, now: ({"n": (state or {"n": 0})["n"] + 1}, state)
            )
        ]
        seen.append(await budget.change("reads", lambda state, now: ({"n": 0}, state)))
        seen.append(await budget.change("writes", lambda state, now: ({}, state)))
    assert seen == [None, {"n": 1}, None]


async def test_changes_of_several_workers_do_not_overlap(where: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        many = [
            await stack.enter_async_context(contextlib.aclosing(await open_budget(where)))
            for _ in range(4)
        ]

        def count(
            state: dict[str, Any] | None, now: float
        ) -> tuple[dict[str, Any], tuple[int, float]]:
            counted = (state or {"n": 0})["n"] + 1
            return {"n": counted}, (counted, now)

        seen = await asyncio.gather(
            *(budget.change("reads", count) for budget in many for _ in range(10))
        )
    assert sorted(number for number, _ in seen) == list(range(1, 41))
    assert [now for _, now in sorted(seen)] == sorted(now for _, now in seen), (
        "time is read under the lock"
    )


async def test_a_step_that_fails_changes_nothing(where: str) -> None:
    async with contextlib.aclosing(await open_budget(where)) as budget:
        await budget.change("reads", lambda state, now: ({"n": 1}, None))
        with pytest.raises(ZeroDivisionError):
            await budget.change("reads", lambda state, now: ({"n": 1 // 0}, None))
        assert await budget.change("reads", lambda state, now: ({}, state)) == {"n": 1}


# -- what workers do


async def test_workers_together_overrun_no_window(workers: Workers) -> None:
    async with Emulator(min_chunk=CHUNK, **limited()) as emu:
        clients = [await workers.client(emu) for _ in range(3)]

        async def upload(client: ApiVideoClient) -> None:
            async for result in client.upload_many([b"x"] * LIMIT, concurrency=4):
                assert result.video, result.error

        await asyncio.gather(*(upload(client) for client in clients))
        assert [record for record in emu.requests if record.status == 429] == []
        used = windows(uploads(emu))
    assert sum(used) == 3 * LIMIT
    assert max(used) <= LIMIT


async def test_a_429_of_one_worker_pauses_all(workers: Workers) -> None:
    async with Emulator() as emu:
        emu.faults.add(Fault("videos.upload", "rate-limit", retry_after=0.8))
        first, second = await workers.client(emu), await workers.client(emu)
        working = asyncio.create_task(first.upload(b"x", title="t"))
        await until(lambda: any(record.status == 429 for record in emu.requests))
        await asyncio.sleep(0.1)
        await second.upload(b"y", title="t")
        await working
        refused, *later = uploads(emu)
    assert refused.status == 429
    assert min(record.started for record in later) - refused.started >= 0.8


async def test_a_class_without_limits_costs_hardly_any_exchanges(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once more requests were accepted than any documented limit allows."""
    monkeypatch.setattr(pace, "LIMITS", (4,))
    monkeypatch.setattr(pace, "CARE", 1)
    budget = await workers.budget()
    async with Emulator(discard=True, quirks={"rate-headers": "absent"}) as emu:
        client = await workers.client(emu, await workers.limiter(budget))
        async for result in client.upload_many([b"x"] * 100, concurrency=8):
            assert result.video, result.error
    assert budget.changes <= 20


async def test_what_waits_starts_by_priority(workers: Workers) -> None:
    limiter = await workers.limiter()
    first = await ask(limiter)
    order: list[str] = []
    answer(first, remaining=0, resets_in=0.3)

    async def go(name: str, priority: Priority) -> None:
        answer(await ask(limiter, priority=priority), remaining=0, resets_in=0.2, limit=1)
        order.append(name)

    polls = asyncio.create_task(go("poll", Priority.POLL))
    await asyncio.sleep(0.1)
    await go("other", Priority.NORMAL)
    await polls
    assert order == ["other", "poll"]


async def test_a_request_starts_soon_after_a_response_of_another_worker(workers: Workers) -> None:
    one, other = await workers.limiter(), await workers.limiter()
    answer(await ask(one), remaining=2)
    permits = [await ask(one), await ask(one)]
    waiting = asyncio.create_task(ask(other))
    await asyncio.sleep(0.15)
    assert not waiting.done()
    permits[0].close()
    async with asyncio.timeout(60):
        (await waiting).close()


async def test_a_cancelled_request_leaves_nothing_behind(workers: Workers) -> None:
    limiter = await workers.limiter()
    answer(await ask(limiter), remaining=0, resets_in=2.0)
    for wait in (0.001, 0.03):
        with pytest.raises(ApiTimeoutError, match="no request budget within"):
            await ask(limiter, longest=wait)
    permit = await ask(limiter)
    assert limiter.window("uploads").in_flight == 1
    permit.close()
    await limiter.aclose()
    assert (await workers.state())["owners"] == {}


@pytest.mark.parametrize("moment", [0, 1, 2, 3, 5, 8, 13])
async def test_a_request_that_is_cancelled_at_its_admission_returns_its_place(
    workers: Workers, moment: int
) -> None:
    limiter, other = await workers.limiter(), await workers.limiter()
    answer(await ask(limiter), remaining=1)
    await (await workers.limiter()).aclose()
    asking = asyncio.create_task(ask(limiter))
    for _ in range(moment):
        await asyncio.sleep(0.0005)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        (await asking).close()
    async with asyncio.timeout(60):
        await ask(other)


async def test_requests_of_a_dead_worker_are_abandoned_after_its_ttl(workers: Workers) -> None:
    victim, survivor = await workers.limiter(ttl=0.4), await workers.limiter()
    for _ in range(16):
        await ask(victim)
    end_without_a_word(victim)
    with pytest.raises(ApiTimeoutError):
        await ask(survivor, longest=0.2)
    (await ask(survivor, longest=2.0)).close()


def end_without_a_word(limiter: Limiter) -> None:
    """What SIGKILL does."""
    lane: Any = limiter._lanes["uploads"]
    lane._task.cancel()
    lane._task, lane._closed = None, True


async def test_a_worker_with_a_long_request_is_not_taken_for_dead(workers: Workers) -> None:
    slow, other = await workers.limiter(ttl=0.3), await workers.limiter()
    permits = [await ask(slow) for _ in range(16)]
    with pytest.raises(ApiTimeoutError):
        await ask(other, longest=1.0)
    for permit in permits:
        permit.close()


async def test_exchanges_whose_answers_are_lost_grant_nothing_twice(workers: Workers) -> None:
    budget = await workers.budget()
    budget.loses = True
    limiter = await workers.limiter(budget)
    answer(await ask(limiter), remaining=5)
    permits = [await ask(limiter) for _ in range(5)]
    with pytest.raises(ApiTimeoutError):
        await ask(limiter, longest=0.5)
    assert limiter.window("uploads").in_flight == 5
    for permit in permits:
        permit.close()
    await limiter.aclose()
    state = await workers.state()
    assert (state["owners"], state["window"]["remaining"]) == ({}, 5)


async def test_a_closed_limiter_abandons_its_requests(workers: Workers) -> None:
    limiter, other = await workers.limiter(), await workers.limiter()
    answer(await ask(limiter), remaining=1)
    left = await ask(limiter)
    waiting = asyncio.create_task(ask(limiter))
    await asyncio.sleep(0.1)
    await limiter.aclose()
    with pytest.raises(ConfigurationError, match="closed"):
        await waiting
    with pytest.raises(ConfigurationError, match="closed"):
        await ask(limiter)
    left.sending()
    left.close()
    assert (await workers.state())["owners"] == {}
    with pytest.raises(ApiTimeoutError):
        await ask(other, longest=0.2)


async def test_the_plan_of_an_upload_sees_what_is_left(workers: Workers) -> None:
    limiter = await workers.limiter()
    assert limiter.spare("uploads") is None
    answer(await ask(limiter), remaining=7)
    (await ask(limiter)).close()
    await until(lambda: limiter.spare("uploads") == 7)
    answer(await ask(limiter), remaining=0)
    with pytest.raises(ApiTimeoutError):
        await ask(limiter, longest=0.1)
    assert limiter.spare("uploads") == 0


def test_a_frozen_worker_that_holds_every_place_holds_up_others_for_less_than_ten_seconds() -> None:
    """Waiting workers check at least every ``LONGEST_RECHECK`` seconds."""

    def ask(owner: str) -> Exchange:
        return Exchange(
            owner=owner, number=1, sent=0.0, wanted=UNKNOWN_BUDGET, ttl=budget_module.TTL
        )

    state, frozen = exchange(None, 0.0, ask("frozen"))
    state, early = exchange(state, 1.0, ask("early"))
    _, late = exchange(state, 10.0 - budget_module.LONGEST_RECHECK, ask("late"))
    assert (frozen.count, early.count, early.sooner, late.count) == (
        UNKNOWN_BUDGET,
        0,
        True,
        UNKNOWN_BUDGET,
    )


# -- when the database is down


@pytest.mark.slow
async def test_requests_wait_while_the_database_is_down_and_go_on_after_it(
    own_postgres: PostgresServer,
) -> None:
    with own_postgres.database() as dsn:
        budget = await open_budget(dsn)
        assert isinstance(budget, PostgresDatabase)
        await goes_on(budget, down=own_postgres.stop, up=own_postgres.start)


async def test_requests_wait_while_the_file_is_missing_and_the_log_has_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder := tmp_path / "there").mkdir()
    budget = SqliteBudget(str(folder / "budget.db"))
    away = tmp_path / "away"
    with caplog.at_level(logging.WARNING):
        await goes_on(budget, down=lambda: folder.rename(away), up=lambda: away.rename(folder))
    said = [record.message for record in caplog.records]
    assert [text.count("cannot be used") for text in said] == [1, 0]
    assert "can be used again" in said[1]


async def goes_on(
    budget: SqliteBudget | PostgresDatabase,
    down: Callable[[], object],
    up: Callable[[], object],
) -> None:
    """What was answered meanwhile is not forgotten."""
    async with (
        contextlib.aclosing(budget),
        contextlib.aclosing(shared_limiter(budget, "w")) as limiter,
    ):
        permit = await ask(limiter)
        await asyncio.to_thread(down)
        answer(permit, remaining=1)
        with pytest.raises(ApiTimeoutError):
            await ask(limiter, longest=1.0)
        await asyncio.to_thread(up)
        await ask(limiter)
        with pytest.raises(ApiTimeoutError):
            await ask(limiter, longest=0.1)


class Mute:
    """A budget that does not answer for a while, as when another session holds its lock."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()

    async def change(self, name: str, step: Step[T]) -> T:
        await self.answers.wait()
        return step(None, 0.0)[1]


async def test_a_long_wait_for_the_budget_is_logged_once_and_its_end_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(budget_module, "SLOW", 0.02)
    mute = Mute()
    async with contextlib.aclosing(shared_limiter(mute, "w")) as limiter:
        waiting = asyncio.create_task(ask(limiter))
        await until(lambda: bool(caplog.records))
        mute.answers.set()
        (await waiting).close()
    assert [record.message for record in caplog.records] == [
        "uploads: requests wait, because the shared budget cannot be used: no answer yet",
        "uploads: the shared budget can be used again",
    ]


async def test_closing_does_not_wait_for_a_database_that_is_down(tmp_path: Path) -> None:
    (folder := tmp_path / "there").mkdir()
    limiter = shared_limiter(SqliteBudget(str(folder / "budget.db")), "w")
    await ask(limiter)
    folder.rename(tmp_path / "away")
    async with asyncio.timeout(60):
        await limiter.aclose()


async def test_closing_does_not_wait_for_a_database_that_does_not_answer(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its requests in flight are abandoned after ``ttl``, as after a kill."""
    monkeypatch.setattr(budget_module, "CLOSE_SECONDS", 0.3)
    async with contextlib.aclosing(await open_budget(postgres_dsn)) as budget:
        limiter = shared_limiter(budget, "w")
        await ask(limiter)
        async with (
            await psycopg.AsyncConnection.connect(postgres_dsn) as other,
            asyncio.timeout(60),
        ):
            await other.execute("SELECT * FROM apivideo_ingest_budget FOR UPDATE")
            await limiter.aclose()
    assert "without a last exchange" in caplog.text
