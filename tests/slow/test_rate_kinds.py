"""The client against the emulator with every kind of rate limit header and window.

200 requests at a limit of 40 per 6 s, as tests/unit/test_rate_kinds.py tests in virtual time. Only
the windows that were full or had another after them count for the used budget, so that the result
does not depend on the time of the last request.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.emulator import Emulator, RequestRecord
from apivideo_async.rate_limit.shared_limiter import shared_limiter
from tests.ingest.budgets import open_budget
from tests.unit.test_rate_kinds import COUNT, HEADERS, LENGTH, LIMIT, WINDOWS

pytestmark = pytest.mark.slow

TIMES = 1 / 3
"""The windows have this length, and so have the pauses of the client."""


@contextlib.asynccontextmanager
async def emulator(style: str | None, kind: str | None) -> AsyncIterator[Emulator]:
    quirks = {"rate-headers": style, "rate-window": kind}
    async with Emulator(
        rate_limits={"reads": LIMIT},
        rate_window=LENGTH,
        quirks={name: value for name, value in quirks.items() if value},
    ) as emu:
        yield emu


def check(records: list[RequestRecord]) -> None:
    reads = [record for record in records if record.operation == "videos.list"]
    accepted = sorted(record.started for record in reads if record.status == 200)
    refused = sorted(record.started for record in reads if record.status == 429)
    assert len(accepted) == COUNT
    most = max((sum(at <= each < at + LENGTH for each in refused) for at in refused), default=0)
    assert most <= 2
    taken = accepted[-1] - accepted[0]
    assert COUNT / LIMIT * LENGTH / taken >= 0.9


@pytest.mark.parametrize("kind", WINDOWS, ids=str)
@pytest.mark.parametrize("style", HEADERS, ids=str)
async def test_one_client(style: str | None, kind: str | None) -> None:
    async with (
        emulator(style, kind) as emu,
        ApiVideoClient(emu.api_key, base_url=emu.url) as client,
    ):
        await asyncio.gather(*(client.videos.list(page_size=1) for _ in range(COUNT)))
        check(emu.requests)


@pytest.mark.parametrize("style", HEADERS, ids=str)
async def test_three_processes_with_a_shared_budget(style: str | None, tmp_path: Path) -> None:
    """Each limiter is as that of a process of its own."""
    async with contextlib.AsyncExitStack() as stack:
        emu = await stack.enter_async_context(emulator(style, None))
        clients = []
        for number in range(3):
            budget = await stack.enter_async_context(
                contextlib.aclosing(await open_budget(str(tmp_path / "budget.db")))
            )
            limiter = await stack.enter_async_context(
                contextlib.aclosing(shared_limiter(budget, f"w{number}"))
            )
            client = ApiVideoClient(emu.api_key, base_url=emu.url, limiter=limiter)
            clients.append(await stack.enter_async_context(client))
        await asyncio.gather(
            *(clients[number % 3].videos.list(page_size=1) for number in range(COUNT))
        )
        check(emu.requests)
