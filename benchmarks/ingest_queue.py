"""Sends 100,000 items through the distributed queue: enqueued at once, then fetched by workers.

One worker fetches the first part, two workers fetch the rest. A private PostgreSQL runs on the
same machine as the workers. The items have no source, so each fails at once. The figures thus
show the speed of the queue and the ledger, which is the upper limit for a worker.
"""

from concurrent.futures import ThreadPoolExecutor

from harness.measuring import QUICK, Spread, Usage, client, environment, measure
from harness.postgres import postgres
from harness.results import Goal, publish, runs

COUNT, ALONE = (4_000, 1_000) if QUICK else (100_000, 20_000)
"""The number of items, and how many of them the first worker fetches alone."""


def run(what: str, dsn: str, count: int = COUNT) -> Usage:
    return measure(client("handed_in.py", what, dsn, count), environment())


def together(dsn: str, workers: int) -> list[Usage]:
    """Run workers until no item is left."""
    with ThreadPoolExecutor(workers) as threads:
        return list(threads.map(run, ["work"] * workers, [dsn] * workers))


def rate(usages: list[Usage]) -> float:
    """Return the items per second, from the first item of all workers to the last."""
    said = [usage.said for usage in usages]
    return sum(one["items"] for one in said) / (
        max(one["last"] for one in said) - min(one["first"] for one in said)
    )


def measured(dsn: str) -> dict[str, list[Usage]]:
    found = {
        "handed in": [run("defer", dsn)],
        "1 worker": [run("work", dsn, ALONE)],
        "2 workers": together(dsn, 2),
    }
    left = min(usage.said["left"] for usage in found["2 workers"])
    assert left == 0, f"{left} of {COUNT} items were not fetched"
    return found


def main() -> None:
    with postgres() as dsn:
        found = {} if dsn is None else measured(dsn)
    wanted = {"handed in": ">= 5000", "1 worker": ">= 300", "2 workers": ">= 400"}
    goals = []
    for name, least in wanted.items():
        value = Spread.of([rate(found[name])]) if found else None
        cpu = sum(usage.cpu for usage in found.get(name, []))
        note = f"{cpu:.1f} CPU s, the database apart" if found else "PostgreSQL is not installed"
        goals.append(
            Goal("queue", f"{COUNT} items in the queue, {name}: per second", value, least, note)
        )
    publish(
        __file__,
        [row for name, usages in found.items() for row in runs(name, {"worker": usages})],
        goals,
    )


if __name__ == "__main__":
    main()
