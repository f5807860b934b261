"""Bandwidth limit: the rate at which bytes leave the machine, compared with ``limit_rate``.

The line is much faster than the limit. Its proxy records how many bytes its kernel has received,
including headers and TLS records. The mean covers the whole transfer, and the peak is the highest
rate in any period of 5 seconds.
"""

import tempfile
from pathlib import Path

from harness import peers
from harness.measuring import MIB, QUICK, Spread, Usage, client, measure
from harness.media import media
from harness.results import Goal, publish, runs
from harness.servers import serving, sink
from harness.traces import highest_rate, mean_rate, read_trace

ROUNDS = 1 if QUICK else 3
SECONDS = 12 if QUICK else 40
PERIOD = 5
LINE = 200e6
CASES = {
    "one file, 200 kB/s": (200_000, 1),
    "one file, 2 MB/s": (2_000_000, 1),
    "four files, 2 MB/s": (2_000_000, 4),
    "one file, 20 MB/s": (20_000_000, 1),
}


def upload(limit: int, count: int, folder: Path, *, tls: bool) -> Usage:
    """Upload ``count`` files of equal size. ``mean`` and ``peak`` are multiples of the limit."""
    source = media(max(1, limit * SECONDS // count // MIB))
    files = [folder / f"{number}.mp4" for number in range(count)]
    for file in files:
        file.symlink_to(source)
    trace = folder / "trace"
    with sink(tls=tls) as target:
        arguments = ("--shared", LINE, "--trace", trace)
        with serving("wan.py", target.address, *arguments) as line:
            scheme = "https" if tls else "http"
            environ = target.environ | {"APIVIDEO_BASE_URL": f"{scheme}://{line.address}"}
            usage = measure(client("limited.py", limit, *files), environ)
        received = read_trace(trace)
    assert usage.said.pop("failed") == 0
    usage.said.update(
        mean=round(mean_rate(received) / limit, 4),
        peak=round(highest_rate(received, PERIOD) / limit, 4),
    )
    return usage


def main() -> None:
    rows: list[dict[str, object]] = []
    goals = []
    for wire in ("plain", "TLS"):
        for name, (limit, count) in CASES.items():
            usages = []
            for _ in range(ROUNDS):
                with tempfile.TemporaryDirectory() as folder:
                    usages.append(upload(limit, count, Path(folder), tls=wire == "TLS"))
            case = f"{name}, {wire}"
            rows += runs(case, {peers.OURS: usages})
            mean, peak = (
                Spread.of(usage.said[figure] for usage in usages) for figure in ("mean", "peak")
            )
            note = f"CPU s {Spread.of(usage.cpu for usage in usages)}"
            goals += [
                Goal("limit", f"{case}: mean rate vs limit", mean, ">= 0.98", note),
                Goal("limit", f"{case}: highest rate in {PERIOD} s vs limit", peak, "<= 1.05"),
            ]
    publish(__file__, rows, goals)


if __name__ == "__main__":
    main()
