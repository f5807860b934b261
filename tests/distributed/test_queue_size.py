"""The queue stays fast when it is suddenly long."""

from apivideo_async.distributed import Distributed
from apivideo_async.distributed.queue import BATCH
from apivideo_async.ingest.items import Item


async def test_postgresql_is_told_at_once_that_there_are_many_items(shared: Distributed) -> None:
    """Else it sorts all of them to claim one, until it counts them by itself a minute later."""
    await shared.defer_ingest(
        Item(key=str(number), uri=f"/{number}.mp4") for number in range(BATCH)
    )
    counted = "SELECT reltuples FROM pg_class WHERE oid = to_regclass('apivideo_ingest_items')"
    assert await shared.database.run(counted, {}) == [(BATCH,)]
