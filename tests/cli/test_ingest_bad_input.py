"""Each error of an ingestion is reported in one clear line, and no item is lost."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from apivideo_async.cli.session import NO_API_KEY
from apivideo_async.emulator import Emulator

from .conftest import KEY, Cli


@pytest.fixture
def emu() -> Iterator[Emulator]:
    with Emulator(api_key=KEY, min_chunk=64 * 1024).in_thread() as emulator:
        yield emulator


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.mp4").write_bytes(os.urandom(100 + number))
    return folder


def nothing_happened(emu: Emulator, cli: Cli) -> bool:
    return not emu.state.videos and not list((cli.folder / "state").rglob("*.db"))


def test_a_missing_file_is_named_before_anything_starts(
    online: Cli, emu: Emulator, videos: Path
) -> None:
    result = online("ingest", videos, "nowhere.mp4")
    assert (result.code, result.error_line) == (1, "apivideo: no such file or folder: nowhere.mp4")
    assert nothing_happened(emu, online)


def test_a_pattern_without_matches_is_reported(online: Cli, videos: Path) -> None:
    result = online("ingest", f"{videos}/*.mov")
    assert (result.code, result.error_line) == (0, "note: no items to ingest were found")


@pytest.fixture
def obeying() -> list[str]:
    """What to put before a command so that permissions hold for root, too."""
    if os.geteuid() != 0:
        return []
    without = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if shutil.which("setpriv") is None or subprocess.run([*without, "true"]).returncode:
        pytest.skip("root reads everything here")
    return without


@pytest.mark.slow
def test_an_unreadable_folder_is_named_and_the_rest_is_ingested(
    online: Cli, emu: Emulator, videos: Path, obeying: list[str]
) -> None:
    closed = videos / "closed"
    closed.mkdir(mode=0)
    command = [*obeying, sys.executable, "-m", "apivideo_async.cli", "ingest"]

    def run(source: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, str(source)],
            env=online.env,
            cwd=online.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )

    whole = run(closed)
    assert (whole.returncode, whole.stderr) == (
        1,
        f"apivideo: cannot read {closed}: no permission\n",
    )
    assert not emu.state.videos
    rest = run(videos)
    assert rest.returncode == 0, rest.stderr
    assert rest.stderr.startswith("note: ")
    assert str(closed) in rest.stderr
    assert len(emu.state.videos) == 3


def test_every_bad_line_of_a_manifest_is_named_before_anything_starts(
    online: Cli, emu: Emulator, videos: Path, tmp_path: Path
) -> None:
    lines = [
        '{"uri": "videos/0.mp4"}',
        "no JSON",
        '{"uri": "videos/gone.mp4"}',
        '{"uri": "videos/./0.mp4"}',
    ]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    result = online("ingest", "--manifest", "list.jsonl")
    assert result.code == 2
    bad = result.err.splitlines()
    assert [line.partition(": ")[0] for line in bad[:-1]] == [
        f"list.jsonl, line {number}" for number in (2, 3, 4)
    ]
    assert "gone.mp4" in bad[1]
    assert "the same source as line 1" in bad[2], "a key that is there twice"
    assert bad[-1].endswith("nothing was started")
    assert nothing_happened(emu, online)


def test_a_key_of_another_server_is_refused_and_the_items_stay(
    online: Cli, emu: Emulator, videos: Path
) -> None:
    refused = online("--api-key", "another-key", "ingest", videos, "--ledger", "l.db")
    assert refused.code == 1
    assert "refused the API key" in refused.error_line
    del online.env["APIVIDEO_API_KEY"]
    missing = online("ingest", videos, "--ledger", "l.db")
    assert (missing.code, missing.error_line.partition(":")[2]) == (
        2,
        f" {NO_API_KEY}",
    )
    online.env["APIVIDEO_API_KEY"] = KEY
    assert online("ingest", videos, "--ledger", "l.db").code == 0
    assert len(emu.state.videos) == 3


def test_a_ledger_of_another_server_is_refused(online: Cli, emu: Emulator, videos: Path) -> None:
    assert online("ingest", videos, "--ledger", "l.db").code == 0
    with Emulator(api_key=KEY).in_thread() as other:
        result = online.use(other)("ingest", videos, "--ledger", "l.db")
        assert result.code == 1
        assert result.error_line == (
            f"apivideo: the ledger belongs to {emu.url}, not to {other.url}: choose another ledger"
        )
        assert not other.state.videos


def test_a_ledger_of_another_version_is_refused_and_left_as_it_is(
    online: Cli, emu: Emulator, videos: Path
) -> None:
    assert online("ingest", videos, "--ledger", "l.db").code == 0
    with sqlite3.connect(online.folder / "l.db") as connection:
        connection.execute("UPDATE apivideo_ingest_meta SET value = '99' WHERE name = 'schema'")
    connection.close()
    for arguments in (("ingest", videos), ("ingest", "status"), ("ingest", videos, "--dry-run")):
        result = online(*arguments, "--ledger", "l.db")
        assert result.code == 1
        assert "has the layout 99, and this version of apivideo-async reads 2" in result.error_line
    assert len(emu.state.videos) == 3


@pytest.mark.parametrize("content", [b"not a database, but long enough to look like a file" * 20])
def test_a_file_that_is_no_ledger_is_refused_and_left_as_it_is(
    online: Cli, videos: Path, content: bytes
) -> None:
    (online.folder / "l.db").write_bytes(content)
    result = online("ingest", videos, "--ledger", "l.db")
    assert result.code == 1
    assert "name a ledger that apivideo made" in result.error_line
    assert (online.folder / "l.db").read_bytes() == content


def test_a_ledger_that_does_not_exist_is_an_error(online: Cli) -> None:
    for command in (("status",), ("retry",), ("report", "x.html")):
        result = online("ingest", *command, "--ledger", "l.db")
        assert (result.code, result.error_line) == (
            1,
            "apivideo: the ledger l.db does not exist: no ingestion has used it yet",
        )
    assert not (online.folder / "l.db").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name a SOURCE or a --manifest"),
        (("--dry-run",), "name a SOURCE or a --manifest"),
        (("--watch",), "--watch needs a folder"),
        (("s3://bucket/", "--watch"), "--watch takes folders of this machine"),
        (("videos/0.mp4", "--watch"), "is not a folder"),
        (("videos", "--json", "--jsonl"), "choose one"),
        (
            ("videos", "--report", "x.pdf"),
            "a report ends in .html, .json or .csv, which x.pdf does not",
        ),
        (("videos", "--report", "no/x.html"), "the folder of the report does not exist"),
        (("videos", "--reserve", "1"), "--reserve"),
        (("videos", "--strategy", "push"), "--strategy"),
        (("ftp://host/x.mp4",), "ftp"),
    ],
)
def test_contradictory_options_are_refused(
    online: Cli, emu: Emulator, videos: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = online("ingest", *arguments)
    assert result.code in (1, 2)
    assert words in result.error_line
    assert not emu.state.videos


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, which only root can make."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=256k", "none", folder]).returncode
    ):
        pytest.skip("no small file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.slow
def test_a_full_disk_under_the_ledger_stops_in_order_and_with_room_it_goes_on(
    online: Cli, emu: Emulator, tmp_path: Path, small_disk: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1500):
        (folder / f"{number:04}-{'x' * 100}.mp4").write_bytes(b"%d" % number)
    result = online("ingest", folder, "--ledger", small_disk / "l.db")
    assert result.code == 1
    last = result.err.splitlines()[-1]
    assert "free space on its disk, then run the same command again: nothing is lost" in last
    subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
    again = online("ingest", folder, "--ledger", small_disk / "l.db", "--json")
    assert again.code == 0, again
    assert again.json["states"]["done"]["items"] == 1500
    held = sorted(video.attributes["title"] for video in emu.state.videos.values())
    assert held == sorted(path.name for path in folder.iterdir())


class Expired(BaseHTTPRequestHandler):
    """Answers as S3 does when a presigned address is too old."""

    def do_GET(self) -> None:
        body = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Write no log."""


@pytest.fixture
def old_address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Expired) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/a.mp4"
        server.shutdown()
        thread.join()


def test_an_address_that_has_expired_fails_alone_and_its_signature_stays_secret(
    online: Cli, videos: Path, tmp_path: Path, old_address: str
) -> None:
    uri = f"{old_address}?X-Amz-Signature=5ec7e7&X-Amz-Expires=60"
    (tmp_path / "list.jsonl").write_text(
        "\n".join(json.dumps({"uri": each}) for each in ("videos/0.mp4", uri))
    )
    result = online("ingest", "--manifest", "list.jsonl", "--jsonl")
    assert result.code == 1
    outcomes = {line["outcome"]: line for line in map(json.loads, result.out.splitlines())}
    assert outcomes["done"]["uri"] == str(videos / "0.mp4")
    assert outcomes["failed"]["uri"] == old_address
    status = online("ingest", "status")
    assert "failed by expired: 1" in status.out
    assert "5ec7e7" not in result.out + result.err + status.out
