"""Run by test_shared_key: uploads small files, as one of several processes that share a key."""

import asyncio
import sys
import time
from collections.abc import Iterator

from apivideo_async import ApiVideoClient


def files(until: float) -> Iterator[bytes]:
    while time.monotonic() < until:
        yield b"x" * 2_000


async def main(seconds: float, concurrency: int) -> None:
    async with ApiVideoClient() as client:
        try:
            async with asyncio.timeout(seconds):
                async for result in client.upload_many(
                    files(time.monotonic() + seconds), concurrency=concurrency
                ):
                    assert result.video is not None, result.error
        except TimeoutError:
            pass  # It waits for budget.


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2])))
