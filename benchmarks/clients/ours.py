"""Uploads one file as an application would. Arguments: FILE OPTIONS-AS-JSON."""

import asyncio
import json
import sys

from apivideo_async import ApiVideoClient, UploadOptions


async def main() -> None:
    async with ApiVideoClient(upload=UploadOptions(**json.loads(sys.argv[2]))) as client:
        await client.upload(sys.argv[1], title="bench")


asyncio.run(main())
