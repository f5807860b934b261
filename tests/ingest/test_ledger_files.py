"""The files of a ledger hold presigned URLs: only their owner can ever access them."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apivideo_async import ApiVideoClient, ConfigurationError, LedgerError
from apivideo_async.emulator import Emulator
from apivideo_async.ingest import Ingest
from apivideo_async.ingest import ingestion as ingestion_module
from apivideo_async.ingest.ledger.ledger import Ledger
from apivideo_async.ingest.ledger.sqlite import SqliteDatabase, open_sqlite_ledger
from apivideo_async.ingest.listing.sources import web_item

from .ingesting import MakeItems

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permission bits")


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    """The least safe umask: what is private must not depend on it."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {path.name: f"{stat.S_IMODE(path.stat().st_mode):o}" for path in folder.iterdir()}


PRIVATE = {"l.db": "600", "l.db-wal": "600", "l.db-shm": "600", "l.db-run": "600"}


async def test_every_file_of_a_ledger_is_private_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    folder = tmp_path / "shared" / "new" / "below"
    ledger = await open_sqlite_ledger(folder / "l.db")
    database = ledger.database
    assert isinstance(database, SqliteDatabase)
    await database.lock()
    await ledger.add([web_item("https://me:word@host/a.mp4?sig=1")])
    assert PRIVATE.items() <= modes(folder).items()
    assert set(modes(folder).values()) == {"600"}
    await ledger.aclose()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)] == [0o700, 0o700]
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o755, (
        "the folder of somebody else"
    )


async def test_a_ledger_is_never_created_with_another_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite opens a private file: changing the mode afterwards would leave a window."""
    seen: list[dict[str, str]] = []
    real = SqliteDatabase._connect

    def chmod(path: Path, mode: int, **_: object) -> None:
        seen.append({path.name: f"{mode:o}"})

    monkeypatch.setattr(Path, "chmod", chmod)
    database = SqliteDatabase(tmp_path / "l.db")
    real(database).close()
    assert (seen, modes(tmp_path)) == ([], {"l.db": "600"})


async def test_the_files_of_an_earlier_version_are_restricted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "l.db"
    first = await open_sqlite_ledger(path)
    database = first.database
    assert isinstance(database, SqliteDatabase)
    await database.lock()
    await database.unlock()
    for name in modes(tmp_path):
        (tmp_path / name).chmod(0o644)
    second = await open_sqlite_ledger(path)
    assert modes(tmp_path) == PRIVATE
    assert f"{path} was accessible to other users" in caplog.text
    await second.aclose()
    await first.aclose()


async def test_a_linked_ledger_is_private_where_it_really_is(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "l.db").symlink_to(tmp_path / "real" / "l.db")
    ledger = await open_sqlite_ledger(tmp_path / "l.db")
    await ledger.add([web_item("https://host/a.mp4?sig=1")])
    assert set(modes(tmp_path / "real").values()) == {"600"}
    await ledger.aclose()


async def test_a_file_that_is_no_ledger_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("text, and no ledger" * 100)
    path.chmod(0o644)
    with pytest.raises(LedgerError, match="not a database"):
        await open_sqlite_ledger(path)
    assert modes(tmp_path) == {"notes.txt": "644"}


async def test_opening_a_ledger_twice_drops_no_lock_of_the_first(tmp_path: Path) -> None:
    """POSIX drops all locks of a process on a file when it closes any descriptor of the file."""
    first = SqliteDatabase(tmp_path / "l.db")
    await first.open()
    await first.lock()
    second = SqliteDatabase(tmp_path / "l.db")
    await second.open()
    with pytest.raises(LedgerError, match="another run"):
        await second.lock()
    await second.aclose()
    program = (
        "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN EXCLUSIVE')"
    )
    other = subprocess.run(
        [sys.executable, "-S", "-c", program, f"{tmp_path}/l.db-run"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "database is locked" in other.stderr
    await first.aclose()


async def test_without_a_folder_for_it_a_ledger_must_be_named(
    emu: Emulator, client: ApiVideoClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingestion_module, "state_file", lambda *_: None)
    with pytest.raises(ConfigurationError, match="name a file for the ledger"):
        async with Ingest(client):
            pass
    async with Ingest(client, tmp_path / "l.db") as ingest:
        assert (await ingest.totals()).count() == 0


@pytest.mark.parametrize("step", ["verifying", "done"])
async def test_a_ledger_whose_disk_is_full_at_the_end_makes_no_second_video(
    emu: Emulator,
    client: ApiVideoClient,
    make_items: MakeItems,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    def full(*_: object) -> None:
        raise LedgerError("the ledger cannot be used (database or disk is full)")

    items = make_items(1)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, step, full)
        async with Ingest(client, tmp_path / "l.db") as ingest:
            with pytest.raises(LedgerError, match="full"):
                async for _ in ingest.run(items):
                    pass
    emu.requests.clear()
    async with Ingest(client, tmp_path / "l.db") as ingest:
        assert [result.outcome async for result in ingest.run(items)] == ["done"]
    assert len(emu.state.videos) == 1
    assert [record for record in emu.requests if record.operation == "videos.upload"] == [], (
        "nothing is sent again"
    )
