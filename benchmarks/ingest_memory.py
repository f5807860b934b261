"""Peak memory of an ingesting process for 1,000, 10,000 and 100,000 items of one byte.

The files are in one folder, in memory if the system has a file system for that. The longest run
takes minutes.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import peers
from harness.measuring import QUICK, Spread, Usage, client, measure
from harness.results import Goal, publish, runs
from harness.servers import sink

COUNTS = (200, 2_000) if QUICK else (1_000, 10_000, 100_000)
"""Numbers of items, increasing. The goal compares the last with the first."""
WIDTH = 16
SHM = Path("/dev/shm")


def run(count: int) -> Usage:
    with (
        TemporaryDirectory(dir=SHM if os.access(SHM, os.W_OK) else None) as folder,
        sink() as server,
    ):
        for number in range(count):
            (Path(folder) / f"{number:06d}.mp4").write_bytes(b"x")
        usage = measure(client("ingest.py", folder, "stream", WIDTH), server.environ)
    assert usage.said["done"] == count, usage.said
    return usage


def main() -> None:
    found = {count: [run(count)] for count in COUNTS}
    peaks = {count: usage.said["peak"] for count, [usage] in found.items()}
    [longest] = found[COUNTS[-1]]
    note = f"MiB: idle {longest.said['idle']:.1f}, " + ", ".join(
        f"{n} {peak:.1f}" for n, peak in peaks.items()
    )
    note += f"; {COUNTS[-1] / longest.said['seconds']:.0f} items/s"
    growth = Spread.of([peaks[COUNTS[-1]] - peaks[COUNTS[0]]])
    goal = Goal(
        "items",
        f"{COUNTS[-1]} items, peak memory minus that of {COUNTS[0]}: MiB",
        growth,
        "<= 32",
        note,
    )
    publish(
        __file__,
        [row for n, usages in found.items() for row in runs(f"{n}", {peers.OURS: usages})],
        [goal],
    )


if __name__ == "__main__":
    main()
