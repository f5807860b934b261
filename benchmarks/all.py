"""Runs every benchmark and writes the table of goals.

    make bench            # full sizes, about half an hour
    make bench QUICK=1    # small sizes: shows that the scripts work; the figures mean nothing

A full run writes ``results/full``, the charts in ``docs/charts`` and the table in ``README.md``.
A quick run writes only ``results/quick``. A script that fails does not stop the others; the exit
status is then 1.
"""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from harness.measuring import HERE, QUICK
from harness.results import GOALS, RESULTS, load, table

SCRIPTS = (
    "upload_cpu",
    "memory",
    "wan",
    "progress",
    "limit_rate",
    "loop_lag",
    "auto_concurrency",
    "api_calls",
    "import_time",
    "emulator_receive",
    "rate_budget",
    "small_files",
    "ingest_speed",
    "ingest_queue",
    "ingest_budget",
    "ingest_memory",
)
README = HERE / "README.md"
BEGIN, END = "<!-- the last full run, written by all.py -->", "<!-- end -->"


def run(script: str) -> bool:
    """Run one script in a separate process and return True on success."""
    print(f"\n== {script}", flush=True)
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, str(HERE / f"{script}.py")], check=False)
    print(f"-- {time.perf_counter() - began:.0f} s", flush=True)
    return ended.returncode == 0


def summary(scripts: list[str]) -> str:
    """Return the table of all goals, with a line about the machine."""
    rows = [row for script in scripts for row in load(RESULTS / f"{script}{GOALS}")]
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    where = f"{machine}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}"
    return f"{where}.\n\n{table(rows)}"


def put(text: str, path: Path) -> None:
    """Replace the text between the two marks ``BEGIN`` and ``END``."""
    before, _, rest = path.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def main() -> None:
    done = [script for script in SCRIPTS if run(script)]
    text = summary(done)
    print(f"\n{text}")
    if not QUICK:
        put(text, README)
        run("charts")
    if missing := sorted(set(SCRIPTS) - set(done)):
        raise SystemExit(f"failed: {', '.join(missing)}")


if __name__ == "__main__":
    main()
