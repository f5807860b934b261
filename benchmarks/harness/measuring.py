"""Measures processes from outside, in turns, and computes the spread of the figures."""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

QUICK = os.environ.get("QUICK", "") not in ("", "0")
"""True for small sizes and few rounds, which show that the scripts work and measure nothing."""
MIB = 1024 * 1024
HERE = Path(__file__).parents[1]
CACHE = HERE / ".cache"
LONGEST = 600
"""Seconds after which a measured process is killed."""

# Without bytecode files every start would compile all sources. The certificates of the machine
# are loaded by some peers only, so they would distort the comparison.
_HIDDEN = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)


class FailedError(Exception):
    """A measured process ended with an error."""


@dataclass(frozen=True)
class Usage:
    """The cost of one process: wall and CPU seconds, peak MiB, and the JSON that it printed."""

    wall: float
    cpu: float
    peak: float
    said: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """The median of some figures, with the smallest and the largest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        listed = list(values)
        return cls(statistics.median(listed), min(listed), max(listed))

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.low)}-{_short(self.high)})"


def _short(value: float) -> str:
    if value == math.inf:
        return "failed"
    return (
        f"{value:.0f}"
        if abs(value) >= 100
        else f"{value:.1f}"
        if abs(value) >= 10
        else f"{value:.2f}"
    )


def environment(**changes: str) -> dict[str, str]:
    """Return the environment for measured processes and servers."""
    return {name: value for name, value in os.environ.items() if name not in _HIDDEN} | changes


def client(name: str, *arguments: object) -> list[str]:
    """Return the command that runs a program of ``clients`` with this interpreter."""
    return [sys.executable, str(HERE / "clients" / name), *map(str, arguments)]


def measure(command: Sequence[str], environ: Mapping[str, str]) -> Usage:
    """Run one process and return its cost.

    CPU seconds and peak memory come from the operating system's accounting of the whole process.
    Raises ``FailedError`` if the process fails.
    """
    with tempfile.TemporaryFile() as complaints:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, env=environ)
        limit = threading.Timer(LONGEST, process.kill)
        limit.start()
        assert process.stdout is not None
        with process.stdout:
            said = process.stdout.read()
        # ``wait4`` returns the resource usage of this one process; ``Popen.wait`` does not.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        limit.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            complaints.seek(0)
            raise FailedError(
                f"{command[:2]} ended with {process.returncode}:\n"
                f"{complaints.read().decode()[-2000:]}"
            )
    return Usage(
        wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, json.loads(said or "{}")
    )


def interleave(
    runs: Mapping[str, Callable[[], Usage]], rounds: int, warm: int = 1
) -> dict[str, list[Usage]]:
    """Run the peers in turns, so that a slow period of the machine affects all of them.

    The first ``warm`` rounds are not measured.
    """
    results: dict[str, list[Usage]] = {name: [] for name in runs}
    for number in range(warm + rounds):
        for name, run in runs.items():
            usage = run()
            if number >= warm:  # The first round fills the page cache and writes bytecode.
                results[name].append(usage)
    return results


def ratio(mine: Sequence[Usage], theirs: Sequence[Usage], what: str) -> Spread:
    """Return the spread of the ratios, computed round by round."""
    return Spread.of(getattr(a, what) / getattr(b, what) for a, b in zip(mine, theirs, strict=True))
