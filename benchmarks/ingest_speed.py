"""Items per second of ``Ingest`` without rate limits.

It is compared with a loop that makes the same requests without a ledger. ``stream`` uploads files
of 16 KiB from a folder. ``pull`` lets the service fetch them from a web server; here the service
reports the file as fetched at the second poll. The measurement starts after signing in and
includes the listing and the ledger. Each run has a new server, because the server of an earlier
run already has videos with these keys.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness import peers
from harness.measuring import CACHE, QUICK, Spread, Usage, client, interleave, measure
from harness.media import small_files
from harness.results import Goal, publish, runs
from harness.servers import serving, sink

COUNT, SIZE, WIDTH = 200 if QUICK else 2000, 16 * 1024, 16
LOOP = "aiohttp by hand"
PROGRAMS = {peers.OURS: "ingest.py", LOOP: "ingest_loop.py"}


def manifest(url: str) -> Path:
    """Write a manifest that lists the files of a web server."""
    path = CACHE / f"{COUNT}.jsonl"
    path.write_text(
        "".join(json.dumps({"uri": f"{url}/{number:05d}.mp4"}) + "\n" for number in range(COUNT))
    )
    return path


def run(program: str, what: Path, strategy: str) -> Usage:
    with sink() as server:
        return measure(client(program, what, strategy, WIDTH), server.environ)


def compare(what: Path, strategy: str) -> tuple[Goal, dict[str, list[Usage]]]:
    turns: dict[str, Callable[[], Usage]] = {
        who: partial(run, name, what, strategy) for who, name in PROGRAMS.items()
    }
    measured = interleave(turns, 2 if QUICK else 5)
    ours, by_hand = measured[peers.OURS], measured[LOOP]
    assert all(usage.said["done"] >= COUNT and not usage.said["not_done"] for usage in ours)
    share = Spread.of(
        b.said["seconds"] / a.said["seconds"] for a, b in zip(ours, by_hand, strict=True)
    )
    note = ", ".join(f"{who} {speed(usages)}" for who, usages in measured.items())
    text = f"{COUNT} items of 16 KiB, {strategy}, {WIDTH} at once, per second, vs aiohttp by hand"
    return Goal("ingest", text, share, ">= 0.4", note), measured


def speed(usages: list[Usage]) -> str:
    rate = Spread.of(COUNT / usage.said["seconds"] for usage in usages)
    cpu = Spread.of(usage.said["cpu_seconds"] * 1000 / COUNT for usage in usages)
    return f"{rate}/s with {cpu} CPU s per 1,000"


def main() -> None:
    streamed, files = compare(small_files(COUNT, SIZE), "stream")
    with serving("files.py", SIZE) as web:
        pulled, urls = compare(manifest(web.url), "pull")
    publish(__file__, [*runs("stream", files), *runs("pull", urls)], [streamed, pulled])


if __name__ == "__main__":
    main()
