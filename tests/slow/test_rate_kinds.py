"""The client against the emulator with every kind of rate limit header and window.

200 requests at a limit of 40 per 6 s. Almost all of the time is waiting. How much of the budget is
used depends on the speed of the machine, and so does which request finds a token in a bucket.
tests/unit/test_rate_kinds.py tests both in virtual time; here, one more 429 may come from a bucket.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator, RequestRecord
from apivideo_async.rate_limit.shared_limiter import shared_limiter
from tests.ingest.budgets import open_budget
from tests.unit.test_rate_kinds import COUNT, HEADERS, LENGTH, LIMIT, WINDOWS

pytestmark = pytest.mark.slow


@contextlib.asynccontextmanager
async def emulator(style: str | None, kind: str | None) -> AsyncIterator[Emulator]:
    quirks = {"rate-headers": style, "rate-window": kind}
    async with Emulator(
        rate_limits={"reads": LIMIT},
        rate_window=LENGTH,
        quirks={name: value for name, value in quirks.items() if value},
    ) as emu:
        yield emu


Style: TypeAlias = str | None


PAIRS = [
    (HEADERS[start : start + 2], kind) for kind in WINDOWS for start in range(0, len(HEADERS), 2)
]


async def together(run: Callable[[Style], Awaitable[None]], styles: Iterable[Style]) -> None:
    async def one(style: Style) -> None:
        try:
            await run(style)
        except AssertionError as error:
            raise AssertionError(f"{style}: {error}") from error

    async with asyncio.TaskGroup() as group:
        for style in styles:
            group.create_task(one(style))


def check(records: list[RequestRecord], kind: str | None) -> None:
    reads = [record for record in records if record.operation == "videos.list"]
    accepted = sorted(record.started for record in reads if record.status == 200)
    assert len(accepted) == COUNT
    refused = sorted(record.started for record in reads if record.status == 429)
    most = max((sum(at <= each < at + LENGTH for each in refused) for at in refused), default=0)
    assert most <= (3 if kind == "token-bucket" else 2)


@pytest.mark.parametrize(("styles", "kind"), PAIRS, ids=str)
async def test_one_client(styles: list[Style], kind: str | None) -> None:
    async def run(style: Style) -> None:
        async with (
            emulator(style, kind) as emu,
            ApiVideoClient(emu.api_key, base_url=emu.url) as client,
        ):
            await asyncio.gather(*(client.videos.list(page_size=1) for _ in range(COUNT)))
            check(emu.requests, kind)

    await together(run, styles)


@pytest.mark.parametrize("style", HEADERS, ids=str)
async def test_three_processes_with_a_shared_budget(style: Style, tmp_path: Path) -> None:
    """Each limiter is as that of a process of its own."""
    async with contextlib.AsyncExitStack() as stack:
        emu = await stack.enter_async_context(emulator(style, None))
        clients = []
        for number in range(3):
            budget = await stack.enter_async_context(
                contextlib.aclosing(await open_budget(str(tmp_path / f"{style}.db")))
            )
            limiter = await stack.enter_async_context(
                contextlib.aclosing(shared_limiter(budget, f"w{number}"))
            )
            client = ApiVideoClient(emu.api_key, base_url=emu.url, limiter=limiter)
            clients.append(await stack.enter_async_context(client))
        await asyncio.gather(
            *(clients[number % 3].videos.list(page_size=1) for number in range(COUNT))
        )
        check(emu.requests, None)
