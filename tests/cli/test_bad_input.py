"""Bad input gives one line that says what to do, an exit code, and never a traceback."""

import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.cli.session import NO_API_KEY
from apivideo_async.emulator import Emulator

from .conftest import Cli

Make = Callable[..., Path]


def test_a_missing_key_says_where_it_comes_from(cli: Cli, make_file: Make) -> None:
    for arguments in (("upload", make_file()), ("videos", "list"), ("videos", "show", "vi1")):
        result = cli(*arguments)
        assert result.code == 2
        assert result.error_line == (f"apivideo: {NO_API_KEY}")


def test_a_wrong_key_names_key_and_environment(online: Cli, emu: Emulator, make_file: Make) -> None:
    wrong = "wrong-key-of-somebody"
    result = online("--api-key", wrong, "upload", make_file("a.mp4"), make_file("b.mp4"))
    assert result.code == 1
    assert "refused the API key" in result.error_line
    assert "sandbox and production differ" in result.error_line
    assert wrong not in result.err


def test_a_wrong_key_is_refused_with_basic_auth_too(online: Cli) -> None:
    result = online("--auth", "basic", "--api-key", "wrong-key", "videos", "list")
    assert result.code == 1
    assert "refused the API key" in result.error_line


@pytest.fixture
def dead_url() -> str:
    """An address where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize("upload", [["upload"], ["upload", "--token", "to1234567890"]])
def test_a_server_that_is_not_there_fails_soon_with_notes(
    cli: Cli, dead_url: str, make_file: Make, upload: list[str]
) -> None:
    result = cli("--base-url", dead_url, "--api-key", "some-key", *upload, make_file())
    *notes, last = result.err.splitlines()
    assert result.code == 1
    assert f"{dead_url} cannot be reached" in last
    assert "APIVIDEO_BASE_URL" in last
    assert all(line.startswith("note: ") and "trying again in" in line for line in notes)


class Proxy(http.server.BaseHTTPRequestHandler):
    """Answers everything with a web page."""

    status = 200

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        page = b"<!doctype html><title>Sign in</title>"
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(params=[200, 403, 404])
def proxy(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that knows no API."""
    handler = type("Handler", (Proxy,), {"status": request.param})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("auth", ["bearer", "basic"])
def test_a_web_page_instead_of_json_is_named_as_such(
    cli: Cli, proxy: str, make_file: Make, auth: str
) -> None:
    result = cli(
        "--base-url", proxy, "--api-key", "some-key", "--auth", auth, "upload", make_file()
    )
    assert result.code == 1
    assert "web page instead of JSON" in result.err.splitlines()[-1]


def test_files_that_cannot_be_uploaded(online: Cli, emu: Emulator, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with (tmp_path / "huge.mp4").open("wb") as handle:
        handle.truncate(60 * 10**9)
    for name, text in (
        ("missing.mp4", "no such file"),
        ("empty.mp4", "empty (0 bytes)"),
        ("huge.mp4", "at most 52,428,800,000"),
    ):
        result = online("upload", name)
        assert result.code == 1
        assert result.error_line.startswith(f"{name}: ")
        assert text in result.error_line
    assert emu.requests == [], "nothing is asked when no file can be uploaded"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--chunk-size", "1M"], "--chunk-size: must be from 5,242,880"),
        (["--chunk-size", "many"], "16MiB"),
        (["--metadata", "novalue"], "key=value"),
        (["--mode", "bits"], "bytes"),
        (["--concurrency", "0"], "--concurrency"),
        (["--timeout", "0"], "--timeout"),
        (["--token", "t", "--tag", "x"], "an upload token can only upload the file"),
        (["--token", "t", "--private"], "an upload token can only upload the file"),
        (["--video-id", "vi1", "--title", "x"], "--video-id names an existing video"),
        (["--video-id", "vi1", "other.mp4"], "one FILE"),
        (["./movie.mp4"], "given twice"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_options_that_cannot_work_are_usage_errors(
    online: Cli, make_file: Make, arguments: list[str], text: str
) -> None:
    make_file()
    result = online("upload", "movie.mp4", *arguments)
    assert result.code == 2
    assert text in result.error_line


@pytest.mark.parametrize(
    "arguments",
    [
        ["--environment", "staging", "videos", "list"],
        ["--base-url", "localhost", "videos", "list"],
        ["upload"],
        ["nonsense"],
        ["videos", "nonsense"],
        ["videos", "delete"],
        ["videos", "list", "--json", "--jsonl"],
        ["emulator", "--discard", "--dir", "x"],
        ["emulator", "--encoding", "soon"],
    ],
)
def test_other_wrong_usage_is_one_line_and_code_2(cli: Cli, arguments: list[str]) -> None:
    cli.env["APIVIDEO_API_KEY"] = "some-key"
    result = cli(*arguments)
    assert result.code == 2
    assert result.error_line.startswith("apivideo: ")


def test_stdin_that_is_a_terminal_or_empty_is_an_error(online: Cli) -> None:
    result = online.process("upload", "-")
    assert result.code == 1
    assert "empty" in result.err


def test_a_failure_of_one_file_is_prefixed_and_does_not_stop_the_others(
    online: Cli, emu: Emulator, make_file: Make
) -> None:
    result = online("upload", make_file("good.mp4"), "missing.mp4", "nowhere.mp4")
    assert result.code == 1
    assert "missing.mp4: no such file" in result.err
    assert "nowhere.mp4: no such file" in result.err
    assert result.out.count("\n") == 1
    assert "good.mp4" in result.out


def test_debug_shows_the_traceback(cli: Cli) -> None:
    with cli.start("--debug", "videos", "list") as process:
        _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("apivideo: no API key")


def test_help_and_version_need_nothing(cli: Cli) -> None:
    assert "upload" in cli("--help").out
    assert "--resume" in cli("upload", "--help").out
    assert cli("--version").out.startswith("apivideo, version ")
    nothing = cli()
    assert nothing.code == 2
    assert "Usage: apivideo" in nothing.err
