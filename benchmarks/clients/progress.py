"""Uploads one file and prints what was shown as sent, and when. Arguments: FILE OPTIONS-AS-JSON.

``events`` are pairs of a time (monotonic clock) and ``bytes_sent``.
"""

import asyncio
import json
import sys

from apivideo_async import ApiVideoClient, UploadOptions


async def main() -> None:
    clock = asyncio.get_running_loop().time
    events: list[tuple[float, int]] = []
    options = UploadOptions(**json.loads(sys.argv[2]))
    async with ApiVideoClient(upload=options) as client:
        await client.upload(
            sys.argv[1],
            title="bench",
            on_progress=lambda progress: events.append((clock(), progress.bytes_sent)),
        )
    print(json.dumps({"events": events}))


asyncio.run(main())
