"""Several workers with one budget are not refused by a window that they can foresee.

The share of the budget that they use depends on the machine; ``benchmarks/ingest_budget.py``
measures it.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator
from apivideo_async.emulator.state.request_log import RequestRecord

pytestmark = pytest.mark.slow

LIMIT = 100
WINDOW = 1.0
"""Production's limits, sixty times as fast."""
WINDOWS = 12
IN_FLIGHT = 4
TTL = 1.0
"""The usual minute, as fast."""
STARTUP = 3.0
PRODUCTION = {"uploads": LIMIT, "writes": 2 * LIMIT, "reads": 5 * LIMIT}
SCRIPT = Path(__file__).with_name("upload_within_a_budget.py")


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        str(tmp_path / "budget.db")
        if request.param == "sqlite"
        else request.getfixturevalue("postgres_dsn")
    )


def start(emu: Emulator, where: str, until: float) -> "subprocess.Popen[str]":
    env = {**os.environ, "APIVIDEO_API_KEY": emu.api_key, "APIVIDEO_BASE_URL": emu.url}
    command = [sys.executable, str(SCRIPT), where, str(until), str(IN_FLIGHT), str(TTL)]
    return subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True, encoding="utf-8")


def end(processes: "list[subprocess.Popen[str]]") -> None:
    for process in processes:
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told


def windows(records: list[RequestRecord]) -> list[list[RequestRecord]]:
    """Group by window. A window begins with the first request after the previous one."""
    sorted_out: list[list[RequestRecord]] = []
    ends = 0.0
    for record in records:
        if record.started >= ends:
            sorted_out.append([])
            ends = record.started + WINDOW
        sorted_out[-1].append(record)
    return sorted_out


def check(emu: Emulator) -> None:
    counted = windows([record for record in emu.requests if record.operation == "videos.upload"])
    used = [sum(record.status == 201 for record in window) for window in counted]
    refused = [sum(record.status == 429 for record in window) for window in counted]
    elsewhere = [
        record
        for record in emu.requests
        if record.status == 429 and record.operation != "videos.upload"
    ]
    assert elsewhere == []
    assert sum(used) > LIMIT, "the workers went on after the first window"
    assert max(refused) <= 1


def test_workers_that_share_a_budget_are_not_refused(where: str) -> None:
    with Emulator(discard=True, rate_limits=PRODUCTION, rate_window=WINDOW).in_thread() as emu:
        until = time.time() + STARTUP + WINDOW * WINDOWS
        end([start(emu, where, until) for _ in range(3)])
        check(emu)


def test_workers_are_not_refused_when_one_of_them_is_killed(where: str) -> None:
    with Emulator(discard=True, rate_limits=PRODUCTION, rate_window=WINDOW).in_thread() as emu:
        until = time.time() + STARTUP + WINDOW * WINDOWS
        running = [start(emu, where, until) for _ in range(3)]
        time.sleep(STARTUP + WINDOW * WINDOWS / 2)
        with running.pop() as victim:
            victim.kill()
        end([*running, start(emu, where, until)])
        check(emu)
