"""The bytes that a line received over time, as ``servers/wan.py --trace`` records them."""

import bisect
import math
from pathlib import Path

Trace = list[tuple[float, int]]
"""Pairs of a time (monotonic clock, in seconds) and the bytes received until then."""


def read_trace(path: Path) -> Trace:
    # The last line may be incomplete.
    lines = path.read_text().rpartition("\n")[0].splitlines()
    return [(float(time), int(count)) for time, count in map(str.split, lines)]


def received_at(trace: Trace, time: float) -> float:
    """Return the received bytes at a time, interpolated between two samples."""
    after = bisect.bisect(trace, (time, math.inf))
    if not 0 < after < len(trace):
        return trace[min(after, len(trace) - 1)][1]
    (t0, n0), (t1, n1) = trace[after - 1], trace[after]
    return n0 + (n1 - n0) * (time - t0) / (t1 - t0)


def transfer(trace: Trace) -> tuple[float, float]:
    """Return the times between which all but the first and last 64 KiB arrived."""
    edge = min(64 * 1024, trace[-1][1] // 100)
    moments = [time for time, count in trace if edge <= count <= trace[-1][1] - edge]
    return moments[0], moments[-1]


def mean_rate(trace: Trace) -> float:
    """Return the bytes per second over the whole transfer."""
    begin, end = transfer(trace)
    return (received_at(trace, end) - received_at(trace, begin)) / (end - begin)


def highest_rate(trace: Trace, seconds: float) -> float:
    """Return the largest number of bytes per second in any period of so many seconds."""
    return max((received_at(trace, time + seconds) - count) / seconds for time, count in trace)
