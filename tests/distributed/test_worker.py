"""Workers that share a database: every item once, whatever becomes of them."""

from pathlib import Path

from apivideo_async.distributed import Distributed
from apivideo_async.emulator import Emulator
from tests.conftest import CHUNK, sha256

from .conftest import files, make_worker, until, working


async def test_workers_ingest_every_item_once(emu: Emulator, shared: Distributed, dsn: str, tmp_path: Path) -> None:
    items = files(tmp_path, 20) + files(tmp_path, 3, size=4 * CHUNK, first=20)
    await shared.defer_ingest(items)

    async def finished() -> bool:
        return (await shared.totals()).open == 0

    async with working(make_worker(emu, dsn), make_worker(emu, dsn)):
        await until(finished)
    for item in items:
        record = await shared.record(item.key)
        assert record is not None
        assert record.state == "done"
        assert emu.sha256(record.video_id or "") == sha256(Path(item.uri).read_bytes())
    assert len(emu.world.videos) == len(items)
    jobs = await shared.jobs()
    assert jobs.running == 0
    print(jobs)
