"""``apivideo emulator`` and ``apivideo demo``."""

import contextlib
import errno
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from apivideo_async.cli.console.messages import explain_listen_error

from .conftest import Cli

Make = Callable[..., Path]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_emulator_prints_its_address_serves_and_stops(
    cli: Cli, tmp_path: Path, make_file: Make, how: int
) -> None:
    cli.env["TMPDIR"] = str(tmp_path / "scratch")
    (tmp_path / "scratch").mkdir()
    with cli.start("emulator", "--port", "0", "--api-key", "pasted-key") as process:
        assert process.stdout is not None
        first = process.stdout.readline().strip()
        match = re.fullmatch(r"apivideo emulator on (http://127\.0\.0\.1:\d+)", first)
        assert match is not None, first
        cli.env |= {"APIVIDEO_BASE_URL": match[1], "APIVIDEO_API_KEY": "pasted-key"}
        assert cli("upload", make_file()).code == 0
        process.send_signal(how)
        assert process.stderr is not None
        rest, err = process.stdout.read(), process.stderr.read()
    assert process.returncode == 0
    assert err == ""
    assert f"export APIVIDEO_BASE_URL={match[1]}" in rest
    assert "export APIVIDEO_API_KEY=pasted-key" in rest
    assert list((tmp_path / "scratch").iterdir()) == [], "nothing is left"


def test_the_example_that_it_prints_works(cli: Cli, make_file: Make, tmp_path: Path) -> None:
    make_file("movie.mp4")
    with cli.start("emulator", "--port", "0") as process:
        assert process.stdout is not None
        text = ""
        while "Ctrl-C" not in text:
            text += process.stdout.readline()
        exports = dict(re.findall(r"export (\w+)=(\S+)", text))
        example = text[text.index("import asyncio") : text.index("Ctrl-C")]
        ran = subprocess.run(
            [sys.executable, "-c", example],
            env=cli.env | exports,
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        process.terminate()
    assert ran.returncode == 0, ran.stderr
    assert re.fullmatch(rb"vi\w+\n", ran.stdout)


def test_it_prints_a_random_key_and_accepts_the_hosts_that_are_allowed(cli: Cli) -> None:
    names = ("--allow-host", "other", "--allow-host", "emulator")
    with cli.start("emulator", "--port", "0", *names) as process:
        assert process.stdout is not None
        text = ""
        while "Ctrl-C" not in text:
            text += process.stdout.readline()
        exports = dict(re.findall(r"export (\w+)=(\S+)", text))
        assert re.fullmatch(r"[0-9a-f]{32}", exports["APIVIDEO_API_KEY"])
        address = exports["APIVIDEO_BASE_URL"].removeprefix("http://")
        for host, status in (("emulator:8700", 200), ("evil.example", 403)):
            with contextlib.closing(http.client.HTTPConnection(address, timeout=5)) as connection:
                connection.request("GET", "/", headers={"Host": host})
                assert connection.getresponse().status == status
        process.terminate()


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ("--allow-host", "host names"),
        ("--api-key", "empty"),
        ("--quirk", "the quirks are chunks-in-order, one-chunk-at-a-time,"),
    ],
)
def test_a_setting_that_cannot_work_is_one_line(cli: Cli, option: str, word: str) -> None:
    result = cli("emulator", option, "")
    assert result.code == 2
    assert word in result.error_line


def test_it_has_the_quirks_that_are_given(cli: Cli) -> None:
    quirks = ("--quirk", "problem-json", "--quirk", "list-delay=0.5")
    with cli.start("emulator", "--port", "0", *quirks) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"{url}/_emulator/quirks", timeout=5) as response:
            shown = json.load(response)
        process.terminate()
    assert shown["quirks"] == {"problem-json": True, "list-delay": 0.5}


def test_a_port_in_use_is_one_line(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = cli("emulator", "--port", str(port))
    assert result.code == 1
    line = f"apivideo: port {port} of 127.0.0.1 is in use: give another --port, or 0"
    assert result.error_line == line


@pytest.mark.slow
def test_a_missing_package_is_one_line(cli: Cli, tmp_path: Path) -> None:
    program = "import sys; sys.modules[{!r}] = None; from apivideo_async.cli import main; main()"
    for module, arguments, line in (
        ("python_multipart", ["emulator"], "apivideo: the emulator needs more packages: "),
        ("rich", ["--help"], "apivideo: the command line needs more packages: "),
    ):
        ran = subprocess.run(
            [sys.executable, "-c", program.format(module), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 1
        assert ran.stderr.startswith(line + "pip install 'apivideo-async[")
        assert ran.stderr.count("\n") == 1


def test_the_access_log_has_a_line_for_each_request_and_no_secret(
    cli: Cli, tmp_path: Path, make_file: Make
) -> None:
    log = tmp_path / "access.log"
    with cli.start("emulator", "--port", "0", "--api-key", "hidden-key", "--log", log) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        cli.env |= {"APIVIDEO_BASE_URL": url, "APIVIDEO_API_KEY": "hidden-key"}
        assert cli("upload", make_file()).code == 0
        token = cli("tokens", "create", "--json").json["token"]
        assert cli("tokens", "delete", token, "--yes").code == 0
        process.terminate()
        process.wait()
    text = log.read_text()
    line = r"^\S+ \S+ POST /videos 201 \d+ bytes [\d.]+ s operation=videos.create$"
    assert re.search(line, text, re.MULTILINE)
    assert re.search(r" POST /videos/vi\w+/source 201 .* operation=videos.upload", text)
    assert "hidden-key" not in text
    assert token not in text


def test_the_address_of_the_dashboard_is_printed_and_opened(cli: Cli, tmp_path: Path) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" >{opened}\n')
    browser.chmod(0o755)
    cli.env["BROWSER"] = f"{browser} %s"
    with cli.start("emulator", "--port", "0", "--open") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert process.stdout.readline() == "\n"
        assert process.stdout.readline() == f"Dashboard: {url}/\n"
        while not (opened.exists() and opened.read_text()):
            time.sleep(0.05)
        process.terminate()
    assert opened.read_text().strip().rstrip("/") == url


def test_the_default_port_is_always_the_same(cli: Cli) -> None:
    assert "[default: 8700" in " ".join(cli("emulator", "--help").out.split())


@pytest.mark.slow
def test_the_demonstration(cli: Cli, tmp_path: Path) -> None:
    cli.env["TMPDIR"] = str(tmp_path / "scratch")
    (tmp_path / "scratch").mkdir()
    result = cli.process("demo", "--size", "8")
    assert result.code == 0, result
    for step in ("emulator", "video", "upload", "playable", "list", "download", "player", "demo"):
        assert re.search(rf"^{step} ", result.out, re.MULTILINE), step
    assert "assets.mp4 is identical" in result.out
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.slow
def test_the_demonstration_with_a_file_keeps_running_and_cleans_up(
    cli: Cli, make_file: Make, tmp_path: Path
) -> None:
    cli.env["TMPDIR"] = str(tmp_path / "scratch")
    (tmp_path / "scratch").mkdir()
    path = make_file()
    with cli.start("demo", path, "--keep") as process:
        assert process.stdout is not None
        text = ""
        while "everything worked" not in text:
            line = process.stdout.readline()
            assert line, text
            text += line
        player = re.search(r"^player +(\S+)", text, re.MULTILINE)
        assert player is not None
        with urllib.request.urlopen(player[1], timeout=60) as page:
            assert b"<video" in page.read()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "apivideo: interrupted; temporary files are removed"
    assert list((tmp_path / "scratch").iterdir()) == []
    assert path.exists()


@pytest.mark.slow
def test_the_demonstration_of_a_missing_file_is_one_line(cli: Cli) -> None:
    result = cli.process("demo", "missing.mp4")
    assert result.code == 1
    assert result.err.splitlines()[-1] == "apivideo: no such file: missing.mp4"


def test_without_a_temporary_folder_the_reason_says_what_to_set() -> None:
    missing = FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")
    reason = explain_listen_error(missing, "127.0.0.1", 0)
    assert reason == f"{missing.strerror}: set TMPDIR to a folder that can be written"
