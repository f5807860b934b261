"""Goals 7 and 8: calls per second for reading videos into models.

The package is compared with aiohttp and ``json.loads``, and with the official Python client. The
calls fetch the same video repeatedly, one at a time and 64 at once, and pages of 100 videos.
Start-up time is excluded.
"""

from collections.abc import Callable
from functools import partial

from harness import peers
from harness.measuring import QUICK, Spread, Usage, client, interleave, measure
from harness.results import Goal, publish, runs
from harness.servers import Server, serving

RAW = "aiohttp + json"
CALLS, PAGES, OFFICIAL_PAGES = (640, 64, 8) if QUICK else (6400, 640, 64)


def turns(server: Server, what: str, count: int, width: int) -> dict[str, Callable[[], Usage]]:
    names = {peers.OURS: "ours", RAW: "raw"}
    return {
        who: partial(measure, client("calls.py", name, what, count, width), server.environ)
        for who, name in names.items()
    }


def official(server: Server) -> dict[str, Callable[[], Usage]]:
    python = peers.official_python_program("official_pages.py", OFFICIAL_PAGES)
    return {} if python is None else {peers.PYTHON: partial(measure, python, server.environ)}


def rates(usages: list[Usage], count: int) -> list[float]:
    """Return the calls per second of each run."""
    return [count / usage.said["seconds"] for usage in usages]


def against(measured: dict[str, list[Usage]], other: str, mine: int, theirs: int) -> Spread | None:
    if other not in measured:
        return None
    pairs = zip(rates(measured[peers.OURS], mine), rates(measured[other], theirs), strict=True)
    return Spread.of(a / b for a, b in pairs)


def main() -> None:
    rounds, goals, rows = 2 if QUICK else 7, [], []
    with serving("canned.py") as server:
        for width, name, wanted in ((1, "one at a time", ">= 0.85"), (64, "64 at once", ">= 0.80")):
            measured = interleave(turns(server, "video", CALLS, width), rounds)
            note = ", ".join(
                f"{who} {Spread.of(rates(usages, CALLS))}/s" for who, usages in measured.items()
            )
            goals.append(
                Goal(
                    "7",
                    f"GET one video, {name}, vs {RAW}",
                    against(measured, RAW, CALLS, CALLS),
                    wanted,
                    note,
                )
            )
            rows += runs(f"video, {name}", measured)
        measured = interleave(turns(server, "page", PAGES, 1) | official(server), rounds)
    rows += runs("page", measured)
    note = f"{Spread.of(rates(measured[peers.OURS], PAGES))} pages/s"
    goals.append(
        Goal("8", f"pages of 100, vs {RAW}", against(measured, RAW, PAGES, PAGES), ">= 0.5", note)
    )
    pages = against(measured, peers.PYTHON, PAGES, OFFICIAL_PAGES)
    goals.append(Goal("8", "pages of 100, vs official Python", pages, ">= 25"))
    publish(__file__, rows, goals)


if __name__ == "__main__":
    main()
