"""Watch a folder: upload every video that is put there, when it is complete and only once.

A file is complete when it has not changed for ``--settle`` seconds. Hidden files and names that
end in ``.part``, ``.tmp`` or a similar suffix are ignored, because another program is still writing
them; it should rename them when they are complete. A ledger records the state of each file. There
is one ledger for each server and key unless ``--ledger`` names another. Ctrl-C, a crash or a
reboot loses nothing: the same command continues, even in the middle of a file. ``apivideo ingest
retry`` marks failed files to be tried again, and ``apivideo ingest report report.html`` shows the
state of all files.

Install: ``pip install '.[watch]'`` in a clone. Run::

    export APIVIDEO_API_KEY=...
    python examples/watch_folder.py /srv/incoming

To run it against a local api.video, start ``apivideo emulator`` in another terminal and enter the
two ``export`` lines that it prints.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from apivideo_async import ApiVideoClient, ApiVideoError
from apivideo_async.ingest import Ingest, IngestResult, watch_folder


def show(result: IngestResult) -> None:
    """Print the result of a file. A file that is tried again gives another result later."""
    name = Path(result.item.uri).name
    if result.outcome == "done":
        print(f"{name}: {result.video_id}", flush=True)
    elif result.outcome == "later":
        print(f"{name}: again in {result.delay:.0f} s: {result.error}", file=sys.stderr)
    else:
        print(f"{name}: {result.error}", file=sys.stderr)


async def watch(folder: str, settle: float, ledger: str | None) -> None:
    """Ingest the files of the folder and those that arrive, until cancelled.

    On cancellation, the files in progress are returned to the ledger.
    """
    async with ApiVideoClient() as client, Ingest(client, ledger) as ingest:
        async for result in ingest.run(watch_folder(folder, settle=settle)):
            show(result)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        description="Bring every video that is put into a folder to api.video."
    )
    parser.add_argument("folder")
    parser.add_argument(
        "--settle",
        type=float,
        default=5,
        help="seconds that a file has to stand still (default: 5)",
    )
    parser.add_argument("--ledger", help="the file that remembers what was done")
    given = parser.parse_args(arguments)
    try:
        asyncio.run(watch(given.folder, given.settle, given.ledger))
    except KeyboardInterrupt:
        print("interrupted: the same command goes on", file=sys.stderr)
        return 130
    except ApiVideoError as error:
        # The folder is missing, the key is refused, another process has the ledger, ...
        print(f"failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
