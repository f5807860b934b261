"""Watch a folder: every video that is put there goes to api.video, once it is complete, and never twice.

A file is complete when it has not changed for ``--settle`` seconds. Names that end in ``.part``, ``.tmp`` and the like,
and hidden ones, belong to somebody who is still writing: rename them when they are complete. What became of each file
is in a ledger, one for each server and key unless ``--ledger`` names another. So Ctrl-C, a crash or a reboot lose
nothing: the same command goes on, in the middle of a file too. ``apivideo ingest retry`` makes failed files due again,
``apivideo ingest report report.html`` shows everything.

Install: ``pip install '.[watch]'`` in a clone. Run::

    export APIVIDEO_API_KEY=...
    python examples/watch_folder.py /srv/incoming

Against a local api.video: ``apivideo emulator`` in another terminal, then the two ``export`` lines that it prints.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from apivideo_async import ApiVideoClient, ApiVideoError
from apivideo_async.ingest import Ingest, IngestResult, watch_folder


def show(result: IngestResult) -> None:
    """Print what became of a file; what is tried again comes again."""
    name = Path(result.item.uri).name
    if result.outcome == "done":
        print(f"{name}: {result.video_id}", flush=True)
    elif result.outcome == "later":
        print(f"{name}: again in {result.delay:.0f} s: {result.error}", file=sys.stderr)
    else:
        print(f"{name}: {result.error}", file=sys.stderr)


async def watch(folder: str, settle: float, ledger: str | None) -> None:
    """Ingest what is in the folder and what comes, until cancelled; what is under way is given back then."""
    async with ApiVideoClient() as client, Ingest(client, ledger) as ingest:
        async for result in ingest.run(watch_folder(folder, settle=settle)):
            show(result)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(description="Bring every video that is put into a folder to api.video.")
    parser.add_argument("folder")
    parser.add_argument("--settle", type=float, default=5, help="seconds that a file has to stand still (default: 5)")
    parser.add_argument("--ledger", help="the file that remembers what was done")
    given = parser.parse_args(arguments)
    try:
        asyncio.run(watch(given.folder, given.settle, given.ledger))
    except KeyboardInterrupt:
        print("interrupted: the same command goes on", file=sys.stderr)
        return 130
    except ApiVideoError as error:  # The folder is missing, the key is refused, another process has the ledger, ...
        print(f"failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
