"""The faults, and what must be true after each of them, for the matrix and the soak."""

import asyncio
import gc
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import psutil
import pytest

from apivideo_async import ApiVideoClient, RetryPolicy, Timeouts
from apivideo_async.emulator import Emulator
from tests.conftest import CHUNK, options

QUICK = RetryPolicy(
    first_delay=0.01, longest_delay=0.05, attempts=5, seconds=2, rate_limit_seconds=2, settle=0.1
)
IMPATIENT = Timeouts(connect=1, response=0.4, stall=0.4)
TOO_LONG = 0.7
"""Seconds that a client with IMPATIENT does not wait."""
BLIND = 0.2
"""Seconds to wait after a 429 that says nothing, in place of 5."""

FAULTS: dict[str, dict[str, Any]] = {
    "drop-response": {},
    "status 500": {"action": "status", "status": 500},
    "status 503 html": {
        "action": "status",
        "status": 503,
        "body": "<html>",
        "content_type": "text/html",
    },
    "reset-before": {},
    "reset-during": {"after_bytes": 30_000},
    "reset-after": {},
    "delay": {"seconds": 0.05},
    "delay too long": {"action": "delay", "seconds": TOO_LONG},
    "reject-early": {"status": 502},
    "expire-tokens": {},
    "rate-limit": {"retry_after": 0.05},
    "rate-limit bare": {"action": "rate-limit", "retry_after": None},
    "stall": {"after_bytes": 20_000, "seconds": 0.05},
    "stall too long": {"action": "stall", "after_bytes": 20_000, "seconds": TOO_LONG},
    "stall reset": {"action": "stall", "after_bytes": 20_000, "seconds": 0.05, "resets": True},
    "truncate": {},
    "html": {},
    "page without execution": {
        "action": "status",
        "status": 200,
        "body": "<html>",
        "content_type": "text/html",
    },
    "json of another kind": {"action": "html", "body": "[]", "content_type": "application/json"},
    "duplicate": {},
    "trickle": {"seconds": 0.05},
    "trickle too long": {"action": "trickle", "seconds": TOO_LONG},
    "refuse": {"seconds": 0.05},
    "refuse long": {"action": "refuse", "seconds": 0.4},
    "clock-jump": {"seconds": 4_000},
}

SLOW = {name for name, how in FAULTS.items() if how.get("seconds", 0) >= 0.4} - {"clock-jump"}
"""These take seconds when they happen at every place."""


def fault_of(name: str) -> dict[str, Any]:
    return {"action": name, **FAULTS[name]}


@asynccontextmanager
async def client_of(emu: Emulator, **changes: Any) -> AsyncIterator[ApiVideoClient]:
    """Open a client that does not dawdle."""
    given = {"retry": QUICK, "timeouts": IMPATIENT, "upload": options(), **changes}
    async with ApiVideoClient(emu.api_key, base_url=emu.url, **given) as client:
        yield client


@contextmanager
def emulator(**settings: Any) -> Iterator[Emulator]:
    """Serve from a thread, so that the tasks of this loop are the client's alone."""
    with Emulator(min_chunk=CHUNK, **settings).in_thread() as emu:
        yield emu
    gc.collect()  # A socket that is left here is reported in the test that left it.


async def until_open(emu: Emulator) -> None:
    """Wait while a fault keeps the port shut."""
    while True:
        try:
            _, writer = await asyncio.open_connection(emu.host, emu.port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            await writer.wait_closed()
            return


def descriptors() -> Counter[str]:
    """What is open."""
    folder = "/proc/self/fd"
    if not os.path.isdir(folder):
        return Counter({"descriptor": psutil.Process().num_fds()})
    found: Counter[str] = Counter()
    for name in os.listdir(folder):
        with suppress(OSError):
            found[os.readlink(f"{folder}/{name}")] += 1
    return found


@asynccontextmanager
async def nothing_left(
    caplog: pytest.LogCaptureFixture, seconds: float = 2.0
) -> AsyncIterator[None]:
    """Fail if the block leaves a task, a descriptor or a report of an unhandled exception."""
    loop = asyncio.get_running_loop()
    tasks, before = asyncio.all_tasks(), descriptors()
    reports: list[Any] = []
    loop.set_exception_handler(lambda _, report: reports.append(report))
    try:
        yield
        assert asyncio.all_tasks() <= tasks
        deadline = loop.time() + seconds
        while (more := descriptors()).total() > before.total() and loop.time() < deadline:
            await asyncio.sleep(
                0.01
            )  # The emulator notices a little later that a connection has ended.
        assert more.total() <= before.total(), (
            more - before,
            before - more,
            psutil.Process().net_connections("all"),
        )
        gc.collect()
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)
    assert reports == []
    assert [
        record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR
    ] == []
