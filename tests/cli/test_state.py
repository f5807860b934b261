"""Commands without a home folder, and on full disks: finished work is never reported as failed."""

import json
import os
import pwd
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apivideo_async import private_files
from apivideo_async.emulator import Emulator
from apivideo_async.ingest.reports import files as report_files

from .conftest import Cli
from .test_upload import digest

Make = Callable[..., Path]
FULL = "/dev/full"


@pytest.fixture
def homeless(online: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A container: no HOME, and a user id without a passwd entry."""

    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("XDG_STATE_HOME", "HOME", "LOCALAPPDATA"):
        online.env.pop(name, None)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(private_files, "_logged_notes", set())
    return online


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file of the journal is written to a full disk."""

    def opener(path: str, flags: int) -> int:
        return os.open(FULL, os.O_WRONLY) if flags & os.O_WRONLY else os.open(path, flags)

    monkeypatch.setattr("apivideo_async.private_files.open_private", opener)


def test_without_a_home_uploads_work_with_a_note(
    homeless: Cli, emu: Emulator, make_file: Make
) -> None:
    path = make_file()
    for arguments in (("upload", path), ("upload", path, "--resume")):
        result = homeless(*arguments)
        assert result.code == 0, result
    assert emu.sha256(result.out.split("\t")[0]) == digest(path)
    private_files._logged_notes.clear()
    assert "note: the state for later runs is kept in" in homeless("upload", path).err


def test_without_a_home_an_ingestion_keeps_its_ledger_in_a_private_folder(
    homeless: Cli, emu: Emulator, make_file: Make, tmp_path: Path
) -> None:
    path = make_file()
    first, second = homeless("ingest", path), homeless("ingest", path)
    assert (first.code, second.code) == (0, 0), (first, second)
    assert first.err.startswith("note: the state for later runs is kept in"), first
    assert len(emu.state.videos) == 1
    assert json.loads(homeless("ingest", "status", "--json").out)["items"] == 1
    for each in (tmp_path / "tmp").rglob("*"):
        assert stat.S_IMODE(each.stat().st_mode) & 0o077 == 0, each


def test_doctor_names_the_folder_that_is_used_without_a_home(homeless: Cli) -> None:
    [journal] = [each for each in homeless("doctor", "--json").json if each["name"] == "journal"]
    assert journal["state"] == "note"
    assert "this user has no home folder" in journal["text"]


def test_without_any_folder_uploads_work_and_ingestions_ask_for_a_ledger(
    homeless: Cli, emu: Emulator, make_file: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    result = homeless("upload", make_file("a.mp4"), make_file("b.mp4"), "--resume", "--json")
    assert result.code == 0, result
    assert [each["status"] for each in result.json] == ["uploaded", "uploaded"]
    refused = homeless("ingest", make_file())
    assert refused.code == 2
    assert "name a file for the ledger (--ledger)" in refused.err
    assert homeless("ingest", make_file(), "--ledger", "l.db").code == 0


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_for_the_journal_fails_no_upload(
    online: Cli, emu: Emulator, make_file: Make
) -> None:
    result = online("upload", make_file("a.mp4"), make_file("b.mp4"), "--json")
    assert result.code == 0, result
    assert [(each["status"], each["error"]) for each in result.json] == [("uploaded", None)] * 2
    assert "No space left on device" in result.err
    assert "cannot continue or skip this upload" in result.err
    assert len(emu.state.videos) == 2


@pytest.mark.parametrize("number", [13, 30, 28, 122, 5])
def test_no_error_of_the_state_disk_fails_an_upload(
    online: Cli, emu: Emulator, make_file: Make, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """EACCES, EROFS, ENOSPC, EDQUOT, EIO when an entry is replaced, and when it is removed."""

    def broken(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", broken)
    monkeypatch.setattr(Path, "unlink", broken)
    result = online("upload", make_file(), "--json")
    assert result.code == 0, result
    assert result.json[0]["status"] == "uploaded"
    assert os.strerror(number) in result.err
    assert "cannot be removed" in result.err


@pytest.mark.skipif(not Path(FULL).exists(), reason="no full device")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_results_that_cannot_be_written_are_on_the_standard_error(
    online: Cli, emu: Emulator, make_file: Make, form: list[str]
) -> None:
    with (
        Path(FULL).open("w") as full,
        online.start("upload", make_file("a.mp4"), *form, stdout=full) as process,
    ):
        _, err = process.communicate(timeout=60)
    [video_id] = emu.state.videos
    assert process.returncode == 1
    assert "results cannot be written to the standard output (No space left on device)" in err
    assert video_id in err
    assert "Exception ignored" not in err


@pytest.mark.skipif(not Path(FULL).exists(), reason="no full device")
@pytest.mark.parametrize("command", ["upload", "ingest"])
def test_notes_that_cannot_be_written_fail_nothing(
    online: Cli, emu: Emulator, make_file: Make, command: str
) -> None:
    with Path(FULL).open("w") as full, online.start(command, make_file(), stderr=full) as process:
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(emu.state.videos) == 1


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["upload a.mp4", "ingest a.mp4", "videos list", "doctor"])
def test_closed_streams_fail_nothing(
    online: Cli, make_file: Make, command: str, closed: str
) -> None:
    make_file("a.mp4")
    program = [sys.executable, "-m", "apivideo_async.cli", *command.split()]
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *program]
    done = subprocess.run(
        shell,
        env=online.env,
        cwd=online.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done
    assert done.stderr.count("Traceback") == 0


def test_a_report_on_a_full_disk_hides_neither_the_summary_nor_the_others(
    online: Cli, emu: Emulator, make_file: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report_files, "pieces", full)
    reports = ("--report", "a.html", "--report", "b.csv")
    result = online("ingest", make_file(), *reports, "--json")
    assert result.code == 1
    assert result.json["states"]["done"]["items"] == 1
    assert "the report a.html cannot be written: No space left on device" in result.err
    again = online("ingest", "report", "a.html", "c.csv")
    assert (again.code, again.out) == (1, "c.csv\n")
    assert "a.html cannot be written" in again.err
    assert sorted(each.name for each in tmp_path.glob("*.csv")) == ["b.csv", "c.csv"]
    assert not list(tmp_path.glob("*.html"))


def test_no_secret_of_an_address_is_printed(online: Cli, tmp_path: Path) -> None:
    bad = (
        "ftp://me:PASSWORD@host/a.mp4",
        "https://me:PASS/WORD@[x/a.mp4?sig=SIGNATURE",
        "s3://K:PASSWORD@bucket/a.mp4",
    )
    named = [online("ingest", uri) for uri in (*bad, " https://me:PASSWORD@/a?SIGNATURE")]
    (tmp_path / "a.csv").write_text("uri\n" + "".join(f'"{uri}"\n' for uri in bad))
    (tmp_path / "b.csv").write_text(f"{bad[1]}\n")
    (tmp_path / "c.jsonl").write_text("".join(json.dumps({"uri": [uri]}) + "\n" for uri in bad))
    named += [
        online("ingest", "--manifest", name, "--ledger", "l.db")
        for name in ("a.csv", "b.csv", "c.jsonl")
    ]
    for result in named:
        assert result.code != 0
        assert not any(
            secret in result.out + result.err for secret in ("PASS", "WORD", "SIGNATURE")
        ), result


def test_the_cells_of_a_row_hold_no_tab_and_no_line_break(online: Cli, tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "a\tb\nc\x1b[31m\u202e.mp4").write_bytes(b"x")
    [row, *_] = online("ingest", "v", "--dry-run").out.splitlines()
    assert row.split("\t")[2] == f"{tmp_path}/v/a b c?[31m?.mp4"
