"""Several processes with one key see each other in the headers, and are rarely refused.

How much of the budget they use is tested in virtual time (tests/unit/test_shared_budget.py).
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator
from apivideo_async.emulator.state.request_log import RequestRecord

pytestmark = pytest.mark.slow

LIMIT = 100
WINDOW = 1.0
WINDOWS = 12
IN_FLIGHT = 4
PRODUCTION = {"uploads": LIMIT, "writes": 2 * LIMIT, "reads": 5 * LIMIT}


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


def upload_together(emu: Emulator, processes: int) -> None:
    env = {**os.environ, "APIVIDEO_API_KEY": emu.api_key, "APIVIDEO_BASE_URL": emu.url}
    script = Path(__file__).with_name("upload_and_never_stop.py")
    command = [sys.executable, str(script), str(WINDOW * WINDOWS), str(IN_FLIGHT)]
    running = [
        subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True, encoding="utf-8")
        for _ in range(processes)
    ]
    for process in running:
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told


def test_processes_that_share_a_key_are_hardly_ever_refused() -> None:
    """Refused is who comes when the others do not know of him yet, and hardly anybody later."""
    with Emulator(discard=True, rate_limits=PRODUCTION, rate_window=WINDOW).in_thread() as emu:
        upload_together(emu, processes=3)
        assert [r for r in emu.requests if r.status == 429 and r.operation != "videos.upload"] == []
        counted = windows([r for r in emu.requests if r.operation == "videos.upload"])
    used = [sum(r.status == 201 for r in window) for window in counted]
    refused = [sum(r.status == 429 for r in window) for window in counted]
    assert sum(used) > LIMIT, "the processes went on after the first window"
    assert sum(refused[2:]) <= len(refused[2:])
    assert sum(refused[:2]) <= 3 * IN_FLIGHT
