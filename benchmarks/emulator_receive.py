"""Goal 10: how fast the emulator receives and discards media.

It is compared with an aiohttp server that discards the raw body. Both have the same sender, curl
with one multipart request, and the same read buffer. The unit is MiB per second, as seen by curl.
"""

from harness import peers
from harness.measuring import QUICK, Spread, Usage, interleave, ratio
from harness.media import media
from harness.results import Goal, publish, runs
from harness.servers import Server, serving

SIZE = 64 if QUICK else 1024
MEASURE = f"{SIZE} MiB into the emulator, MiB/s vs raw aiohttp.web"


def send(server: Server, sender: peers.Peer) -> Usage:
    before = server.cpu()
    usage = sender.run(media(SIZE), server)
    usage.said.update(server_cpu=round(server.cpu() - before, 2))
    return usage


def speeds(usages: list[Usage]) -> Spread:
    return Spread.of(SIZE / usage.wall for usage in usages)


def main() -> None:
    sender = peers.curl()
    if sender is None:
        publish(
            __file__,
            [{"case": "curl is missing"}],
            [Goal("10", MEASURE, None, ">= 0.5", "needs curl")],
        )
        return
    with serving("raw.py") as raw, serving("emulator.py", "{}") as emulator:
        servers = {"raw aiohttp.web": raw, "emulator": emulator}
        turns = {
            name: (lambda server=server: send(server, sender)) for name, server in servers.items()
        }
        measured = interleave(turns, 2 if QUICK else 7)
    note = ", ".join(f"{name} {speeds(usages)} MiB/s" for name, usages in measured.items())
    share = ratio(measured["raw aiohttp.web"], measured["emulator"], "wall")
    publish(__file__, runs("receive", measured), [Goal("10", MEASURE, share, ">= 0.5", note)])


if __name__ == "__main__":
    main()
