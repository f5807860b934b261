"""``apivideo videos``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator

from .conftest import KEY, Cli

Make = Callable[..., Path]


@pytest.fixture
def library(online: Cli, make_file: Make) -> list[str]:
    """Three videos."""
    ids = []
    for name, tag in (("one.mp4", "odd"), ("two.mp4", "even"), ("three.mp4", "odd")):
        uploaded = online(
            "upload", make_file(name), "--tag", tag, "--metadata", f"name={name}", "--json"
        )
        ids.append(uploaded.json[0]["videoId"])
    return ids


def test_a_list_in_a_pipe_is_lines_with_tabs(online: Cli, library: list[str]) -> None:
    result = online("videos", "list", "--sort-by", "createdAt", "--sort-order", "asc")
    assert result.code == 0, result
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert sorted(row[0] for row in rows) == sorted(library)
    assert {row[1] for row in rows} == {"one.mp4", "two.mp4", "three.mp4"}


def test_lists_are_filtered_and_limited(online: Cli, library: list[str]) -> None:
    odd = online("videos", "list", "--tag", "odd", "--json").json
    assert {video["videoId"] for video in odd} == {library[0], library[2]}
    [two] = online("videos", "list", "--metadata", "name=two.mp4", "--json").json
    assert two["videoId"] == library[1]
    [one] = online("videos", "list", "--title", "one", "--json").json
    assert one["videoId"] == library[0]
    limited = online("videos", "list", "--limit", "2", "--jsonl")
    assert len([json.loads(line) for line in limited.out.splitlines()]) == 2
    assert limited.err == "1 more: raise --limit to see them\n"
    assert online("videos", "list", "--tag", "none", "--json").json == []


def test_a_limit_of_several_pages(online: Cli, emu: Emulator, make_file: Make) -> None:
    path = make_file(size=10)
    files = [path.with_name(f"{number}.mp4") for number in range(120)]
    for file in files:
        file.write_bytes(b"x")
    assert online("upload", *files).code == 0
    emu.requests.clear()
    assert online("videos", "list", "--limit", "110").out.count("\n") == 110
    assert len([record for record in emu.requests if record.operation == "videos.list"]) == 2
    assert online("videos", "list").out.count("\n") == 50


def test_show_for_people_and_as_json(online: Cli, library: list[str]) -> None:
    shown = online("videos", "show", library[0]).out
    assert f"id           {library[0]}" in shown
    assert "tags         odd" in shown
    assert "player       http" in shown
    assert online("videos", "show", library[0], "--json").json["title"] == "one.mp4"


def test_status_for_people_and_as_json(online: Cli, library: list[str]) -> None:
    shown = online("videos", "status", library[0]).out
    assert "playable     yes" in shown
    assert online("videos", "status", library[0], "--json").json["encoding"]["playable"] is True


def test_delete(online: Cli, emu: Emulator, library: list[str]) -> None:
    refused = online("videos", "delete", library[0])
    assert refused.code == 2
    assert "--yes" in refused.error_line
    assert len(emu.state.videos) == 3
    result = online("videos", "delete", library[0], "viNone", library[1], "--yes")
    assert result.code == 1
    assert result.error_line == "viNone: there is no such video"
    assert result.out == f"deleted {library[0]}\ndeleted {library[1]}\n"
    assert online("videos", "delete", library[0], library[2], "--yes", "--missing-ok").code == 0
    assert not emu.state.videos


def test_a_refused_key_is_reported_once_for_several_videos(online: Cli) -> None:
    result = online("--api-key", "wrong-key-of-somebody", "videos", "delete", "vi1", "vi2", "--yes")
    assert result.code == 1
    assert "refused the API key" in result.error_line


def test_a_video_that_does_not_exist(online: Cli) -> None:
    for command in ("show", "status"):
        result = online("videos", command, "viNone")
        assert result.code == 1
        assert "not found" in result.error_line


def test_titles_cannot_control_the_terminal(online: Cli, make_file: Make) -> None:
    online("upload", make_file(), "--title", "bad\x1b[2Jtitle")
    assert "\x1b" not in online("videos", "list").out


def test_a_closed_pipe_causes_no_message(online: Cli, library: list[str]) -> None:
    with online.start("videos", "list", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert KEY
