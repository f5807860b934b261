"""Handing items in: what may be named, and what becomes of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from apivideo_async import ConfigurationError, SourceError
from apivideo_async.distributed import Distributed, defer_ingest
from apivideo_async.ingest import Item, make_item
from tests.s3 import BUCKET

from .conftest import files


async def test_a_folder_a_file_and_objects_can_be_named(
    shared: Distributed, s3: object, tmp_path: Path
) -> None:
    for number in range(3):
        s3.put_object(Bucket=BUCKET, Key=f"films/{number}.mp4", Body=b"film")  # type: ignore[attr-defined]
    files(tmp_path, 2)
    assert len((await shared.defer_ingest(tmp_path)).new) == 2
    assert (await shared.defer_ingest(str(tmp_path / "0.mp4"))).new == set()
    added = await shared.defer_ingest(
        [f"s3://{BUCKET}/films", tmp_path / "1.mp4", "https://films.example/a.mp4"]
    )
    assert (len(added.keys), len(added.new)) == (5, 4)
    assert (await shared.totals()).items == {"new": 6}
    assert (await shared.jobs()).waiting == 1


async def test_items_come_one_at_a_time_and_together(dsn: str) -> None:
    async def listed() -> AsyncIterator[Item]:
        yield await make_item("https://films.example/b.mp4")

    one = await make_item("https://films.example/a.mp4", title="A")
    assert (await defer_ingest(one, dsn=dsn)).new == {one.key}
    assert len((await defer_ingest([one, await make_item("s3://films/c.mp4")], dsn=dsn)).new) == 1
    assert len((await defer_ingest(listed(), dsn=dsn)).new) == 1


async def test_what_is_named_twice_is_one_item_with_one_job(shared: Distributed) -> None:
    one = await make_item("https://films.example/a.mp4")
    added = await shared.defer_ingest([one, one])
    assert (added.keys, added.new) == ([one.key, one.key], {one.key})
    assert (await shared.jobs()).waiting == 1


async def test_an_address_that_cannot_be_listed_hands_in_what_came_before(
    shared: Distributed, tmp_path: Path
) -> None:
    files(tmp_path, 1)
    with pytest.raises(SourceError, match="no such file"):
        await shared.defer_ingest([tmp_path, tmp_path / "missing.mp4"])
    assert (await shared.totals()).items == {"new": 1}


async def test_what_a_video_cannot_have_is_refused_before_it_is_handed_in() -> None:
    with pytest.raises(ConfigurationError, match="unknown field 'tagz'"):
        await make_item("https://films.example/a.mp4", tagz=["x"])
    with pytest.raises(ConfigurationError, match="tags must be a list of texts"):
        await make_item("https://films.example/a.mp4", tags="x")
    with pytest.raises(SourceError, match="sources are"):
        await make_item("ftp://films.example/a.mp4")
