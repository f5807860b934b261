"""Commands on many videos at once, any request, and names that do not exist."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator

from .conftest import Cli

Make = Callable[..., Path]


@pytest.fixture
def ids(online: Cli, make_file: Make) -> list[str]:
    created = [online("videos", "create", "--title", f"t{n}", "--json").json for n in range(3)]
    return sorted(video["videoId"] for video in created)


def piped(online: Cli, text: str, *arguments: str):  # type: ignore[no-untyped-def]
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    with online.start(*arguments, stdin=read) as process:
        os.close(read)
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize("form", [["--ids"], []])
def test_listed_ids_are_deleted_through_a_pipe(
    online: Cli, emu: Emulator, ids: list[str], form: list[str]
) -> None:
    """The id is the first column of each line."""
    listed = online("videos", "list", *form).out
    assert sorted(line.split()[0] for line in listed.splitlines()) == ids
    code, out, _ = piped(online, listed + listed, "videos", "delete", "-", "--dry-run")
    assert (code, sorted(out.splitlines())) == (0, [f"would delete {each}" for each in ids])
    assert len(emu.state.videos) == 3
    code, _, err = piped(online, listed, "videos", "delete", "-")
    assert (code, "add --yes" in err) == (2, True)
    code, out, _ = piped(online, listed, "videos", "delete", "-", "--yes")
    assert (code, len(out.splitlines())) == (0, 3)
    assert not emu.state.videos


def test_no_ids_on_the_standard_input_are_an_error(online: Cli) -> None:
    code, _, err = piped(online, "\n", "videos", "delete", "-", "--yes")
    assert (code, "the standard input contains no id" in err) == (2, True)


def test_videos_are_waited_for(online: Cli, ids: list[str], make_file: Make) -> None:
    uploaded = online("upload", make_file()).out.split()[0]
    result = online("videos", "wait", uploaded, "--timeout", "30s")
    assert (result.code, result.out) == (0, f"{uploaded}\tplayable\n")
    result = online("videos", "wait", "viMissing", ids[0], "--timeout", "1s")
    assert (result.code, result.out) == (1, "")
    assert {line.split(":")[0] for line in result.err.splitlines()} == {"viMissing", ids[0]}


def test_any_request(online: Cli, ids: list[str], tmp_path: Path) -> None:
    found = online("api", "get", "videos", "-q", "title=t1", "-q", "pageSize=5").json
    assert [video["title"] for video in found["data"]] == ["t1"]
    body = tmp_path / "body.json"
    body.write_text('{"title": "née"}', "utf-8")
    changed = online("api", "PATCH", f"/videos/{ids[0]}", "-d", f"@{body}")
    assert (changed.code, changed.json["title"]) == (0, "née")
    result = online("api", "DELETE", f"/videos/{ids[0]}", "--include")
    assert (result.code, result.out.splitlines()[0]) == (0, "204")
    result = online("api", "GET", f"/videos/{ids[0]}")
    assert (result.code, result.out) == (1, "")
    assert "404" in result.err


@pytest.mark.parametrize(
    ("data", "text"),
    [("{", "this is not JSON"), ("@missing.json", "missing.json cannot be read")],
)
def test_a_body_that_cannot_be_sent_is_refused(
    online: Cli, emu: Emulator, data: str, text: str
) -> None:
    result = online("api", "POST", "/videos", "-d", data)
    assert (result.code, text in result.err) == (2, True)
    assert not emu.requests


def test_the_player_is_opened(online: Cli, ids: list[str], tmp_path: Path) -> None:
    address = online("videos", "show", ids[0], "--json").json["assets"]["player"]
    result = online("open", ids[0], "--print")
    assert (result.code, result.out) == (0, f"{address}\n")
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/opened"\n')
    browser.chmod(0o700)
    online.env["BROWSER"] = f"{browser} %s"
    result = online("open", ids[0])
    assert (result.code, result.out) == (0, f"{address}\n")
    assert (tmp_path / "opened").read_text().strip() == address


def test_json_of_a_list_and_ids_exclude_each_other(online: Cli) -> None:
    result = online("videos", "list", "--json", "--ids")
    assert (result.code, "exclude each other" in result.error_line) == (2, True)
    assert json.loads(online("videos", "list", "--json").out) == []


def test_ids_are_printed_without_a_limit_and_tables_with_one(online: Cli, emu: Emulator) -> None:
    for number in range(120):
        emu.state.create_video({"title": f"Video {number}"})
    assert len(online("videos", "list", "--ids").out.split()) == 120
    assert len(online("videos", "list", "--ids", "--limit", "7").out.split()) == 7
    result = online("videos", "list")
    assert len(result.out.splitlines()) == 50
    assert "70 more" in result.err
