"""A program that used obstore exits with its own status, whenever obstore's threads finish."""

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest

from apivideo_async.ingest.stores import runtime_exit
from tests.buckets import Bucket

LATE = """
import asyncio, threading, time
from asyncio import selector_events
from apivideo_async.ingest.stores.objects import ObjectStores
from apivideo_async.ingest.stores.runtime_exit import await_obstore
import obstore

write = selector_events.BaseSelectorEventLoop._write_to_self
def write_and_delay(loop):
    # The thread has woken the loop, and does not have the GIL yet, as on a busy machine.
    write(loop)
    if threading.current_thread() is not threading.main_thread():
        time.sleep(0.2)
selector_events.BaseSelectorEventLoop._write_to_self = write_and_delay

class Last:
    # Makes the shutdown last until the thread wants the GIL.
    def __del__(self, sleep=time.sleep):
        sleep(0.4)
last = Last()

async def main():
    ObjectStores({})
    store = obstore.store.MemoryStore()
    await await_obstore(obstore.put_async(store, "a", b"x"))
asyncio.run(main())
print("done")
"""
LISTS = """
import asyncio, sys
from apivideo_async.ingest import Stores, list_sources

async def main():
    async with Stores() as stores:
        return [item async for item in list_sources(sys.argv[1], stores=stores)]
sys.exit(len(asyncio.run(main())))
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_the_exit_waits_for_a_thread_that_is_still_delivering_a_result() -> None:
    """Without the wait, Python up to 3.13 aborts here with status 134 every time."""
    ended = subprocess.run(
        [sys.executable, "-c", LATE], capture_output=True, env=environment(), timeout=60
    )
    assert (ended.returncode, ended.stdout) == (0, b"done\n"), ended.stderr


class Clock:
    """A clock that only ``sleep`` advances; replaces the module ``time``."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(runtime_exit, "time", clock)
    monkeypatch.setattr(runtime_exit, "_grace_end", float("-inf"))
    return clock


async def test_the_exit_gives_the_runtime_time_to_notice_a_cancellation(clock: Clock) -> None:
    runtime_exit._wait()
    assert clock.now == 0
    call = asyncio.ensure_future(
        runtime_exit.await_obstore(asyncio.get_running_loop().create_future())
    )
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    runtime_exit._wait()
    assert clock.now == pytest.approx(runtime_exit.GRACE, abs=0.01)


def test_the_exit_continues_after_a_limited_time_whatever_the_threads_do(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_exit, "_delivering", lambda: True)
    runtime_exit._wait()
    assert clock.now == pytest.approx(runtime_exit.MAX_DELAY, abs=0.01)


@pytest.mark.slow
async def test_many_programs_that_list_a_bucket_at_once_end_with_their_own_status(
    s3_bucket: Bucket,
) -> None:
    for number in range(7):
        s3_bucket.put(f"{number}.mp4", b"x")
    limit = asyncio.Semaphore(4)

    async def run() -> Any:
        async with limit:
            program = await asyncio.create_subprocess_exec(
                sys.executable, "-c", LISTS, s3_bucket.url, env=environment()
            )
            return await program.wait()

    assert await asyncio.gather(*(run() for _ in range(40))) == [7] * 40
