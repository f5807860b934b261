"""The memory of an ingestion does not know how many items there are."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.emulator import Emulator

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
UPLOADED = 10
"""One item of so many is a file that is uploaded; the others are missing, and fail at once."""


def ingest(emu: Emulator, folder: Path, count: int) -> dict[str, Any]:
    """Ingest ``count`` items in a process of its own."""
    folder.mkdir()
    for number in range(count // UPLOADED):
        (folder / f"{number:06}.mp4").write_bytes(b"x")
    env = {**os.environ, "APIVIDEO_API_KEY": emu.api_key, "APIVIDEO_BASE_URL": emu.url}
    command = [
        sys.executable,
        str(Path(__file__).with_name("ingest_and_measure.py")),
        str(folder),
        str(count),
    ]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.timeout(1200)
def test_30_000_items_take_no_more_memory_than_1_000(tmp_path: Path) -> None:
    """``benchmarks/ingest_memory.py`` measures 100,000."""
    peaks = []
    with Emulator(discard=True).in_thread() as emu:
        for count in (1_000, 30_000):
            said = ingest(emu, tmp_path / str(count), count)
            assert (said["done"], said["failed"]) == (count // UPLOADED, count - count // UPLOADED)
            peaks.append(said["peak"])
    print(f"peaks {[round(peak / MIB, 1) for peak in peaks]} MiB")
    assert peaks[1] - peaks[0] < 10 * MIB
