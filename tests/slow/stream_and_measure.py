"""Run by test_large: uploads a stream of unknown length and says how much memory that took."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import psutil
from peak import peak_rss

from apivideo_async import ApiVideoClient, UploadOptions

MIB = 1024 * 1024


async def blocks(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number % 256]) * MIB


async def main(mebibytes: int, chunk: int, concurrency: int) -> None:
    options = UploadOptions(chunk_size=chunk * MIB, concurrency=concurrency)
    async with ApiVideoClient(upload=options) as client:
        await client.videos.list()
        idle = psutil.Process().memory_info().rss
        video = await client.upload(blocks(mebibytes), title="stream")
    peak = peak_rss()
    print(json.dumps({"video_id": video.video_id, "growth": peak - idle}))


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
