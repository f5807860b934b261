"""Workers that share one request budget in a database: 1, 2 and 4 processes, PostgreSQL and SQLite.

Production limits in windows of one second instead of sixty, so that the pause between a window's end and the first
request of the next weighs sixty times as much as it would. What counts is read from the emulator's log, as in
``rate_budget.py``; of answers 429, how many came in the worst window.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.measuring import QUICK, Spread, Usage, client, measure
from harness.postgres import postgres
from harness.results import Goal, publish, runs
from harness.servers import serving
from rate_budget import FAST, LIMIT, WINDOW, log_of

WORKERS, IN_FLIGHT, TTL = (1, 2, 4), 4, 1.0
STARTUP, WINDOWS = 2.0, 4 if QUICK else 15


def share_and_worst(log: list[dict[str, Any]]) -> tuple[float, int]:
    """Judge the windows, each of which begins with the first request after the last: all but the last are whole.

    The share of what the time between them allowed that was used, and the most answers 429 in one window.
    """
    begins, used, refused = list[float](), list[int](), list[int]()
    for entry in (entry for entry in log if entry["operation"] == "videos.upload"):
        if not begins or entry["started"] >= begins[-1] + WINDOW:
            begins.append(entry["started"])
            used.append(0)
            refused.append(0)
        used[-1] += entry["status"] == 201
        refused[-1] += entry["status"] == 429
    allowed = LIMIT * (begins[-1] - begins[0]) / WINDOW
    return sum(used[:-1]) / allowed, max(refused)


def run(where: str, workers: int) -> tuple[list[Usage], float, int]:
    """The workers, the share that they used, and the answers 429 in the worst window."""
    with serving("emulator.py", json.dumps(FAST)) as server, ThreadPoolExecutor(workers) as threads:
        command = client("sharing.py", where, time.time() + STARTUP + WINDOWS * WINDOW, IN_FLIGHT, TTL)
        usages = list(threads.map(measure, [command] * workers, [server.environ] * workers))
        log = log_of(server.url)
    return usages, *share_and_worst(log)


def compare(kind: str, where: str | None) -> tuple[list[Goal], list[dict[str, object]]]:
    shares: dict[int, Spread | None] = dict.fromkeys(WORKERS)
    refusals: list[float] = []
    rows: list[dict[str, object]] = []
    for workers in WORKERS if where is not None else ():
        usages, share, refused = run(f"{where}{workers}" if kind == "SQLite" else str(where), workers)
        shares[workers] = Spread.of([share])
        refusals.append(refused)
        found = {"workers": workers, "share": round(share, 4), "refused": refused}
        rows += [row | found for row in runs(kind, {f"{workers} together": usages})]
    note = "" if where is not None else "PostgreSQL is not installed"
    goals = [
        Goal("budget", f"{kind}, {workers} at once: share of the allowed upload requests used", share, ">= 0.95", note)
        for workers, share in shares.items()
    ]
    most = Spread.of(refusals) if refusals else None
    return [*goals, Goal("budget", f"{kind}: answers 429 in the worst window", most, "<= 1", note)], rows


def main() -> None:
    with TemporaryDirectory() as folder, postgres() as dsn:
        found = [compare("PostgreSQL", dsn), compare("SQLite", str(Path(folder) / "budget.db"))]
    publish(__file__, [row for _, rows in found for row in rows], [goal for goals, _ in found for goal in goals])


if __name__ == "__main__":
    main()
