"""Compares automatic concurrency with fixed numbers of chunks in flight.

    python benchmarks/auto_concurrency.py [--fixed-only]

Each scenario has another best number:

- capped: each connection carries 12.5 MB/s at 40 ms round-trip time, so more connections carry
  more. It also runs with a longer file, because the automatic concurrency needs a quarter of a
  second to rise, for any size;
- shared: 25 MB/s per connection, but at most 100 MB/s in total; more than four bring nothing;
- lossy: like capped. Each time two fifths of the file have arrived, the server resets the
  connection that delivered the last bytes;
- crowded: 25 MB/s per connection. The server answers 503 while five chunks are in flight.

The choices are measured in turns. One and two chunks at a time are slow in every scenario and
run in the first round only. The best fixed choice has the smallest median; a run that ended with
an error counts as infinitely slow. The compared time is from the first upload request to the last
response.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness import peers
from harness.measuring import MIB, QUICK, FailedError, Spread, Usage, client, interleave, measure
from harness.media import media
from harness.results import Goal, publish, runs
from harness.servers import Server, serving, sink

AUTO = "auto"
FIXED = (1, 2, 4, 8, 16)
SLOW = (1, 2)
SIZE = 64 if QUICK else 320
"""File size in MiB. It is large, so that the search for the right number is a small part."""


@dataclass(frozen=True)
class Scenario:
    """A line, the behaviour of the server behind it, the file size and the fixed choices."""

    name: str
    line: dict[str, float]
    server: dict[str, int] = field(default_factory=dict)
    size: int = SIZE
    fixed: tuple[int, ...] = FIXED


CAPPED = {"--rate": 12.5e6, "--rtt": 0.04}
WIDER = {"--rate": 25e6, "--rtt": 0.04}
SCENARIOS = (
    Scenario("capped", CAPPED),
    Scenario("capped, longer", CAPPED, size=2 * SIZE if QUICK else 1024, fixed=(8, 16)),
    Scenario("shared", WIDER | {"--shared": 100e6}),
    Scenario("lossy", CAPPED, {"--lose": SIZE * MIB * 2 // 5}),
    Scenario("crowded", WIDER, {"--most": 5}),
)


def flags(settings: Mapping[str, float]) -> list[object]:
    return [part for pair in settings.items() for part in pair]


def upload(choice: int | str, server: Server, size: int) -> Usage:
    command = client("timed.py", media(size), json.dumps({"concurrency": choice}))
    try:
        return measure(command, server.environ)
    except FailedError as error:
        # A failed upload must not end the benchmark; it counts as slower than all others.
        print(f"concurrency {choice}: {error}", file=sys.stderr)
        return Usage(math.inf, 0, 0, {"sending": math.inf})


def sending(usages: list[Usage]) -> Spread:
    return Spread.of(usage.said["sending"] for usage in usages)


def play(scenario: Scenario, more: list[str], rounds: int) -> dict[int | str, list[Usage]]:
    with (
        sink(*flags(scenario.server)) as target,
        serving("wan.py", target.address, *flags(scenario.line)) as line,
    ):
        turns = {
            choice: (lambda choice=choice: upload(choice, line, scenario.size))
            for choice in [*scenario.fixed, *more]
        }
        measured = interleave(turns, 1, warm=0)
        again = interleave(
            {choice: run for choice, run in turns.items() if choice not in SLOW}, rounds - 1, warm=0
        )
    return {choice: usages + again.get(choice, []) for choice, usages in measured.items()}


def judge(scenario: Scenario, measured: dict[int | str, list[Usage]]) -> Goal:
    fixed = {choice: usages for choice, usages in measured.items() if choice != AUTO}
    best = min(fixed, key=lambda choice: sending(fixed[choice]).median)
    note = f"best fixed {best}; s: " + ", ".join(
        f"{choice} {sending(usages)}" for choice, usages in measured.items()
    )
    what = f"{scenario.size} MiB, {scenario.name}: auto vs best fixed concurrency"
    found = None
    if AUTO in measured:
        found = Spread.of(
            usage.said["sending"] / sending(fixed[best]).median for usage in measured[AUTO]
        )
    return Goal("auto", what, found, "<= 1.10", note)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fixed-only", action="store_true", help="leave out auto")
    more = [] if parser.parse_args().fixed_only else [AUTO]
    goals, rows = [], []
    for scenario in SCENARIOS:
        measured = play(scenario, more, 1 if QUICK else 3)
        goals.append(judge(scenario, measured))
        named = {f"{peers.OURS}, {choice}": usages for choice, usages in measured.items()}
        rows += [row | {"mib": scenario.size} for row in runs(scenario.name, named)]
    publish(__file__, rows, goals)


if __name__ == "__main__":
    main()
