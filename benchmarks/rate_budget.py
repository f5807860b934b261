"""Goal 11: 1,000 files of 1 MiB within production limits.

The windows have 1 second instead of 60. The figures come from the emulator's log: the accepted
upload requests as a share of the allowed ones, in the complete windows since the first request,
and the number of responses 429 to requests of any kind.
"""

import json
from typing import Any
from urllib.request import urlopen

from harness import peers
from harness.measuring import MIB, QUICK, Spread, client, measure
from harness.media import small_files
from harness.results import Goal, publish, runs
from harness.servers import serving

COUNT, WIDTH = 350 if QUICK else 1000, 16
LIMIT, WINDOW = 100, 1.0
FAST = {"rate_limits": "production", "rate_window": WINDOW}


def log_of(url: str) -> list[dict[str, Any]]:
    with urlopen(f"{url}/_emulator/requests") as answer:
        return json.load(answer)


def judge(log: list[dict[str, Any]]) -> tuple[float, int]:
    """Return the used share of the budget and the number of responses 429."""
    uploads = [
        entry for entry in log if entry["operation"] == "videos.upload" and entry["status"] == 201
    ]
    times = [entry["started"] for entry in uploads]
    windows = int((max(times) - min(times)) / WINDOW)
    # Requests of the last, incomplete window do not count.
    used = sum(time < min(times) + windows * WINDOW for time in times)
    return used / (windows * LIMIT), sum(entry["status"] == 429 for entry in log)


def main() -> None:
    folder = small_files(COUNT, MIB)
    usages, shares, refusals = [], [], []
    for _ in range(1 if QUICK else 3):
        with serving("emulator.py", json.dumps(FAST)) as server:
            usage = measure(client("many.py", folder, WIDTH), server.environ)
            share, refused = judge(log_of(server.url))
        usage.said.update(share=round(share, 4), refused=refused)
        usages.append(usage)
        shares.append(share)
        refusals.append(refused)
    seconds, failed = (
        Spread.of(usage.said[what] for usage in usages) for what in ("seconds", "failed")
    )
    share = f"{COUNT} files of 1 MiB, share of the allowed upload requests used"
    goals = [
        Goal("11", share, Spread.of(shares), ">= 0.98", f"{seconds} s, failed {failed.high:.0f}"),
        Goal("11", "the same, answers 429", Spread.of(refusals), "<= 0"),
    ]
    publish(__file__, runs("rate budget", {peers.OURS: usages}), goals)


if __name__ == "__main__":
    main()
