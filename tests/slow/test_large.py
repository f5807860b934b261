"""Gigabytes: the bytes arrive, and memory does not know how many there were."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.emulator import Emulator

MIB = 1024 * 1024
GIB = 1024 * MIB
SLACK = 12 * MIB
"""For the interpreter and the sockets."""
GROWTH = 64 * MIB
"""What an upload with 8 chunks in flight may add to the idle client."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["3 GiB sparse", "300 MiB random"])
def file(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("large") / "large.mp4"
    with path.open("wb") as handle:
        if request.param == "3 GiB sparse":
            handle.truncate(3 * 1024 * MIB)
            handle.seek(1024 * MIB + 12_345)
            handle.write(os.urandom(MIB))
        else:
            for _ in range(300):
                handle.write(os.urandom(MIB))
    yield path
    path.unlink()


def measured(emu: Emulator, script: str, *arguments: object) -> dict[str, Any]:
    """Run a script of this folder in a process of its own against the emulator."""
    env = {**os.environ, "APIVIDEO_API_KEY": emu.api_key, "APIVIDEO_BASE_URL": emu.url}
    command = [sys.executable, str(Path(__file__).with_name(script)), *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(("chunk", "concurrency"), [(5, 4), (16, 2)])
def test_a_stream_takes_the_memory_that_the_formula_says(chunk: int, concurrency: int) -> None:
    """``(concurrency + 1) x chunk_size`` and some MiB of the interpreter; 600 MiB are uploaded."""
    with Emulator(discard=True).in_thread() as emu:
        said = measured(emu, "stream_and_measure.py", 600, chunk, concurrency)
        assert emu.size(said["video_id"]) == 600 * MIB
    assert said["growth"] < (concurrency + 1) * chunk * MIB + SLACK


@pytest.mark.parametrize("mode", ["bytes", "part"])
def test_a_large_file_arrives_whole_in_constant_memory(file: Path, mode: str) -> None:
    with Emulator().in_thread() as emu:
        said = measured(emu, "upload_and_measure.py", file, mode, 8)
        with file.open("rb") as handle:
            expected = hashlib.file_digest(handle, "sha256").hexdigest()
        served = hashlib.sha256()
        with urllib.request.urlopen(said["mp4"]) as answer:
            while block := answer.read(MIB):
                served.update(block)
        assert served.hexdigest() == expected
        ranges = [r.content_range for r in emu.requests if r.operation == "videos.upload"]
    assert len(ranges) >= 8
    assert all(r is not None and r.startswith(mode) for r in ranges)
    assert said["growth"] < GROWTH


@pytest.fixture
def hole() -> Iterator[Path]:
    """A file without content, where reading it costs least."""
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if os.path.isdir("/dev/shm") else None
    ) as folder:
        path = Path(folder) / "hole.mp4"
        with path.open("wb") as handle:
            handle.truncate(20 * GIB)
        yield path


def test_20_gib_of_a_file_take_the_memory_that_the_formula_says(hole: Path) -> None:
    """``concurrency x block``: a block of 1 MiB is sent while the next one is read from disk."""
    with Emulator(discard=True).in_thread() as emu:
        said = measured(emu, "upload_and_measure.py", hole, "bytes", 8)
        assert emu.size(said["video_id"]) == 20 * GIB
    assert said["growth"] < 8 * 2 * MIB + 8 * MIB


def test_8_gib_of_an_iterator_take_the_memory_that_the_formula_says() -> None:
    """``(concurrency + 1) x chunk_size``, as if it had no end."""
    with Emulator(discard=True).in_thread() as emu:
        said = measured(emu, "stream_and_measure.py", 8 * 1024, 16, 4)
        assert emu.size(said["video_id"]) == 8 * GIB
    assert said["growth"] < (4 + 1) * 16 * MIB + SLACK
