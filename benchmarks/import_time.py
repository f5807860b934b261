"""Goal 9: the time to import the package.

It is compared with the import of the two libraries that its models need. The figures are CPU
seconds of whole processes, minus those of an interpreter that imports nothing.
"""

import sys
from functools import partial

from harness.measuring import QUICK, Spread, environment, interleave, measure
from harness.results import Goal, publish, runs

STATEMENTS = {
    "nothing": "pass",
    "attrs, cattrs": "import attrs, cattrs",
    "apivideo_async": "import apivideo_async",
    "ApiVideoClient": "from apivideo_async import ApiVideoClient",
    "aiohttp": "import aiohttp",
}


def main() -> None:
    turns = {
        name: partial(measure, [sys.executable, "-c", code], environment())
        for name, code in STATEMENTS.items()
    }
    measured = interleave(turns, 3 if QUICK else 15)
    base = Spread.of(usage.cpu for usage in measured["nothing"]).median
    costs = {name: [usage.cpu - base for usage in usages] for name, usages in measured.items()}
    ratio = Spread.of(
        a / b for a, b in zip(costs["apivideo_async"], costs["attrs, cattrs"], strict=True)
    )
    note = "ms: " + ", ".join(
        f"{name} {Spread.of(1000 * cost for cost in costs[name])}" for name in list(costs)[1:]
    )
    publish(
        __file__,
        runs("import", measured),
        [Goal("9", "import apivideo_async vs attrs, cattrs", ratio, "<= 1.2", note)],
    )


if __name__ == "__main__":
    main()
