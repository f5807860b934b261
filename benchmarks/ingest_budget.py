"""How fully workers that share one request budget use it, and how often they exceed it.

The runs have 1, 2 and 4 processes, with PostgreSQL and with SQLite. Production limits apply to
windows of 1 second instead of 60. The pause between the end of a window and the first request of
the next therefore weighs sixty times as much. The figures come from the emulator's log, as in
``rate_budget.py``. For responses 429, the worst window counts.
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
    """Return the share of the allowed requests that was used, and the most 429 in one window.

    Each window begins with the first request after the end of the previous one. The last window is
    incomplete, so it does not count for the share.
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
    """Return usages of the workers, their share of the budget, and the most 429 in one window."""
    # All workers stop at the same moment, however long each takes to start.
    with serving("emulator.py", json.dumps(FAST)) as server, ThreadPoolExecutor(workers) as threads:
        command = client(
            "sharing.py", where, time.time() + STARTUP + WINDOWS * WINDOW, IN_FLIGHT, TTL
        )
        usages = list(threads.map(measure, [command] * workers, [server.environ] * workers))
        log = log_of(server.url)
    return usages, *share_and_worst(log)


def compare(kind: str, where: str | None) -> tuple[list[Goal], list[dict[str, object]]]:
    shares: dict[int, Spread | None] = dict.fromkeys(WORKERS)
    refusals: list[float] = []
    rows: list[dict[str, object]] = []
    for workers in WORKERS if where is not None else ():
        usages, share, refused = run(
            f"{where}{workers}" if kind == "SQLite" else str(where), workers
        )
        shares[workers] = Spread.of([share])
        refusals.append(refused)
        found = {"workers": workers, "share": round(share, 4), "refused": refused}
        rows += [row | found for row in runs(kind, {f"{workers} together": usages})]
    note = "" if where is not None else "PostgreSQL is not installed"
    goals = [
        Goal(
            "budget",
            f"{kind}, {workers} at once: share of the allowed upload requests used",
            share,
            ">= 0.95",
            note,
        )
        for workers, share in shares.items()
    ]
    most = Spread.of(refusals) if refusals else None
    return [
        *goals,
        Goal("budget", f"{kind}: answers 429 in the worst window", most, "<= 1", note),
    ], rows


def main() -> None:
    with TemporaryDirectory() as folder, postgres() as dsn:
        found = [compare("PostgreSQL", dsn), compare("SQLite", str(Path(folder) / "budget.db"))]
    publish(
        __file__,
        [row for _, rows in found for row in rows],
        [goal for goals, _ in found for goal in goals],
    )


if __name__ == "__main__":
    main()
