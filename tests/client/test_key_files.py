"""The files of idempotency keys: locks, removal, limits."""

import errno
import os
import sys
import threading
from pathlib import Path

import pytest

from apivideo_async import private_files
from apivideo_async.resources import _key_files
from apivideo_async.resources._key_files import KeyFile, open_key_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "apivideo" / "keys"


def opened(name: str) -> KeyFile:
    file = open_key_file(name)
    assert file is not None
    return file


def write(name: str, content: bytes) -> None:
    file = opened(name)
    file.write(content)
    file.close()


def test_one_user_at_a_time(folder: Path) -> None:
    first = opened("a")
    with pytest.raises(BlockingIOError):
        open_key_file("a")
    opened("b").close()
    first.write(b"longer content")
    first.write(b"content")
    first.close()
    second = opened("a")
    assert second.content == b"content"
    second.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks bytes")
def test_a_file_system_without_locks_is_used_without_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(handle: int, operation: int) -> None:
        raise OSError(error, "text")

    monkeypatch.setattr(private_files.fcntl, "flock", flock)
    error = errno.ENOLCK
    write("a", b"content")
    assert (folder / "a.json").read_bytes() == b"content"
    error = errno.EIO
    with pytest.raises(OSError, match="text"):
        open_key_file("a")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists")
def test_only_the_owner_can_read(folder: Path) -> None:
    write("a", b"content")
    assert (folder / "a.json").stat().st_mode & 0o777 == 0o600


def test_a_file_without_content_is_removed(folder: Path) -> None:
    write("a", b"content")
    file = opened("a")
    file.write(b"")
    file.close()
    opened("b").close()
    assert list(folder.iterdir()) == []


def test_nothing_is_written_after_the_file_is_closed(folder: Path) -> None:
    """A cancelled call closes its file, perhaps before the thread with its write runs."""
    file = opened("a")
    file.write(b"content")
    file.close()
    other = os.open(folder / "other", os.O_RDWR | os.O_CREAT)  # It may get the same number.
    file.write(b"late")
    file.close()
    assert os.fstat(other).st_size == 0
    os.close(other)
    assert (folder / "a.json").read_bytes() == b"content"


def test_a_file_that_is_removed_before_it_is_locked_is_created_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = private_files._lock

    def removed(handle: int) -> None:
        monkeypatch.undo()
        (folder / "a.json").unlink()
        lock(handle)

    monkeypatch.setattr(private_files, "_lock", removed)
    monkeypatch.setenv("XDG_STATE_HOME", str(folder.parent.parent))
    file = opened("a")
    file.write(b"content")
    file.close()
    assert (folder / "a.json").read_bytes() == b"content"


def test_old_files_and_more_than_the_limit_are_removed_unless_they_are_in_use(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_key_files, "MOST", 3)
    monkeypatch.setattr(_key_files, "_files_created", 1)
    for number in range(6):
        write(f"{number}", b"content")
        os.utime(folder / f"{number}.json", (2e9 + number, 2e9 + number))
    os.utime(folder / "5.json", (0, 0))  # Older than 90 days.
    used = opened("0")
    (folder / "a folder").mkdir()
    monkeypatch.setattr(_key_files, "_files_created", 0)
    opened("new").close()
    used.close()
    assert sorted(path.stem for path in folder.glob("*.json")) == ["0", "2", "3", "4"]


def test_threads_exclude_each_other(folder: Path) -> None:
    turns = list[int]()

    def work(number: int) -> None:
        while True:
            try:
                file = opened("a")
            except BlockingIOError:
                continue
            turns.extend((number, number))
            file.close()
            return

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert turns[::2] == turns[1::2]
