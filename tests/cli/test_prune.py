"""Containers that interrupted uploads left are found and, after a confirmation, deleted."""

import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator

from .conftest import KEY, Cli
from .test_terminal import Screen

Make = Callable[..., Path]
CHUNK = 64 * 1024


@pytest.fixture
def emu() -> Iterator[Emulator]:
    """An emulator with chunks scaled down."""
    with Emulator(api_key=KEY, min_chunk=CHUNK).in_thread() as emulator:
        yield emulator


def send_first_chunk(emu: Emulator, path: str, content_range: str) -> str:
    """Send one chunk and nothing more, as an interrupted program does; return the video's id."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="cut.mp4"\r\n\r\n'
    request = urllib.request.Request(
        f"{emu.url}{path}",
        data=head + b"x" * CHUNK + b"\r\n--b--\r\n",
        headers={
            "Content-Type": "multipart/form-data; boundary=b",
            "Content-Range": content_range,
            "Authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode(),
        },
    )
    with urllib.request.urlopen(request) as response:
        video_id = json.load(response)["videoId"]
    assert isinstance(video_id, str)
    return video_id


@pytest.fixture
def videos(online: Cli, emu: Emulator, make_file: Make) -> dict[str, str]:
    """Ids of a complete video, an empty one, and two that were interrupted."""
    empty = online("videos", "create", "--title", "empty", "--json").json["videoId"]
    own = online("videos", "create", "--title", "cut", "--json").json["videoId"]
    send_first_chunk(emu, f"/videos/{own}/source", f"bytes 0-{CHUNK - 1}/{3 * CHUNK}")
    token = online("tokens", "create", "--json").json["token"]
    return {
        "complete": online("upload", make_file()).out.split()[0],
        "empty": empty,
        "own": own,
        "token": send_first_chunk(emu, f"/upload?token={token}", "part 1/*"),
    }


def test_incomplete_videos_are_listed(online: Cli, videos: dict[str, str]) -> None:
    wanted = {videos["empty"], videos["own"], videos["token"]}
    listed = online("videos", "list", "--incomplete", "--json").json
    assert {each["videoId"] for each in listed} == wanted
    lines = online("videos", "list", "--incomplete", "--limit", "2").out.splitlines()
    assert len(lines) == 2


def test_a_preview_deletes_nothing(online: Cli, emu: Emulator, videos: dict[str, str]) -> None:
    prune = ("videos", "prune", "--incomplete", "--older-than", "0")
    preview = online(*prune, "--dry-run").out
    assert {line.split("\t")[0]: line.split("\t")[2] for line in preview.splitlines()} == {
        videos["empty"]: "empty",
        videos["own"]: "64.0 KiB of 192.0 KiB",
        videos["token"]: "1 of ? parts",
    }
    refused = online(*prune)
    assert refused.code == 2
    assert "add --yes" in refused.err.splitlines()[-1]
    assert all(each in refused.err for each in (videos["empty"], videos["own"], videos["token"]))
    assert len(emu.state.videos) == 4


def test_young_videos_are_kept_and_the_kind_is_required(
    online: Cli, emu: Emulator, videos: dict[str, str]
) -> None:
    assert online("videos", "prune", "--incomplete", "--yes").err == (
        "no incomplete videos of this age\n"
    )
    assert online("videos", "prune", "--older-than", "0", "--yes").code == 2
    assert len(emu.state.videos) == 4


def test_only_incomplete_videos_are_deleted(
    online: Cli, emu: Emulator, videos: dict[str, str]
) -> None:
    prune = ("videos", "prune", "--incomplete", "--older-than", "0", "--yes", "--json")
    result = online(*prune)
    assert result.code == 0, result
    assert all(each["deleted"] for each in result.json)
    assert len(result.json) == 3
    assert list(emu.state.videos) == [videos["complete"]]
    assert online(*prune).json == []


@pytest.mark.slow
def test_a_video_that_receives_data_after_the_preview_is_kept(
    online: Cli, emu: Emulator, videos: dict[str, str]
) -> None:
    screen = Screen(online, "videos", "prune", "--incomplete", "--older-than", "0")
    screen.read(until="[y/N]")
    content_range = f"bytes {CHUNK}-{2 * CHUNK - 1}/{3 * CHUNK}"
    send_first_chunk(emu, f"/videos/{videos['own']}/source", content_range)
    screen.type("y\n")
    assert screen.end() == 0
    assert set(emu.state.videos) == {videos["complete"], videos["own"]}
    assert "is kept: it has changed" in screen.text
