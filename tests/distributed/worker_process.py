"""A worker in a process of its own, whose chunks are small; ends with SIGTERM."""

import asyncio
import logging
import signal
import sys

from apivideo_async import ApiVideoClient, RetryPolicy, Timeouts, UploadLimits, UploadOptions
from apivideo_async.distributed import Worker
from apivideo_async.ingest.options import IngestOptions
from apivideo_async.rate_limit.limiter import Limiter

CHUNK = 64 * 1024


async def main(dsn: str, lease: float, concurrency: int) -> None:
    retry = RetryPolicy(
        first_delay=0.02, longest_delay=0.2, attempts=4, seconds=5, rate_limit_seconds=5, settle=0.3
    )
    upload = UploadOptions(
        chunk_size=CHUNK, limits=UploadLimits(smallest_chunk=CHUNK), concurrency=3
    )
    options = IngestOptions(
        concurrency=concurrency,
        lease=lease,
        attempts=30,
        first_delay=0.1,
        longest_delay=1.0,
        upload=upload,
    )
    timeouts = Timeouts(connect=2, response=5, stall=5)

    def make_client(limiter: Limiter) -> ApiVideoClient:
        return ApiVideoClient(retry=retry, timeouts=timeouts, limiter=limiter)

    worker = Worker(dsn, make_client, options=options, poll=0.2)
    running = asyncio.ensure_future(worker.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    await asyncio.wait([running])
    if not running.cancelled():
        running.result()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(process)d %(message)s")
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
