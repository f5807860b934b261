"""Goal 4: memory does not grow with the file size.

The figure is the peak resident memory of whole processes, with 8 chunks in flight and TLS. A file
is read by position (pull). An async iterator has to be buffered until the server has accepted the
chunk (push, 4 in flight). The official Python client, which holds a whole chunk in memory, is
measured for comparison.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial

from harness import peers
from harness.measuring import MIB, QUICK, Spread, Usage, client, interleave, measure
from harness.media import media
from harness.results import Goal, publish, runs
from harness.servers import Server, sink

SIZES = (16, 64, 128) if QUICK else (256, 1024, 4096)
"""File sizes in MiB, increasing. The goal compares the last with the first."""
PULL, PUSH = {"concurrency": 8}, {"concurrency": 4}


def said(
    kind: str, what: object, options: Mapping[str, object], server: Server
) -> Callable[[], Usage]:
    return partial(measure, client("memory.py", kind, what, json.dumps(options)), server.environ)


def growth(usages: list[Usage]) -> Spread:
    """Return the MiB above the idle client."""
    return Spread.of(usage.said["peak"] - usage.said["idle"] for usage in usages)


def main() -> None:
    rounds, turns = 2 if QUICK else 5, {}
    official = peers.official_python()
    with sink(tls=True) as server:
        for size in SIZES:
            turns[f"pull {size}"] = said("pull", media(size), PULL, server)
        whole = interleave(
            {name: turns[name] for name in (f"pull {SIZES[0]}", f"pull {SIZES[-1]}")}, rounds
        )
        # The chart only needs the shape of the curve, so one run of each is enough.
        for size in SIZES:
            turns[f"push {size}"] = said("push", size * MIB, PUSH, server)
            if official is not None:
                turns[f"{official.name} {size}"] = partial(official.run, media(size), server)
        rest = interleave(
            {name: run for name, run in turns.items() if name not in whole}, 1, warm=0
        )
    small, large = whole[f"pull {SIZES[0]}"], whole[f"pull {SIZES[-1]}"]
    pairs = zip(large, small, strict=True)
    idle = Spread.of(usage.said["idle"] for usage in large)
    wider = Spread.of(more.said["peak"] - less.said["peak"] for more, less in pairs)
    goals = [
        Goal(
            "4",
            f"{SIZES[-1]} MiB, 8 in flight, TLS: MiB above the idle client",
            growth(large),
            "<= 8",
            f"idle {idle} MiB",
        ),
        Goal(
            "4",
            f"the same, minus that of {SIZES[0]} MiB: MiB",
            wider,
            "<= 2",
            f"push, 4 in flight: {growth(rest[f'push {SIZES[-1]}'])} MiB above",
        ),
    ]
    publish(__file__, runs("memory", whole | rest), goals)


if __name__ == "__main__":
    main()
