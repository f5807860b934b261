"""Local files as items."""

import os
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.errors import SourceError
from apivideo_async.ingest.stores.local import list_file
from apivideo_async.ingest.stores.stores import Stores
from tests.ingest.conftest import an_item, bytes_of


async def test_a_file_opens_as_it_was_listed(tmp_path: Path, stores: Stores) -> None:
    path = tmp_path / "a b.mp4"
    path.write_bytes(b"0123456789")
    item = list_file(path)
    pinned = await stores.open(item)
    assert (pinned.size, pinned.version, pinned.source.name) == (10, item.version, "a b.mp4")
    assert await bytes_of(pinned.source, 3, 4) == b"3456"
    assert await pinned.pull_url(60) is None
    await pinned.aclose()
    again = await stores.open(an_item(path.as_uri()))
    assert again.version == item.version
    await again.aclose()


async def test_a_file_that_changed_since_it_was_listed_is_not_opened(
    tmp_path: Path, stores: Stores
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"0123456789")
    item = list_file(path)
    os.utime(path, ns=(1, 1))
    with pytest.raises(SourceError, match="changed since it was listed") as caught:
        await stores.open(item)
    assert caught.value.cause == "changed"


async def test_a_file_that_changes_while_it_is_read_is_an_error(
    tmp_path: Path, stores: Stores
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"0123456789")
    pinned = await stores.open(list_file(path))
    path.write_bytes(b"abc")
    with pytest.raises(SourceError) as caught:
        await bytes_of(pinned.source, 0, 10)
    assert caught.value.cause == "changed"
    await pinned.aclose()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("prepare", "cause"),
    [
        (lambda path: None, "missing"),
        (Path.touch, "empty"),
        (Path.mkdir, "unsupported"),
        (a_pipe, "unsupported"),
    ],
    ids=["nothing", "empty", "folder", "pipe"],
)
async def test_what_is_no_file_with_bytes_says_why(
    tmp_path: Path, stores: Stores, prepare: Any, cause: str
) -> None:
    prepare(tmp_path / "a.mp4")
    with pytest.raises(SourceError) as caught:
        await stores.open(an_item(str(tmp_path / "a.mp4")))
    assert caught.value.cause == cause
