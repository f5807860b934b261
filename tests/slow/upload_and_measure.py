"""Run by test_large: uploads a file in a process of its own and says how much memory that took."""

import asyncio
import json
import sys

import psutil
from peak import peak_rss

from apivideo_async import ApiVideoClient, UploadOptions


async def main(path: str, mode: str, concurrency: int) -> None:
    async with ApiVideoClient(upload=UploadOptions(mode=mode, concurrency=concurrency)) as client:  # type: ignore[arg-type]
        await client.videos.list()
        idle = psutil.Process().memory_info().rss
        video = await client.upload(path, title="large")
        assert video.assets is not None
    peak = peak_rss()
    print(json.dumps({"video_id": video.video_id, "mp4": video.assets.mp4, "growth": peak - idle}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
