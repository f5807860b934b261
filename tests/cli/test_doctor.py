"""``apivideo doctor`` reports each problem once; its exit code says whether there is one."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from time import time
from typing import Any

import pytest

from apivideo_async.cli.session import NO_API_KEY
from apivideo_async.emulator import Emulator, Fault

from .conftest import KEY, Cli

PAGE = (
    b'{"data":[],"pagination":'
    b'{"itemsTotal":0,"pagesTotal":0,"pageSize":1,"currentPage":1,"links":[]}}'
)


def findings(cli: Cli, *arguments: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and each finding's state and text."""
    result = cli(*arguments, "doctor", "--json")
    assert result.err == ""
    return result.code, {
        finding["name"]: (finding["state"], finding["text"]) for finding in result.json
    }


@contextmanager
def server(headers: dict[str, str]) -> Iterator[str]:
    """A server that has no videos, and these headers."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            for name, value in {**headers, "Content-Length": str(len(PAGE))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()
        thread.join()


def test_with_valid_settings_every_check_is_ok(cli: Cli) -> None:
    with Emulator(api_key=KEY, rate_limits="production").in_thread() as emulator:
        code, found = findings(cli.use(emulator))
        assert code == 0
        assert [state for state, _ in found.values()] == ["ok"] * 7
        assert list(found) == ["versions", "journal", "settings", "server", "key", "clock", "reads"]
        assert found["settings"][1].startswith(f"{emulator.url}; key from APIVIDEO_API_KEY")
        assert found["reads"][1].startswith("499 of 500 requests left, reset in ")
        lines = cli("doctor", "--all-budgets").out.splitlines()
        assert all(line.startswith("ok      ") for line in lines)
        assert [line.split()[1:5] for line in lines[-2:]] == [
            ["writes", "199", "of", "200"],
            ["uploads", "99", "of", "100"],
        ]
        assert not emulator.state.videos, "nothing is changed"


def test_a_missing_key(cli: Cli, emu: Emulator) -> None:
    del cli.use(emu).env["APIVIDEO_API_KEY"]
    code, found = findings(cli)
    assert code == 1
    assert found["key"] == (
        "failed",
        NO_API_KEY,
    )
    assert found["server"][0] == "ok"


@pytest.mark.parametrize("auth", ["bearer", "basic"])
def test_a_wrong_key_is_named_and_not_shown(online: Cli, auth: str) -> None:
    code, found = findings(online, "--auth", auth, "--api-key", "wrong-key-of-somebody")
    assert code == 1
    assert found["key"][0] == "failed"
    assert "refused the API key" in found["key"][1]
    assert "key from --api-key" in found["settings"][1]
    assert "wrong-key" not in str(found)
    assert found["clock"][0] == "ok", "the refusal tells the time, too"


def test_another_refusal_is_not_taken_for_a_wrong_key(online: Cli, emu: Emulator) -> None:
    emu.faults.add(Fault("videos.list", "status", status=403, body={"title": "No plan"}))
    code, found = findings(online)
    assert code == 1
    assert found["answer"][0] == "failed"
    assert "No plan" in found["answer"][1]
    assert "key" not in found


def test_an_unreachable_server(cli: Cli) -> None:
    cli.env["APIVIDEO_API_KEY"] = KEY
    code, found = findings(cli, "--base-url", "http://127.0.0.1:1")
    assert code == 1
    assert found["server"][0] == "failed"
    assert "http://127.0.0.1:1 cannot be reached" in found["server"][1]
    assert "key" not in found


def test_invalid_settings(cli: Cli) -> None:
    code, found = findings(cli, "--base-url", "localhost")
    assert code == 1
    assert found["settings"][0] == "failed"
    assert "APIVIDEO_BASE_URL or --base-url: must look like" in found["settings"][1]


@pytest.mark.parametrize(
    ("date", "state", "text"),
    [
        (lambda: formatdate(time() + 3600, usegmt=True), "note", "s behind the server's"),
        (lambda: formatdate(time() - 3600, usegmt=True), "note", "s ahead of the server's"),
        (lambda: formatdate(time(), usegmt=True), "ok", "within"),
        (lambda: "yesterday", "note", "no valid Date header"),
        (lambda: "", "note", "no valid Date header"),
    ],
)
def test_the_clock_is_compared_with_the_server(
    cli: Cli, date: Callable[[], str], state: str, text: str
) -> None:
    cli.env["APIVIDEO_API_KEY"] = KEY
    with server({"Date": date()} if date() else {}) as url:
        code, found = findings(cli, "--base-url", url, "--auth", "basic")
    assert code == 0, "a clock keeps nobody from uploading"
    assert found["clock"][0] == state
    assert text in found["clock"][1]
    assert found["reads"] == ("note", "the response has no rate limit headers")


def test_a_state_folder_that_cannot_be_made_is_a_note(online: Cli) -> None:
    (online.folder / "file").touch()
    online.env["XDG_STATE_HOME"] = str(online.folder / "file")
    code, found = findings(online)
    assert code == 0
    assert found["journal"][0] == "note"
