"""Uploads a folder of small files with aiohttp only. Arguments: FOLDER CONCURRENCY.

The code is what an application without this package would contain. Prints the seconds.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp


async def work(session: aiohttp.ClientSession, files: Iterator[Path]) -> None:
    for path in files:
        async with session.post("/videos", json={"title": path.name}) as answer:
            answer.raise_for_status()
            video = await answer.json()
        form = aiohttp.FormData()
        form.add_field("file", path.read_bytes(), filename=path.name, content_type="video/mp4")
        async with session.post(f"/videos/{video['videoId']}/source", data=form) as answer:
            answer.raise_for_status()
            await answer.json()


async def main() -> None:
    files, concurrency = iter(sorted(Path(sys.argv[1]).iterdir())), int(sys.argv[2])
    base, key = os.environ["APIVIDEO_BASE_URL"], os.environ["APIVIDEO_API_KEY"]
    async with aiohttp.ClientSession(base) as session:
        async with session.post("/auth/api-key", json={"apiKey": key}) as answer:
            session.headers["Authorization"] = f"Bearer {(await answer.json())['access_token']}"
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work(session, files))
        print(json.dumps({"seconds": asyncio.get_running_loop().time() - began}))


asyncio.run(main())
