"""Measures the ledger in PostgreSQL with 10,000 and with 1,000,000 waiting items.

Prints the milliseconds per item of a claim, of a retry in batches, and of the counts for the
status; and the milliseconds of one job. A private PostgreSQL runs on the same machine.
"""

import asyncio
import time

from harness.measuring import QUICK
from harness.postgres import postgres

from apivideo_async.distributed import Distributed, init_database

COUNTS = (1_000, 10_000) if QUICK else (10_000, 1_000_000)
SAMPLE = 500
"""Items that are claimed."""
FILL = """INSERT INTO apivideo_ingest_items (key, uri, fields, strategy, state, due, added_at)
SELECT 'key-' || n, '/videos/' || n || '.mp4', '{{}}', 'stream', 'new', 1e9, 1e9
FROM generate_series(1, {count}) AS n"""


async def measured(dsn: str, count: int) -> dict[str, float]:
    async with Distributed(dsn) as shared:
        await shared.database.run("TRUNCATE apivideo_ingest_items", {})
        await shared.database.run(FILL.format(count=count), {})
        await shared.database.run("ANALYZE apivideo_ingest_items", {})
        times = [time.perf_counter()]

        def note() -> float:
            times.append(time.perf_counter())
            return 1_000 * (times[-1] - times[-2])

        for _ in range(SAMPLE):
            [claim] = await shared.ledger.claim("owner", 1, 600.0)
            await shared.ledger.fail(claim, "other", "")
        fetch = note() / SAMPLE
        await shared.totals()
        status = note()
        retried = await shared.retry()
        retry = note()
        for _ in range(100):
            await shared.queue.wake()
        job = note() / 100
        assert len(retried) == SAMPLE
        return {
            "claim and finish, per item": fetch,
            "status, per item": status / count,
            "status": status,
            "retry, per item": retry / SAMPLE,
            "wake": job,
        }


async def main() -> None:
    with postgres() as dsn:
        if dsn is None:
            print("PostgreSQL is not installed")
            return
        await init_database(dsn)
        for count in COUNTS:
            for name, value in (await measured(dsn, count)).items():
                print(f"{count:>9,} items  {name:<28} {value:10.4f} ms")


if __name__ == "__main__":
    asyncio.run(main())
