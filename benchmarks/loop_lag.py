"""Goal 6: how long the event loop is blocked while 4 chunks are in flight.

The file is in the page cache (warm) or not (cold). A task in the same process sleeps for one
millisecond in a loop. The figure is the 99th percentile of the delay of its wake-ups.
"""

import json
from pathlib import Path

from harness import peers
from harness.measuring import QUICK, Spread, Usage, client, interleave, measure
from harness.media import forget, media
from harness.results import Goal, publish, runs
from harness.servers import Server, sink


def upload(path: Path, server: Server, *, cold: bool) -> Usage:
    if cold:
        forget(path)
    return measure(client("lag.py", path, json.dumps({"concurrency": 4})), server.environ)


def main() -> None:
    path, goals, rows = media(64 if QUICK else 1024), [], []
    for wire in ("plain", "TLS"):
        with sink(tls=wire == "TLS") as server:
            turns = {
                "warm": lambda server=server: upload(path, server, cold=False),
                "cold": lambda server=server: upload(path, server, cold=True),
            }
            measured = interleave(turns, 2 if QUICK else 5)
        rows += runs(wire, {f"{peers.OURS}, {name}": usages for name, usages in measured.items()})
        for name, usages in measured.items():
            idle = Spread.of(usage.said["idle"] for usage in usages)
            lag = Spread.of(usage.said["p99"] for usage in usages)
            goals.append(
                Goal(
                    f"6 {wire}",
                    f"event loop late by, p99, {name} file, ms",
                    lag,
                    "<= 5",
                    f"idle {idle} ms",
                )
            )
    publish(__file__, rows, goals)


if __name__ == "__main__":
    main()
