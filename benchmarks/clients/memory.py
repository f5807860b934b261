"""Uploads once and prints the peak memory. Arguments: pull FILE | push BYTES, OPTIONS-AS-JSON.

``idle`` is the peak in MiB of a client that has signed in and created a video. ``peak`` is that of
the whole process. ``push`` uploads an async iterator that has no file behind it.
"""

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from apivideo_async import ApiVideoClient, UploadOptions

BLOCK = 256 * 1024


def peak() -> float:
    """Return the peak memory of this process in MiB.

    On Linux it is ``VmHWM``: ``ru_maxrss`` of a child process starts with the size of its parent.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


async def flow(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // BLOCK):
        # A new object each time. Its bytes are not zeros, which would take no memory.
        yield b"\x01" * BLOCK


async def main() -> None:
    kind, what, options = sys.argv[1], sys.argv[2], UploadOptions(**json.loads(sys.argv[3]))
    async with ApiVideoClient(upload=options) as client:
        video = await client.videos.create(title="bench")
        idle = peak()
        await client.videos.upload(video.video_id, what if kind == "pull" else flow(int(what)))
    print(json.dumps({"idle": idle, "peak": peak()}))


if __name__ == "__main__":
    asyncio.run(main())
