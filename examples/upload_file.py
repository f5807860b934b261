"""Upload one file, wait until it is playable, print the address of its player.

Shows the progress in one line. If an upload ends early, the server keeps the chunks that it has
accepted, and a second run with ``--video-id`` sends only the rest.

Install: ``pip install .`` in a clone. Run::

    export APIVIDEO_API_KEY=...
    python examples/upload_file.py movie.mp4

To run it against a local api.video, start ``apivideo emulator`` in another terminal and enter the
two ``export`` lines that it prints.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from apivideo_async import ApiVideoClient, ApiVideoError, UploadError, UploadProgress, Video

MB = 1_000_000


def show(progress: UploadProgress) -> None:
    """Print the progress line. The client calls this at most ten times a second."""
    share = "  ?" if progress.fraction is None else f"{progress.fraction:4.0%}"
    left = "" if progress.eta is None else f", {progress.eta:.0f} s left"
    line = f"{share} of the file is there, {progress.rate / MB:.1f} MB/s{left}"
    print(f"\r{line:<60}", end="", file=sys.stderr, flush=True)


async def upload(file: str, title: str | None, video_id: str | None) -> Video:
    """Upload a file and wait until the video is playable.

    With ``video_id`` the rest of an interrupted upload is sent.
    """
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
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        description="Upload one file and print the address of its player."
    )
    parser.add_argument("file")
    parser.add_argument("--title", help="the file's name unless given")
    parser.add_argument("--video-id", help="send the rest of this interrupted upload")
    given = parser.parse_args(arguments)
    try:
        video = asyncio.run(upload(given.file, given.title, given.video_id))
    except UploadError as error:  # The file cannot be used, or the upload ended early.
        print(f"not uploaded: {error}", file=sys.stderr)
        if error.video_id is not None:
            print(
                f"continue: {sys.argv[0]} {given.file} --video-id {error.video_id}", file=sys.stderr
            )
        return 1
    except ApiVideoError as error:
        # All other errors: no key, no network, a file that is no video, ...
        print(f"failed: {error}", file=sys.stderr)
        return 1
    print(video.assets.player if video.assets else video.video_id)
    return 0


if __name__ == "__main__":
    sys.exit(main())
