"""Uploads a folder of small files with this package. Arguments: FOLDER CONCURRENCY.

Prints the seconds and the number of failed files.
"""

import asyncio
import json
import sys
from pathlib import Path

from apivideo_async import ApiVideoClient


async def main() -> None:
    files, concurrency = sorted(Path(sys.argv[1]).iterdir()), int(sys.argv[2])
    async with ApiVideoClient() as client:
        # Sign in before the measurement.
        await client.videos.create(title="warm")
        began = asyncio.get_running_loop().time()
        failed = 0
        async for result in client.upload_many(files, concurrency=concurrency):
            failed += result.error is not None
        print(json.dumps({"seconds": asyncio.get_running_loop().time() - began, "failed": failed}))


asyncio.run(main())
