"""State is stored where only its owner can access it, in any environment."""

import logging
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from apivideo_async import private_files
from apivideo_async.private_files import (
    close_locked,
    create_private,
    existing_state_file,
    find_state_folder,
    make_private_folder,
    open_locked,
    open_private,
    restrict,
    state_file,
    state_folder,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="permission bits")

NOBODY = 54_321
"""A user id without a passwd entry."""


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):o}"


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    """The least safe umask: what is private must not depend on it."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No variable that names a place, and a folder of its own for temporary files."""
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(private_files, "_logged_notes", set())
    return monkeypatch


@pytest.fixture
def unknown_user(environment: pytest.MonkeyPatch) -> None:
    """The user id of a container that no passwd entry has."""
    import pwd

    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    environment.setattr(pwd, "getpwuid", unknown)


def test_missing_folders_are_private_and_existing_ones_stay(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    make_private_folder(tmp_path / "shared" / "a" / "b")
    make_private_folder(tmp_path / "shared")
    assert [mode(tmp_path / name) for name in ("shared", "shared/a", "shared/a/b")] == [
        "755",
        "700",
        "700",
    ]


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file"):
        make_private_folder(tmp_path / "file" / "below")


def test_created_files_are_private(tmp_path: Path) -> None:
    create_private(tmp_path / "ledger")
    with open(tmp_path / "journal", "w", opener=open_private):
        assert mode(tmp_path / "journal") == "600", "private while it is open, not only afterwards"
    assert mode(tmp_path / "ledger") == "600"


def test_an_existing_file_is_restricted_and_that_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "ledger"
    path.write_text("content")
    create_private(path)
    assert (mode(path), path.read_text()) == ("666", "content"), (
        "it may be another file than the caller believes"
    )
    restrict(path)
    assert (mode(path), path.read_text()) == ("600", "content")
    assert f"{path} was accessible to other users" in caplog.text
    caplog.clear()
    restrict(path)
    assert caplog.text == ""


def test_an_existing_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing a descriptor would drop the locks of SQLite's connections in this process."""
    path = tmp_path / "ledger"
    path.touch()
    closed: list[int] = []
    monkeypatch.setattr(os, "close", closed.append)
    create_private(path)
    assert closed == []


def test_files_of_other_users_and_missing_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger"
    path.touch()
    restrict(tmp_path / "missing")
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    restrict(path)
    assert mode(path) == "666"


def test_a_file_that_cannot_be_restricted_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    path = tmp_path / "ledger"
    path.touch()
    monkeypatch.setattr(Path, "chmod", refuse)
    restrict(path)
    assert "Read-only file system" in caplog.text


def test_the_folder_named_by_the_environment_comes_first(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    environment.setenv("HOME", str(tmp_path))
    assert state_folder("uploads") == tmp_path / "state" / "apivideo" / "uploads"
    assert [mode(tmp_path / "state" / name) for name in ("", "apivideo", "apivideo/uploads")] == [
        "700"
    ] * 3


@pytest.mark.parametrize("relative", ["", "state", "./state", "~/state"])
def test_a_relative_state_folder_is_ignored(
    tmp_path: Path, environment: pytest.MonkeyPatch, relative: str
) -> None:
    environment.setenv("XDG_STATE_HOME", relative)
    environment.setenv("HOME", str(tmp_path))
    environment.chdir(tmp_path)
    assert state_folder("ingest") == tmp_path / ".local" / "state" / "apivideo" / "ingest"
    assert sorted(each.name for each in tmp_path.iterdir()) == [".local", "tmp"]


@pytest.mark.parametrize("home", [None, "", "home"])
def test_without_a_usable_home_the_passwd_entry_counts(
    tmp_path: Path, environment: pytest.MonkeyPatch, home: str | None
) -> None:
    import pwd

    entry = pwd.struct_passwd(("me", "x", 1, 1, "", str(tmp_path), "/bin/sh"))
    environment.setattr(pwd, "getpwuid", lambda _: entry)
    environment.chdir(tmp_path)
    if home is not None:
        environment.setenv("HOME", home)
    assert state_folder("uploads") == tmp_path / ".local" / "state" / "apivideo" / "uploads"


def test_macos_has_a_folder_of_its_own_unless_an_earlier_version_has_used_another(
    tmp_path: Path,
) -> None:
    """The rules of ``platformdirs.user_state_dir``."""
    unix = tmp_path / ".local" / "state" / "apivideo"
    mac = tmp_path / "Library" / "Application Support" / "apivideo"
    assert list(private_files._places_in(tmp_path, "linux")) == [unix]
    assert list(private_files._places_in(tmp_path, "darwin")) == [mac]
    unix.mkdir(parents=True)
    assert list(private_files._places_in(tmp_path, "darwin")) == [unix]
    mac.mkdir(parents=True)
    assert list(private_files._places_in(tmp_path, "darwin")) == [mac]


def test_a_lock_excludes_others_and_its_file_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    handle = open_locked(path)
    assert mode(path) == "600"
    with pytest.raises(BlockingIOError):
        open_locked(path)
    close_locked(path, handle, remove=True)
    assert not path.exists()
    close_locked(path, open_locked(path), remove=False)
    assert path.exists()


def test_folders_of_an_earlier_version_are_restricted(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("XDG_STATE_HOME", str(tmp_path))
    ours = tmp_path / "apivideo" / "ingest"
    ours.mkdir(parents=True)
    before = mode(tmp_path)
    assert state_folder("ingest") == ours
    assert [mode(ours), mode(ours.parent), mode(tmp_path)] == ["700", "700", before], (
        "only the folders of ours"
    )


@pytest.mark.usefixtures("unknown_user")
@pytest.mark.parametrize("home", [None, "", "/nonexistent", "relative"])
def test_without_a_home_the_state_is_among_the_temporary_files(
    tmp_path: Path,
    environment: pytest.MonkeyPatch,
    home: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if home is not None:
        environment.setenv("HOME", home)
    expected = tmp_path / "tmp" / f"apivideo-{os.geteuid()}" / "uploads"
    assert [state_folder("uploads"), state_folder("uploads")] == [expected, expected]
    assert [mode(expected), mode(expected.parent)] == ["700", "700"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING], "noted once"
    assert "XDG_STATE_HOME" in caplog.text
    assert not Path("/nonexistent").exists()


def test_a_state_folder_that_cannot_be_written_to_is_replaced(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _: int) -> bool:
        return not str(path).startswith(str(tmp_path / "state"))

    environment.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    environment.setattr(os, "access", refuse)
    folder, note = find_state_folder("uploads")
    assert folder == tmp_path / "tmp" / f"apivideo-{os.geteuid()}" / "uploads"
    assert f"{tmp_path / 'state' / 'apivideo'} cannot be used" in note


@pytest.mark.usefixtures("unknown_user")
@pytest.mark.parametrize("prepared", ["open", "link", "file", "foreign"])
def test_a_temporary_folder_that_another_user_prepared_is_not_used(
    tmp_path: Path, environment: pytest.MonkeyPatch, prepared: str, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "tmp" / f"apivideo-{os.geteuid()}"
    if prepared == "link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "theirs")
    elif prepared == "file":
        place.touch(mode=0o600)
    else:
        place.mkdir(mode=0o777 if prepared == "open" else 0o700)
    if prepared == "foreign":
        environment.setattr(os, "geteuid", lambda: NOBODY)
        (tmp_path / "tmp" / f"apivideo-{NOBODY}").mkdir(mode=0o700)
    assert state_folder("uploads") is None
    assert "not a private folder of this user" in caplog.text
    assert state_file("ingest", "a.db") is None


@pytest.mark.usefixtures("unknown_user")
def test_without_any_folder_nothing_is_kept(
    environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    environment.setattr(tempfile, "gettempdir", none)
    assert state_folder("uploads") is None
    assert "no state can be kept for later runs" in caplog.text


def test_a_state_file_that_exists_is_found_where_nothing_can_be_written(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_file("ingest", "a.db") == tmp_path / "apivideo" / "ingest" / "a.db"
    (tmp_path / "apivideo" / "ingest" / "a.db").touch()
    environment.setattr(os, "access", lambda *_: False)
    assert state_file("ingest", "a.db") == tmp_path / "apivideo" / "ingest" / "a.db"
    elsewhere = state_file("ingest", "b.db")
    assert elsewhere is None, "os.access refuses every place"


# -- replacement


@pytest.mark.parametrize("private", [True, False])
def test_a_file_is_replaced_only_when_the_new_one_is_complete(
    tmp_path: Path, *, private: bool
) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), private_files.replacing(path, private=private) as file:
        file.write("half")
        raise ZeroDivisionError
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["report.csv"])
    with private_files.replacing(path, private=private) as file:
        file.write("new")
        assert path.read_text() == "old"
    assert (path.read_text(), os.listdir(tmp_path)) == ("new", ["report.csv"])
    assert not private or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_existing_file_is_found_in_any_place_and_nothing_is_created(
    environment: pytest.MonkeyPatch, unknown_user: None, tmp_path: Path
) -> None:
    assert existing_state_file("profiles", "a.json") is None
    assert list((tmp_path / "tmp").iterdir()) == []
    path = state_file("profiles", "a.json")
    assert path is not None
    path.touch()
    assert existing_state_file("profiles", "a.json") == path
    # Another user could have written a file in a folder that is not private.
    path.parents[1].chmod(0o777)
    assert existing_state_file("profiles", "a.json") is None
