"""Run by test_shared_limiter: uploads small files, as one of several workers with one budget."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from apivideo_async import ApiVideoClient
from apivideo_async.rate_limit.shared_limiter import shared_limiter
from tests.ingest.budgets import open_budget


def files(until: float) -> Iterator[bytes]:
    while time.time() < until:
        yield b"x" * 2_000


async def main(where: str, until: float, concurrency: int, ttl: float) -> None:
    async with (
        contextlib.aclosing(await open_budget(where)) as budget,
        contextlib.aclosing(shared_limiter(budget, "worker", ttl=ttl)) as limiter,
        ApiVideoClient(limiter=limiter) as client,
    ):
        with contextlib.suppress(TimeoutError):  # It waits for budget.
            async with asyncio.timeout(until - time.time()):
                async for result in client.upload_many(files(until), concurrency=concurrency):
                    assert result.video is not None, result.error


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
