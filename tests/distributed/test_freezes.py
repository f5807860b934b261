"""Twenty times, one of several workers is frozen at a random moment: the others go on.

``APIVIDEO_CHAOS_SEED`` makes other runs.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from apivideo_async.distributed import Distributed
from apivideo_async.emulator import Emulator
from apivideo_async.ingest.items import Item
from tests.conftest import CHUNK

WORKERS = 6
FREEZES = 20
FROZEN = 15.0
"""Seconds of each freeze; longer than the others may stop for."""
AT_ONCE = WORKERS - 1
LONGEST_STOP = 10.0
"""Seconds for which the other workers may stop (the requirement)."""
LEASE, CONCURRENCY = 2.0, 4
LIMIT = 40
"""Uploads a second: the budget is spent and exchanged all the time."""
ITEMS = int(1.5 * LIMIT * FREEZES * FROZEN / AT_ONCE)
"""More than the budget allows for."""
PATIENCE = 60.0
"""Seconds for the workers to begin."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@contextmanager
def started(emu: Emulator, dsn: str, log: Path) -> "Iterator[list[subprocess.Popen[bytes]]]":
    env = {**os.environ, "APIVIDEO_API_KEY": emu.api_key, "APIVIDEO_BASE_URL": emu.url}
    command = [
        sys.executable,
        str(Path(__file__).with_name("worker_process.py")),
        dsn,
        str(LEASE),
        str(CONCURRENCY),
    ]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("wb") as output:
            processes += [
                subprocess.Popen(command, env=env, stdout=output, stderr=output)
                for _ in range(WORKERS)
            ]
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()
        print(log.read_text(errors="replace")[-6_000:])


async def freeze(processes: "list[subprocess.Popen[bytes]]", chance: random.Random) -> None:
    """Freeze workers one after the other, several at once, and thaw all of them."""
    thawing: dict[subprocess.Popen[bytes], asyncio.Task[None]] = {}

    async def thaw(process: "subprocess.Popen[bytes]") -> None:
        await asyncio.sleep(FROZEN)
        process.send_signal(signal.SIGCONT)
        del thawing[process]

    for _ in range(FREEZES):
        while len(thawing) >= AT_ONCE:
            await asyncio.wait(thawing.values(), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        process = chance.choice([process for process in processes if process not in thawing])
        process.send_signal(signal.SIGSTOP)
        thawing[process] = asyncio.create_task(thaw(process))
    await asyncio.gather(*thawing.values())


async def test_twenty_frozen_workers_do_not_stop_the_others(dsn: str, tmp_path: Path) -> None:
    seed = int(os.environ.get("APIVIDEO_CHAOS_SEED") or 7)
    print(f"APIVIDEO_CHAOS_SEED={seed}")
    (path := tmp_path / "small.mp4").write_bytes(b"x" * 2_000)
    limits = {"uploads": LIMIT, "writes": LIMIT, "reads": 10 * LIMIT}
    with Emulator(
        min_chunk=CHUNK, rate_limits=limits, rate_window=1.0, discard=True
    ).in_thread() as emu:
        async with Distributed(dsn) as shared:
            await shared.defer_ingest(
                Item(key=f"{number:05}", uri=str(path)) for number in range(ITEMS)
            )
            with started(emu, dsn, tmp_path / "log") as processes:
                async with asyncio.timeout(PATIENCE):
                    while len(emu.requests) < 5 * LIMIT:
                        await asyncio.sleep(0.1)
                first = len(emu.requests)
                await freeze(processes, random.Random(seed))
                sent = [record.started for record in emu.requests[first:]]
                assert (await shared.totals()).open > 0, "the workers ran out of work"
                assert [process.poll() for process in processes] == [None] * WORKERS, (
                    "a worker ended by itself"
                )
                # All of them go on: each has recovered.
                for process in processes:
                    process.terminate()
                assert {process.wait(20) for process in processes} == {0}
    longest = max(later - earlier for earlier, later in pairwise(sent))
    print(f"{len(sent)} requests while workers were frozen; the longest stop was {longest:.1f} s")
    assert longest <= LONGEST_STOP
