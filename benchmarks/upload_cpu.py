"""Goals 1, 2 and 3: the CPU and wall time of uploading one file, 4 chunks of 50 MiB in flight.

Whole processes are measured, including imports, on a plain connection and with TLS. CPU seconds
are compared with curl, which sends the file in one request. Wall seconds are compared with the
official clients, which send the same chunks one after the other.
"""

from pathlib import Path

from harness import peers
from harness.measuring import MIB, QUICK, Spread, Usage, interleave, ratio
from harness.media import media
from harness.results import Goal, publish, runs
from harness.servers import Server, sink

SMALL = 64 if QUICK else 1024
LARGE = 4 * SMALL
OURS = peers.ours(chunk_size=50 * MIB, concurrency=4)

Measured = dict[str, list[Usage]]


def turns(path: Path, server: Server, others: list[peers.Peer | None], rounds: int) -> Measured:
    """Measure all peers that are installed."""
    return interleave(
        {p.name: (lambda p=p: p.run(path, server)) for p in peers.present(OURS, *others)}, rounds
    )


def against(measured: Measured, name: str, what: str) -> Spread | None:
    return ratio(measured[peers.OURS], measured[name], what) if name in measured else None


def seconds(measured: Measured, what: str) -> str:
    """Format the seconds of all peers. They depend on this machine."""
    shown = (
        f"{name} {Spread.of(getattr(usage, what) for usage in usages)}"
        for name, usages in measured.items()
    )
    return f"{what} s: " + ", ".join(shown)


def goals(wire: str, small: Measured, large: Measured, wanted: tuple[str, str, str]) -> list[Goal]:
    cpu, wall, long = wanted
    return [
        Goal(
            f"1 {wire}",
            f"{SMALL} MiB, CPU vs curl",
            against(small, peers.CURL, "cpu"),
            cpu,
            seconds(small, "cpu"),
        ),
        Goal(
            f"2 {wire}",
            f"{SMALL} MiB, wall vs official Python",
            against(small, peers.PYTHON, "wall"),
            wall,
            seconds(small, "wall"),
        ),
        Goal(
            f"2 {wire}",
            f"{SMALL} MiB, wall vs official Node",
            against(small, peers.NODE, "wall"),
            wall,
        ),
        Goal(
            f"3 {wire}",
            f"{LARGE} MiB, CPU vs curl",
            against(large, peers.CURL, "cpu"),
            long,
            seconds(large, "cpu"),
        ),
    ]


def main() -> None:
    rows: list[dict[str, object]] = []
    judged: list[Goal] = []
    small, large = media(SMALL), media(LARGE)
    official = [peers.official_python(), peers.official_node()]
    for wire, wanted in (
        ("plain", ("<= 1.25", "<= 0.35", "<= 1.00")),
        ("TLS", ("<= 1.15", "<= 0.50", "<= 1.00")),
    ):
        with sink(tls=wire == "TLS") as server:
            one = turns(small, server, [peers.curl(), *official], 2 if QUICK else 5)
            four = turns(large, server, [peers.curl()], 2 if QUICK else 4)
        rows += runs(f"{SMALL} MiB {wire}", one) + runs(f"{LARGE} MiB {wire}", four)
        judged += goals(wire, one, four, wanted)
    publish(__file__, rows, judged)


if __name__ == "__main__":
    main()
