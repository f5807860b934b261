"""Text from outside cannot control the terminal; JSON is valid whatever the output can encode."""

import ast
import contextlib
import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import apivideo_async.cli
from apivideo_async.cli.console.formatting import json_text
from apivideo_async.cli.console.terminal import Terminal
from apivideo_async.emulator import Emulator

from .conftest import KEY, Cli

EVIL = "a\x1b]0;x\x07\x1b[2J\x9b31m\r\nforged \u202e\u2066\x7f\u2028end"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
TITLE = "Fête \U0001f389 — 漢"


def test_only_one_module_writes_to_the_standard_streams() -> None:
    """Every other way to a stream would miss the escapes of ``console.terminal``."""
    folder = Path(apivideo_async.cli.__file__).parent
    found = []
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if name in ("print", "Console", "click.echo", "click.secho", "json.dumps") or (
                    re.fullmatch(r"sys\.(stdout|stderr)\.write", name)
                ):
                    found.append((path.relative_to(folder).as_posix(), name))
    assert sorted(found) == [
        ("__init__.py", "print"),  # The message about the missing extra, before any import.
        ("app.py", "click.echo"),  # The help of a group that was called without a command.
        *[("console/formatting.py", "json.dumps")] * 2,
        ("console/terminal.py", "sys.stderr.write"),
        ("console/terminal.py", "sys.stdout.write"),
    ]


def written(write: Callable[[Terminal], None]) -> str:
    """Return what a function writes to both streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        write(Terminal())
    return out.getvalue() + err.getvalue()


@pytest.mark.parametrize(
    "write",
    [
        lambda terminal: terminal.say(EVIL),
        lambda terminal: terminal.note(EVIL),
        lambda terminal: terminal.fail(EVIL, prefix=EVIL),
        lambda terminal: terminal.trace(f"one\n{EVIL}"),
        lambda terminal: terminal.result(EVIL),
        lambda terminal: terminal.report(EVIL),
        lambda terminal: terminal.json({EVIL: [EVIL]}),
        lambda terminal: terminal.json({EVIL: EVIL}, indent=None),
        lambda terminal: terminal.draw(lambda width: EVIL),
        lambda terminal: terminal.console.print(EVIL),
    ],
)
def test_no_method_of_the_terminal_passes_control_characters(
    write: Callable[[Terminal], None],
) -> None:
    text = written(write)
    assert "forged" in text
    assert not CONTROL.search(text)


@pytest.mark.parametrize("method", ["say", "note", "fail", "trace", "result", "report"])
def test_a_note_cannot_imitate_another_line(method: str) -> None:
    lines = written(lambda terminal: getattr(terminal, method)("line\nforged line")).splitlines()
    assert not [line for line in lines if line.startswith("forged")]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "cp437", "unknown"])
@pytest.mark.parametrize("indent", [None, 2])
def test_json_is_valid_on_every_encoding(encoding: str, indent: int | None) -> None:
    document = {
        TITLE: [EVIL, "\ud83d", "\udcff", 'quote " \\u0041 \\'],
        "nan": float("nan"),
        "n": 1.5,
    }
    text = json_text(document, indent, encoding)
    if encoding != "unknown":
        assert json.loads(text.encode(encoding, "strict").decode(encoding)) == json.loads(text)
    assert json.loads(text) == {**document, "nan": None}


def test_json_is_readable_where_the_encoding_has_the_letters() -> None:
    assert json_text({"t": TITLE}, None, "utf-8") == f'{{"t": "{TITLE}"}}'
    assert json_text({"t": "é"}, None, "cp1252") == '{"t": "é"}'


def test_the_command_writes_valid_json_in_any_locale(online: Cli) -> None:
    online("videos", "create", "--title", TITLE)
    online.env |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert online.process("videos", "list", "--jsonl").json["title"] == TITLE


def names(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(names, value)) if value else set()
    if isinstance(value, dict):
        return set(value).union(*map(names, value.values()))
    return set()


def test_members_of_json_are_in_camel_case(online: Cli, make_file: Callable[..., Path]) -> None:
    path = make_file()
    (path.parent / "v").mkdir()
    video = path.parent / "v" / "a.mp4"
    video.write_bytes(b"x" * 100)
    commands: list[tuple[str | Path, ...]] = [
        ("upload", path, "--json"),
        ("plan", path, "--json"),
        ("plan", path.parent / "v", "--json"),
        ("ingest", path.parent / "v", "--dry-run", "--json"),
        ("ingest", path.parent / "v", "--json", "--report", "r.json"),
        ("ingest", "status", "--json"),
        ("videos", "list", "--json"),
        ("videos", "prune", "--incomplete", "--dry-run", "--json"),
        ("doctor", "--json"),
        ("account", "show", "--json"),
    ]
    found = set()
    for command in commands:
        result = online(*command)
        assert result.code == 0, result
        found |= names(result.json)
    found |= names(json.loads((online.folder / "r.json").read_text()))
    assert {"earliestSeconds", "chunkSize", "videoId", "bucketSeconds"} <= found
    assert [name for name in found if not re.fullmatch("[a-z][a-zA-Z0-9]*", name)] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [
        ("videos", "list", "--json"),
        pytest.param(("--help",), marks=pytest.mark.slow),
    ],
)
def test_a_full_disk_under_the_output_is_one_line(online: Cli, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full, online.start(*arguments, stdout=full) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert len(err.splitlines()) == 1
    assert "No space left on device" in err


def test_the_package_is_a_command(cli: Cli) -> None:
    command = [sys.executable, "-m", "apivideo_async", "--version"]
    assert subprocess.check_output(command, env=cli.env).startswith(b"apivideo, version")


def test_an_interrupt_during_the_start_is_one_line(cli: Cli) -> None:
    """The import of the command is held up, so that the signal arrives in it."""
    code = (
        "import sys, time, apivideo_async.cli as cli\n"
        "class Slow:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'apivideo_async.cli.app':\n"
        "            print('importing', flush=True)\n"
        "            time.sleep(60)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "cli.main()\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, env=cli.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "apivideo: interrupted\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--debug", "videos", "list", "--json"),
        ("videos", "--debug", "list", "--json"),
        ("videos", "list", "--json", "--debug"),
    ],
)
def test_global_options_are_accepted_anywhere(online: Cli, arguments: tuple[str, ...]) -> None:
    result = online(*arguments)
    assert result.code == 0, result
    assert "apivideo_async.http: " in result.err


def test_every_command_accepts_the_key_and_the_address(
    cli: Cli, emu: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "a.mp4").write_bytes(b"x")
    given = ("--api-key", KEY, "--base-url", emu.url)
    for arguments in (("videos", "list"), ("ingest", "v"), ("ingest", "status"), ("doctor",)):
        result = cli(*arguments, *given)
        assert result.code == 0, result
    assert cli("--api-key", "first-wrong-key", "videos", "list", *given).code == 0


def test_an_option_of_the_command_is_kept(cli: Cli) -> None:
    assert "The API key that it accepts" in cli("emulator", "--help").out
    assert "--base-url" not in cli("videos", "list", "--help").out
