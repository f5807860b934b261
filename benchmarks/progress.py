"""Progress: bytes shown as sent, compared with the bytes that left the machine, at 1 MB/s.

The line is shared by all connections. Its proxy records how many bytes its kernel has received,
which are all bytes that left the kernel of the client, because both are on one machine.
"""

import json
import tempfile
from pathlib import Path

from harness import peers
from harness.measuring import MIB, QUICK, Spread, Usage, client, measure
from harness.media import media
from harness.results import Goal, publish, runs
from harness.servers import serving, sink
from harness.traces import read_trace, received_at

SIZE = 10 if QUICK else 40
LINE = 1_000_000
ROUNDS = 1 if QUICK else 3
WIDTHS = (4, "auto")


def upload(width: int | str, tls: bool) -> Usage:
    """Upload once. ``ahead`` and ``behind`` are the largest differences in MiB."""
    command = client("progress.py", media(SIZE), json.dumps({"concurrency": width}))
    with tempfile.TemporaryDirectory() as folder, sink(tls=tls) as target:
        path = Path(folder) / "trace"
        arguments = ("--shared", LINE, "--trace", path)
        with serving("wan.py", target.address, *arguments) as line:
            environ = line.environ | target.environ
            scheme = "https" if tls else "http"
            environ["APIVIDEO_BASE_URL"] = f"{scheme}://{line.address}"
            usage = measure(command, environ)
        trace = read_trace(path)
    events = usage.said.pop("events")
    ahead = [(sent - received_at(trace, time)) / MIB for time, sent in events]
    usage.said.update(ahead=round(max(ahead), 4), behind=round(-min(ahead), 4))
    return usage


def main() -> None:
    rows: list[dict[str, object]] = []
    goals = []
    for wire in ("plain", "TLS"):
        for width in WIDTHS:
            usages = [upload(width, wire == "TLS") for _ in range(ROUNDS)]
            case = f"{SIZE} MiB at 1 MB/s, {width} in flight, {wire}"
            rows += runs(case, {peers.OURS: usages})
            ahead, behind = (
                Spread.of(usage.said[name] for usage in usages) for name in ("ahead", "behind")
            )
            note = f"at most {behind} MiB behind"
            goals.append(
                Goal("progress", f"{case}: MiB shown ahead of those sent", ahead, "<= 0.3", note)
            )
    publish(__file__, rows, goals)


if __name__ == "__main__":
    main()
