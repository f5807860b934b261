"""Measures uploads of one file beside curl and the official client, interleaved in one run.

    python benchmarks/run.py [--size MIB] [--runs N]

Every run is a process of its own, timed from outside by the operating system's accounting, so imports, planning and
tokens are in the figures. The server is the emulator, which drops the bytes, in another process. What counts are the
ratios: absolute figures say something about this machine only.
"""

import argparse
import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
MIB = 1024 * 1024
KEY = "emulator-api-key"

SERVER = """
import asyncio
from apivideo_async.emulator import Emulator

async def main():
    async with Emulator(discard=True, max_chunk=2**36) as emulator:
        print(emulator.url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""

OURS = """
import asyncio, sys
from apivideo_async import ApiVideoClient, UploadOptions

async def main():
    async with ApiVideoClient(upload=UploadOptions(chunk_size=50 * 2**20, concurrency=4)) as client:
        await client.upload(sys.argv[1], title="bench")

asyncio.run(main())
"""

OFFICIAL = """
import os, sys
import apivideo
from apivideo.api.videos_api import VideosApi

client = apivideo.AuthenticatedApiClient(os.environ["APIVIDEO_API_KEY"])
client.configuration.host = os.environ["APIVIDEO_BASE_URL"]
client.connect()
videos = VideosApi(client)
with open(sys.argv[1], "rb") as handle:
    videos.upload(videos.create({"title": "bench"}).video_id, handle)
"""

CREATE = """
import asyncio
from apivideo_async import ApiVideoClient

async def main():
    async with ApiVideoClient() as client:
        print((await client.videos.create(title="bench")).video_id)

asyncio.run(main())
"""


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-c", code, *arguments]


def curl(path: Path, url: str) -> list[str]:
    video = subprocess.run(python(CREATE), capture_output=True, text=True, check=True).stdout.strip()
    return [
        "curl",
        "-sS",
        "-f",
        "-o",
        os.devnull,
        "-u",
        f"{KEY}:",
        "-F",
        f"file=@{path}",
        f"{url}/videos/{video}/source",
    ]


def measure(command: list[str]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak MiB of one process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {command[0]} exited with {process.returncode}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="MiB")
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    server = subprocess.Popen(python(SERVER), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        os.environ.update(APIVIDEO_API_KEY=KEY, APIVIDEO_BASE_URL=url)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.mp4"
            with path.open("wb") as handle:
                for _ in range(asked.size):
                    handle.write(os.urandom(MIB))
            report(run(peers(path, url), asked.runs), asked.size)
    finally:
        server.terminate()
        server.wait()


def peers(path: Path, url: str) -> dict[str, Callable[[], list[str]]]:
    found: dict[str, Callable[[], list[str]]] = {
        "apivideo-async, 4 in flight": lambda: python(OURS, str(path)),
        "official Python client": lambda: python(OFFICIAL, str(path)),
    }
    if shutil.which("curl"):
        found["curl -F, one request"] = lambda: curl(path, url)
    return found


def run(commands: dict[str, Callable[[], list[str]]], runs: int) -> dict[str, list[tuple[float, float, float]]]:
    results: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            measured = measure(command())
            if number:  # The first round warms the page cache.
                results[name].append(measured)
    return results


def report(results: dict[str, list[tuple[float, float, float]]], size: int) -> None:
    ours = next(iter(results.values()))
    rows = [["client", "wall s", "CPU s", "peak MiB", "wall, ours/theirs", "CPU, ours/theirs"]]
    for name, measured in results.items():
        walls, cpus, peaks = (list(column) for column in zip(*measured, strict=True))
        pairs = list(zip(ours, measured, strict=True))
        ratios = [spread([mine[index] / theirs[index] for mine, theirs in pairs]) for index in (0, 1)]
        rows.append([name, spread(walls), spread(cpus), f"{max(peaks):.0f}", *ratios])
    print(f"{size} MiB, {len(ours)} runs each, median (min-max)\n")
    for number, row in enumerate(rows):
        print("| " + " | ".join(row) + " |")
        if not number:
            print("|" + "---|" * len(row))
    with (HERE / "upload.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(rows)


if __name__ == "__main__":
    main()
