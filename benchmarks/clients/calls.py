"""Reads videos many times and prints the seconds. Arguments: ours|raw video|page COUNT WIDTH.

``raw`` uses aiohttp and json.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from apivideo_async import ApiVideoClient

ID = "vi4k0jvEUuaTdRAEjQ4Jfrgz"
Call = Callable[[], Awaitable[Any]]


async def timed(call: Call, count: int, width: int) -> float:
    async def work() -> None:
        for _ in range(count // width):
            await call()

    # The first call connects and signs in; it is not measured.
    await call()
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for _ in range(width):
            group.create_task(work())
    return asyncio.get_running_loop().time() - began


async def ours(what: str, count: int, width: int) -> float:
    async with ApiVideoClient() as client:

        async def page() -> object:
            return await client.videos.list(page_size=100)

        return await timed(page if what == "page" else lambda: client.videos.get(ID), count, width)


async def raw(what: str, count: int, width: int) -> float:
    path = "/videos?currentPage=1&pageSize=100" if what == "page" else f"/videos/{ID}"
    async with aiohttp.ClientSession(
        os.environ["APIVIDEO_BASE_URL"], connector=aiohttp.TCPConnector(limit=0)
    ) as session:

        async def get() -> object:
            async with session.get(
                path, headers={"Authorization": "Bearer bench.access"}
            ) as answer:
                return json.loads(await answer.read())

        return await timed(get, count, width)


async def main() -> None:
    who, what, count, width = sys.argv[1:]
    print(
        json.dumps(
            {"seconds": await (ours if who == "ours" else raw)(what, int(count), int(width))}
        )
    )


asyncio.run(main())
