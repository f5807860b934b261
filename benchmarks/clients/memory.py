"""One upload with this package, which says its peak memory: pull FILE | push BYTES, then OPTIONS-AS-JSON.

``idle`` is the peak of a client that has signed in and created a video, ``peak`` that of the whole process, in MiB.
``push`` uploads an async iterator that has no file behind it.
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
    """MiB. On Linux the kernel's own mark, because ``ru_maxrss`` of a child begins with its parent's size."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


async def flow(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // BLOCK):
        yield b"\x01" * BLOCK  # A new object each time, and not zeros: those would take no memory.


async def main() -> None:
    kind, what, options = sys.argv[1], sys.argv[2], UploadOptions(**json.loads(sys.argv[3]))
    async with ApiVideoClient(upload=options) as client:
        video = await client.videos.create(title="bench")
        idle = peak()
        await client.videos.upload(video.video_id, what if kind == "pull" else flow(int(what)))
    print(json.dumps({"idle": idle, "peak": peak()}))


if __name__ == "__main__":
    asyncio.run(main())
