"""Goal 5: uploading over a line with 12.5 MB/s per connection and 80 ms round-trip time.

The upload has 8 chunks in flight and the automatic plan. The ideal time is what eight connections
need without a pause, plus one round trip to open them and one for the response. The time from the
first upload request to the last response is compared with it. The table also shows the whole call
(which signs in, creates the video and checks the result) and the official clients.
"""

import json

from harness import peers
from harness.measuring import MIB, QUICK, Spread, client, interleave, measure
from harness.media import media
from harness.results import Goal, publish, runs
from harness.servers import serving, sink

SIZE = 64 if QUICK else 256
RATE, RTT, WIDTH = 12.5e6, 0.08, 8
IDEAL = SIZE * MIB / (RATE * WIDTH) + 2 * RTT


def main() -> None:
    path = media(SIZE)
    with sink() as target, serving("wan.py", target.address, "--rate", RATE, "--rtt", RTT) as line:
        command = client("timed.py", path, json.dumps({"concurrency": WIDTH}))
        measured = interleave(
            {peers.OURS: lambda: measure(command, line.environ)}, 2 if QUICK else 5
        )
        # The official clients send one chunk at a time and take ten times as long: run them once.
        others = peers.present(peers.official_python(), None if QUICK else peers.official_node())
        measured |= interleave(
            {peer.name: (lambda p=peer: p.run(path, line)) for peer in others}, 1, warm=0
        )
    ours = measured[peers.OURS]
    official = ", ".join(
        f"{name} {usages[0].wall:.1f} s" for name, usages in measured.items() if name != peers.OURS
    )
    sending = Spread.of(usage.said["sending"] / IDEAL for usage in ours)
    whole = Spread.of(usage.said["call"] for usage in ours)
    note = f"ideal {IDEAL:.2f} s, whole call {whole} s, whole process of {official}"
    publish(
        __file__,
        runs("WAN", measured),
        [Goal("5", f"{SIZE} MiB, 8 x 12.5 MB/s, 80 ms, vs ideal", sending, "<= 1.05", note)],
    )


if __name__ == "__main__":
    main()
