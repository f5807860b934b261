"""Listing folders, globs and single files."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from apivideo_async.errors import SourceError
from apivideo_async.ingest.items import ingest_key
from apivideo_async.ingest.listing import folders
from apivideo_async.ingest.listing.folders import list_folder
from apivideo_async.ingest.listing.sources import list_sources
from apivideo_async.ingest.stores.stores import Stores

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(*names: str) -> Path:
        root = tmp_path / "root"
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        return root

    return make


async def names(root: Path, **options: object) -> list[str]:
    found = [item.uri async for item in list_folder(root, **options)]  # type: ignore[arg-type]
    return [os.path.relpath(uri, root) for uri in found]


async def test_videos_of_all_depths_come_in_order_and_nothing_else_does(make: Make) -> None:
    root = make("b.mp4", "a/2.MOV", "a/1.mkv", "c.txt", "a/deep/er/3.webm", "README")
    assert await names(root) == ["a/1.mkv", "a/2.MOV", "a/deep/er/3.webm", "b.mp4"]


async def test_hidden_and_partial_files_are_never_taken(make: Make) -> None:
    partial = [
        f"a.mp4{end}"
        for end in (".part", ".partial", ".crdownload", ".tmp", ".download", ".filepart", "~")
    ]
    root = make("a.mp4", ".b.mp4", ".c/d.mp4", *partial)
    assert await names(root) == ["a.mp4"]
    assert await names(root, patterns=["**/*"]) == ["a.mp4"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["*.txt"], ["a/n.txt", "n.txt"]),
        (["/*.txt"], ["n.txt"]),
        (["a/*.mp4"], ["a/1.mp4"]),
        (["a/**/*.mp4"], ["a/1.mp4", "a/b/2.mp4"]),
        (["[0-9].MP4", "n.?xt"], ["a/1.mp4", "a/b/2.mp4", "a/n.txt", "n.txt"]),
        (["[!1].mp4"], ["a/b/2.mp4"]),
    ],
)
async def test_patterns_take_what_they_match_whatever_its_extension(
    make: Make, patterns: list[str], expected: list[str]
) -> None:
    assert (
        await names(make("a/1.mp4", "a/b/2.mp4", "a/n.txt", "n.txt"), patterns=patterns) == expected
    )


async def test_an_item_tells_content_from_content_at_the_same_place(make: Make) -> None:
    root = make("a.mp4")
    (item,) = [item async for item in list_folder(root)]
    found = (root / "a.mp4").stat()
    real = os.path.realpath(root / "a.mp4")
    assert item.key == ingest_key("file", real, size=1, mtime=str(found.st_mtime_ns))
    assert (item.uri, item.size, item.fields, item.strategy) == (
        real,
        1,
        {"title": "a.mp4"},
        "stream",
    )
    os.utime(root / "a.mp4", ns=(1, 1))
    assert [again.key == item.key async for again in list_folder(root)] == [False]


async def test_links_are_followed_and_their_loops_are_not(make: Make, tmp_path: Path) -> None:
    root = make("a/1.mp4")
    other = tmp_path / "other"
    other.mkdir()
    (other / "2.mp4").write_bytes(b"x")
    (other / "back").symlink_to(root)
    (other / "self").symlink_to(other)
    (root / "linked").symlink_to(other)
    (root / "linked again").symlink_to(other)
    (root / "loop").symlink_to(root)
    (root / "file.mp4").symlink_to(root / "a/1.mp4")
    (root / "nowhere").symlink_to(root / "nothing")
    items = [item async for item in list_folder(root)]
    assert [(item.fields["title"], Path(item.uri).name) for item in items] == [
        ("1.mp4", "1.mp4"),
        ("file.mp4", "1.mp4"),
        ("2.mp4", "2.mp4"),
    ]
    assert items[0].key == items[1].key, "one content at one place is one source"


async def test_only_regular_files_are_taken(make: Make) -> None:
    root = make("a.mp4")
    os.mkfifo(root / "pipe.mp4")
    (root / "folder.mp4").mkdir()
    assert await names(root) == ["a.mp4"]


async def test_a_file_that_was_just_written_is_left_out_and_reported(make: Make) -> None:
    root = make("old.mp4", "new.mp4")
    old = time.time() - 3600
    os.utime(root / "old.mp4", (old, old))
    problems: list[str] = []
    assert await names(root, settle=600, on_problem=problems.append) == ["old.mp4"]
    assert len(problems) == 1
    assert "new.mp4 is left out" in problems[0]


async def test_a_file_from_the_future_is_settled(make: Make) -> None:
    root = make("a.mp4")
    os.utime(root / "a.mp4", (time.time() + 7200,) * 2)
    assert await names(root, settle=600) == ["a.mp4"]


async def test_a_name_that_is_not_utf_8_is_reported(make: Make) -> None:
    root = make("a.mp4")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.mp4")).write_bytes(b"x")
    problems: list[str] = []
    assert await names(root, on_problem=problems.append) == ["a.mp4"]
    assert r"\udcff.mp4 is left out: its name is not UTF-8" in problems[0]


async def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be listed") as caught:
        await names(tmp_path / "nothing")
    assert caught.value.cause == "missing"


async def test_a_folder_that_cannot_be_read_is_an_error_and_one_below_is_reported(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The tests may run as root, which can read everything, so the system's error is simulated."""
    root = make("a.mp4", "closed/b.mp4", "z.mp4")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.endswith(closed):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(folders.os, "scandir", refusing)
    closed, problems = "closed", list[str]()
    assert await names(root, on_problem=problems.append) == ["a.mp4", "z.mp4"]
    assert [problem.endswith("closed is left out: Permission denied") for problem in problems] == [
        True
    ]
    assert await names(root) == ["a.mp4", "z.mp4"]
    assert [
        message.endswith("closed is left out: Permission denied") for message in caplog.messages
    ] == [True]
    closed = "root"
    with pytest.raises(SourceError, match="Permission denied") as caught:
        await names(root)
    assert caught.value.cause == "unreadable"


async def test_a_folder_of_very_many_names_is_sorted_on_disk(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "SORTED_IN_MEMORY", 10)
    root = make(*(f"{number:03}.mp4" for number in range(200)), "sub/x.mp4")
    assert await names(root) == [*(f"{number:03}.mp4" for number in range(200)), "sub/x.mp4"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("", ["a/1.mp4", "a/[x].mp4", "b.mp4"]),
        ("*.mp4", ["b.mp4"]),
        ("**/*.mp4", ["a/1.mp4", "a/[x].mp4", "b.mp4"]),
        ("a/?.mp4", ["a/1.mp4"]),
        ("*/1.mp4", ["a/1.mp4"]),
        ("a/[x].mp4", ["a/[x].mp4"]),
        ("note.txt", ["note.txt"]),
    ],
)
async def test_a_path_is_a_folder_a_pattern_or_a_file(
    make: Make, spec: str, expected: list[str]
) -> None:
    root = make("a/1.mp4", "a/[x].mp4", "b.mp4", "note.txt")
    async with Stores() as stores:
        items = [item async for item in list_sources(root / spec, stores=stores, strategy="auto")]
        assert [os.path.relpath(item.uri, root) for item in items] == expected
        assert {item.strategy for item in items} == {"auto"}
        by_uri = [item async for item in list_sources(f"file://{root}", stores=stores)]
        assert len(by_uri) == 3


async def test_a_file_named_alone_has_the_key_that_it_has_in_a_listing(make: Make) -> None:
    root = make("a.mp4")
    async with Stores() as stores:
        alone = [item async for item in list_sources(root / "a.mp4", stores=stores)]
        assert alone == [item async for item in list_sources(root, stores=stores)]
        with pytest.raises(SourceError, match="no such file"):
            _ = [item async for item in list_sources(root / "b.mp4", stores=stores)]
        with pytest.raises(SourceError, match="sources are local paths") as caught:
            _ = [item async for item in list_sources("ftp://server/a.mp4", stores=stores)]
        assert caught.value.cause == "unsupported"
