"""Three workers are killed and frozen beyond their leases while requests and responses get lost.

``APIVIDEO_CHAOS_SEED`` makes other runs, ``APIVIDEO_CHAOS_FILES`` longer ones.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.distributed import Distributed
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.emulator.state.request_log import RequestRecord
from apivideo_async.ingest import Stores, list_objects
from apivideo_async.ingest.items import Item, Record
from tests.conftest import CHUNK, data_of, sha256
from tests.s3 import BUCKET

from .conftest import item_of

WORKERS = 3
FILES = int(os.environ.get("APIVIDEO_CHAOS_FILES") or 240)
OBJECTS = FILES // 4
ITEMS = FILES + OBJECTS
LEASE = 2.0
CONCURRENCY = 4
EVENTS = 16
"""Kills and stops, at least."""
PATIENCE = 120 + 0.6 * ITEMS
"""Seconds after which the workers count as stuck. Half of it suffices on a busy machine."""
KINDS = {
    "status": {"status": 500},
    "reset-before": {},
    "reset-during": {"after_bytes": 20_000},
    "reset-after": {},
    "reject-early": {"status": 502},
    "truncate": {},
    "html": {},
    "rate-limit": {"retry_after": 0.05},
    "expire-tokens": {},
}


pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE + 130)]


class Workers:
    """Worker processes that bad things happen to."""

    def __init__(
        self, command: list[str], env: dict[str, str], log: Path, chance: random.Random
    ) -> None:
        self._command = command
        self._env = env
        self._log = log
        self._chance = chance
        self._running: list[subprocess.Popen[bytes]] = []
        self._frozen: dict[subprocess.Popen[bytes], float] = {}
        self.kills = 0
        self.stops = 0

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._running.append(
                subprocess.Popen(self._command, env=self._env, stdout=log, stderr=log)
            )

    def disturb(self, now: float) -> None:
        """Kill one, or freeze one for longer than a lease."""
        process = self._chance.choice(self._running)
        if process in self._frozen or self._chance.random() < 0.5:
            process.kill()
            process.wait()
            self._running.remove(process)
            self._frozen.pop(process, None)
            self.kills += 1
            self.start()
        else:
            process.send_signal(signal.SIGSTOP)
            self._frozen[process] = now + self._chance.uniform(1.2, 2.0) * LEASE
            self.stops += 1

    def thaw(self, now: float) -> None:
        for process, until in list(self._frozen.items()):
            if now >= until:
                process.send_signal(signal.SIGCONT)
                del self._frozen[process]

    def died(self) -> list[int]:
        return [code for process in self._running if (code := process.poll()) is not None]

    def end(self) -> list[int]:
        """Let them end in order; their exit codes."""
        self.thaw(float("inf"))
        for process in self._running:
            process.terminate()
        return [process.wait(20) for process in self._running]

    def kill(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()


@contextmanager
def workers(emu: Emulator, dsn: str, folder: Path, chance: random.Random) -> Iterator[Workers]:
    env = {**os.environ, "APIVIDEO_API_KEY": emu.api_key, "APIVIDEO_BASE_URL": emu.url}
    command = [
        sys.executable,
        str(Path(__file__).with_name("worker_process.py")),
        dsn,
        str(LEASE),
        str(CONCURRENCY),
    ]
    made = Workers(command, env, folder / "workers.log", chance)
    try:
        for _ in range(WORKERS):
            made.start()
        yield made
    finally:
        made.kill()
        print((folder / "workers.log").read_text(errors="replace")[-4_000:])


async def sources(
    folder: Path, s3: Any, chance: random.Random
) -> tuple[list[Item], dict[str, str]]:
    """Files of a folder and objects of a bucket, and the digest of each by its key."""
    folder.mkdir()
    items, digests = [], {}
    for number in range(ITEMS):
        size = (
            chance.randrange(1, CHUNK)
            if chance.random() < 0.6
            else chance.randrange(CHUNK, 12 * CHUNK)
        )
        data, name = data_of(size, seed=chance.randrange(1 << 30)), f"{number}.mp4"
        digests[name] = sha256(data)
        if number < FILES:
            (folder / name).write_bytes(data)
            items.append(item_of(folder / name))
        else:
            s3.put_object(Bucket=BUCKET, Key=name, Body=data)
    async with Stores() as stores:
        items += [item async for item in list_objects(f"s3://{BUCKET}/", stores=stores)]
    return items, {item.key: digests[item.uri.rpartition("/")[2]] for item in items}


def faults() -> list[Fault]:
    """One request in twenty fails, one answer in fifty is lost, and nothing is quick."""
    failing = [
        Fault("*", kind, probability=0.05 / len(KINDS), times=None, **how)
        for kind, how in KINDS.items()
    ]  # type: ignore[arg-type]
    slow = Fault("videos.upload", "delay", probability=0.6, times=None, seconds=0.3)
    return [*failing, Fault("*", "drop-response", probability=0.02, times=None), slow]


async def test_every_source_becomes_one_video(dsn: str, tmp_path: Path, s3: Any) -> None:
    seed = int(os.environ.get("APIVIDEO_CHAOS_SEED") or 11)
    print(f"APIVIDEO_CHAOS_SEED={seed}")
    chance = random.Random(seed)
    items, digests = await sources(tmp_path / "sources", s3, chance)
    limits = {"uploads": 400, "writes": 400, "reads": 1_000}
    with Emulator(
        min_chunk=CHUNK, seed=seed, rate_limits=limits, rate_window=1.0
    ).in_thread() as emu:
        emu.faults.add(*faults())
        async with Distributed(dsn) as shared:
            await shared.defer_ingest(items)
            with workers(emu, dsn, tmp_path, chance) as running:
                await disturb(running, shared, emu.requests, chance)
                # One that has just been started knows of no signals yet.
                assert set(running.end()) <= {0, -signal.SIGTERM}
            records = [record async for record in shared.ledger.records()]
        print(f"{running.kills} kills, {running.stops} stops, {len(emu.requests)} requests")
        check(emu, records, digests)


async def disturb(
    running: Workers, shared: Distributed, requests: list[RequestRecord], chance: random.Random
) -> None:
    """Make trouble until everything is done.

    The requests set the pace: by the clock, workers of a busy machine would be killed while they
    start.
    """
    clock = asyncio.get_running_loop().time
    give_up, trouble = clock() + PATIENCE, 30
    while (await shared.totals()).open or running.kills + running.stops < EVENTS:
        assert clock() < give_up, await shared.totals()
        assert running.died() == [], "a worker ended by itself"
        running.thaw(clock())
        if len(requests) >= trouble:
            running.disturb(clock())
            trouble = len(requests) + chance.randrange(15, 65)
        await asyncio.sleep(0.1)


def check(emu: Emulator, records: list[Record], digests: dict[str, str]) -> None:
    assert len(records) == ITEMS
    assert [record for record in records if record.state != "done"] == []
    ids = [record.video_id or "" for record in records]
    assert len(set(ids)) == ITEMS
    assert set(emu.state.videos) == set(ids), "a container that belongs to no source"
    wrong = [
        record
        for record in records
        if emu.sha256(record.video_id or "") != digests[record.item.key]
    ]
    assert wrong == []
    taken_over = sum(record.fence - 1 - record.attempts for record in records)
    again = sent_again(emu.requests)
    sent, size = (
        sum(r.body_bytes for r in uploads(emu.requests)),
        sum(r.item.size or 0 for r in records),
    )
    print(
        f"{taken_over} items taken over, {sent / size:.2f} times the bytes, "
        f"{len(again)} chunks sent in vain"
    )
    assert taken_over > EVENTS
    assert again == []


def uploads(requests: list[RequestRecord]) -> list[RequestRecord]:
    return [record for record in requests if record.operation == "videos.upload"]


def sent_again(requests: list[RequestRecord]) -> list[RequestRecord]:
    """Chunks that were sent when they had been accepted long before."""
    accepted: dict[tuple[str, str | None], float] = {}
    again = []
    for record in uploads(requests):
        chunk = (record.path, record.content_range)
        if record.started - accepted.get(chunk, float("inf")) > 1.0:
            again.append(record)
        if record.status in (200, 201):
            accepted.setdefault(chunk, record.started)
    return again
