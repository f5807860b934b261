"""Upload one file, wait until it can be watched, print the address of its player.

Shows progress in one line, and what to do when an upload ends early: the server keeps what it accepted, and a second
run with ``--video-id`` sends only the rest.

Install: ``pip install .`` in a clone. Run::

    export APIVIDEO_API_KEY=...
    python examples/upload_file.py movie.mp4

Against a local api.video: ``apivideo emulator`` in another terminal, then the two ``export`` lines that it prints.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from apivideo_async import ApiVideoClient, ApiVideoError, UploadError, UploadProgress, Video

MB = 1_000_000


def show(progress: UploadProgress) -> None:
    """Draw the progress line; called at most ten times a second."""
    share = "  ?" if progress.fraction is None else f"{progress.fraction:4.0%}"
    left = "" if progress.eta is None else f", {progress.eta:.0f} s left"
    line = f"{share} of the file is there, {progress.rate / MB:.1f} MB/s{left}"
    print(f"\r{line:<60}", end="", file=sys.stderr, flush=True)


async def upload(file: str, title: str | None, video_id: str | None) -> Video:
    """Upload into a new video, or send the rest of an interrupted one, and wait until it is playable."""
    async with ApiVideoClient() as client:
        try:
            if video_id is None:
                video = await client.upload(file, title=title, on_progress=show)
            else:
                video = await client.videos.upload(video_id, file, on_progress=show)
        finally:
            print(file=sys.stderr)
        print(f"{video.video_id} is uploaded, waiting for the first quality", file=sys.stderr)
        await client.videos.wait_until_playable(video.video_id)
        return video


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(description="Upload one file and print the address of its player.")
    parser.add_argument("file")
    parser.add_argument("--title", help="the file's name unless given")
    parser.add_argument("--video-id", help="send the rest of this interrupted upload")
    given = parser.parse_args(arguments)
    try:
        video = asyncio.run(upload(given.file, given.title, given.video_id))
    except UploadError as error:  # The file cannot be used, or the upload ended early.
        print(f"not uploaded: {error}", file=sys.stderr)
        if error.video_id is not None:
            print(f"continue: {sys.argv[0]} {given.file} --video-id {error.video_id}", file=sys.stderr)
        return 1
    except ApiVideoError as error:  # Everything else: no key, no network, a file that is no video, ...
        print(f"failed: {error}", file=sys.stderr)
        return 1
    print(video.assets.player if video.assets else video.video_id)
    return 0


if __name__ == "__main__":
    sys.exit(main())
