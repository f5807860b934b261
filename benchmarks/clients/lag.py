"""Uploads one file and prints the delay of the event loop. Arguments: FILE OPTIONS-AS-JSON.

A task sleeps for one millisecond in a loop and measures how many milliseconds late it wakes up.
``p99`` is the 99th percentile during the upload, ``idle`` the same without an upload.
"""

import asyncio
import json
import sys

from apivideo_async import ApiVideoClient, UploadOptions

STEP = 0.001


async def tick(late: list[float]) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + STEP
        await asyncio.sleep(STEP)
        late.append((clock() - due) * 1000)


async def p99(work: object) -> float:
    """Return the 99th percentile of the delay in milliseconds while ``work`` runs."""
    late: list[float] = []
    ticking = asyncio.create_task(tick(late))
    await work  # type: ignore[misc]
    ticking.cancel()
    return sorted(late)[len(late) * 99 // 100]


async def main() -> None:
    async with ApiVideoClient(upload=UploadOptions(**json.loads(sys.argv[2]))) as client:
        await client.videos.create(title="warm")
        idle = await p99(asyncio.sleep(0.5))
        print(
            json.dumps({"idle": idle, "p99": await p99(client.upload(sys.argv[1], title="bench"))})
        )


asyncio.run(main())
