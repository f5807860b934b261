"""Uploads files with a bandwidth limit. Arguments: LIMIT FILE..."""

import asyncio
import json
import sys

from apivideo_async import ApiVideoClient


async def main() -> None:
    limit, *files = sys.argv[1:]
    async with ApiVideoClient(limit_rate=int(limit)) as client:
        results = [result async for result in client.upload_many(files)]
    failed = sum(result.error is not None for result in results)
    print(json.dumps({"failed": failed}))


asyncio.run(main())
