"""Goal 12: 1,000 small files per second without rate limits.

The package is compared with a loop written with aiohttp. Both make the same two requests for each
file (create a video, send the file), the same number at once, to the same server. The measurement
starts after signing in.
"""

from functools import partial

from harness import peers
from harness.measuring import QUICK, Spread, client, interleave, measure
from harness.media import small_files
from harness.results import Goal, publish, runs
from harness.servers import sink

COUNT, SIZE, WIDTH = 100 if QUICK else 1000, 16 * 1024, 8
LOOP = "aiohttp by hand"


def main() -> None:
    folder = small_files(COUNT, SIZE)
    with sink() as server:
        programs = {peers.OURS: "many.py", LOOP: "small_loop.py"}
        turns = {
            who: partial(measure, client(name, folder, WIDTH), server.environ)
            for who, name in programs.items()
        }
        measured = interleave(turns, 2 if QUICK else 7)
    ours, by_hand = measured[peers.OURS], measured[LOOP]
    share = Spread.of(
        b.said["seconds"] / a.said["seconds"] for a, b in zip(ours, by_hand, strict=True)
    )
    note = ", ".join(
        f"{who} {Spread.of(COUNT / u.said['seconds'] for u in usages)}/s"
        for who, usages in measured.items()
    )
    goal = Goal(
        "12",
        f"{COUNT} files of 16 KiB, {WIDTH} at once, per second, vs aiohttp by hand",
        share,
        ">= 0.8",
        note,
    )
    publish(__file__, runs("small files", measured), [goal])


if __name__ == "__main__":
    main()
