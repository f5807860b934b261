"""Upload many files, a few at a time. A failed file does not stop the others.

A few workers share one iterator, so the number of tasks does not grow with the number of files.
Each upload records its progress in a journal (``resume="on"``). After a crash, Ctrl-C or a
failure, run the same command with the remaining files: only the bytes that api.video does not hold
are sent.

Install: ``pip install .`` in a clone. Run::

    export APIVIDEO_API_KEY=...
    python examples/upload_many.py --parallel 4 *.mp4

To run it against a local api.video, start ``apivideo emulator`` in another terminal and enter the
two ``export`` lines that it prints.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from apivideo_async import ApiVideoClient, ApiVideoError, UploadOptions, Video

Outcome = Video | ApiVideoError


async def upload_all(
    client: ApiVideoClient, files: Sequence[str], parallel: int
) -> dict[str, Outcome]:
    """Upload the files, ``parallel`` at once, and return the video or the error of each."""
    outcomes: dict[str, Outcome] = {}
    waiting = iter(files)

    async def work() -> None:
        for file in waiting:  # All workers share the iterator, so each file is taken once.
            try:
                outcomes[file] = video = await client.upload(file, tags=["bulk"])
            except ApiVideoError as error:
                outcomes[file] = error
                print(f"{file}: {error}", file=sys.stderr)
            else:
                print(f"{file}: {video.video_id}")

    async with asyncio.TaskGroup() as group:
        for _ in range(parallel):
            group.create_task(work())
    return outcomes


async def run(files: Sequence[str], parallel: int) -> int:
    """Upload the files and print a summary. The exit code is 1 if a file failed."""
    # Files and chunks in flight multiply: with several files, two chunks of each use the whole
    # bandwidth.
    options = UploadOptions(concurrency=2, resume="on")
    async with ApiVideoClient(upload=options) as client:
        outcomes = await upload_all(client, files, parallel)
    failed = [file for file, outcome in outcomes.items() if isinstance(outcome, ApiVideoError)]
    print(f"{len(outcomes) - len(failed)} uploaded, {len(failed)} failed")
    if failed:
        print("again:", *failed, file=sys.stderr)
    return 1 if failed else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description="Upload many files, a few at a time.")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument(
        "--parallel", type=int, default=4, help="files in flight at once (default: 4)"
    )
    given = parser.parse_args(arguments)
    return asyncio.run(run(list(dict.fromkeys(given.files)), given.parallel))


if __name__ == "__main__":
    sys.exit(main())
