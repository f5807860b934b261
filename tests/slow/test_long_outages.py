"""Real outages with the default policy: no call fails, and nothing is sent twice.

``APIVIDEO_OUTAGES`` sets the durations in seconds, such as ``5,20,60,280``.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from apivideo_async import ApiVideoClient
from apivideo_async.distributed import Distributed, Worker, init_database
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.ingest import Ingest
from apivideo_async.uploads.sources.types import Source
from tests.conftest import CHUNK, data_of, options, sha256
from tests.distributed.conftest import files
from tests.faults.cases import emulator
from tests.faults.proxy import FaultProxy, fault_proxy

pytestmark = [pytest.mark.slow]

DURATIONS = [float(text) for text in (os.environ.get("APIVIDEO_OUTAGES") or "5").split(",")]
KINDS = ["refuse", "reset", "hole"]
DATA = data_of(20 * CHUNK - 5)


class Paused(Source):
    """Returns the second half when the outage has begun."""

    name = "t.mp4"
    size = len(DATA)

    def __init__(self, began: asyncio.Event) -> None:
        self._began = began

    async def read(self, start: int, size: int) -> AsyncIterator[bytes]:
        if start >= len(DATA) // 2:
            await self._began.wait()
        yield DATA[start : start + size]


async def run_outage(
    emu: Emulator, proxy: FaultProxy, client: ApiVideoClient, kind: str, seconds: float
) -> None:
    if kind == "refuse":
        emu.faults.add(Fault("tags.list", "refuse", seconds=seconds))
        task = asyncio.create_task(client.tags.list().first())
        await asyncio.sleep(seconds)
        await task
    else:
        proxy.outage = "reset" if kind == "reset" else "hole"
        await asyncio.sleep(seconds)
        proxy.outage = ""


def check_sent_once(emu: Emulator) -> None:
    sent = [
        (record.path, record.content_range)
        for record in emu.requests
        if record.operation == "videos.upload"
    ]
    stored = [
        (record.path, record.content_range)
        for record in emu.requests
        if record.operation == "videos.upload" and record.status == 201
    ]
    assert len(stored) == len(set(stored)) == len({*sent})
    assert not [record for record in emu.requests if record.status == 400]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seconds", DURATIONS)
async def test_no_call_fails_in_an_outage(
    tmp_path: Path, postgres_dsn: str, kind: str, seconds: float
) -> None:
    await init_database(postgres_dsn)
    (tmp_path / "ingest").mkdir()
    (tmp_path / "worker").mkdir()
    loop = asyncio.get_running_loop()
    with emulator(encoding=seconds + 1) as emu, fault_proxy(emu.port) as proxy:
        url = emu.url if kind == "refuse" else f"http://127.0.0.1:{proxy.port}"

        def new_client(**given: Any) -> ApiVideoClient:
            upload = options(concurrency=2)
            return ApiVideoClient(emu.api_key, base_url=url, upload=upload, **given)

        async with new_client() as client, Distributed(postgres_dsn) as shared:
            first = await client.upload(b"first", title="first")
            await client.videos.create(title="second")
            began, done = asyncio.Event(), {}
            worker = Worker(postgres_dsn, lambda limiter: new_client(limiter=limiter))
            working = asyncio.create_task(worker.run())

            async def listing() -> int:
                count = 0
                async for _ in client.videos.list(page_size=1, prefetch=0):
                    await began.wait()
                    count += 1
                return count

            async def ingesting() -> int:
                await began.wait()
                async with Ingest(client, tmp_path / "ledger.db") as ingest:
                    results = [each async for each in ingest.run(files(tmp_path / "ingest", 5))]
                return sum(each.outcome == "done" for each in results)

            async def distributed() -> int:
                await began.wait()
                async for _ in shared.deferring(files(tmp_path / "worker", 5, first=50)):
                    pass
                while (await shared.totals()).count("done") < 5:
                    await asyncio.sleep(0.2)
                return (await shared.totals()).count()

            async def timed(name: str, work: Any) -> Any:
                result = await work
                done[name] = loop.time() - ended
                return result

            ended = loop.time() + seconds
            tasks = {
                "upload": client.upload(Paused(began), title="t", idempotency_key="key"),
                "wait": client.videos.wait_until_playable(first.video_id),
                "list": listing(),
                "ingest": ingesting(),
                "worker": distributed(),
            }
            running = {name: asyncio.create_task(timed(name, work)) for name, work in tasks.items()}
            await asyncio.sleep(3)
            ended = loop.time() + seconds
            outage = asyncio.create_task(run_outage(emu, proxy, client, kind, seconds))
            await asyncio.sleep(0.5)
            began.set()
            results = {name: await task for name, task in running.items()}
            await outage
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
        print(kind, seconds, {name: round(value, 1) for name, value in done.items()})
        assert emu.sha256(results["upload"].video_id) == sha256(DATA)
        assert results["list"] >= 2
        assert (results["ingest"], results["worker"]) == (5, 5)
        assert len(emu.state.videos) == 2 + 1 + 10
        check_sent_once(emu)
