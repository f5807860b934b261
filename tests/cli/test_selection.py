"""Commands on the videos that filters select: preview, confirmation, results for each video."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator, Fault

from .conftest import Cli
from .test_bulk import piped
from .test_terminal import Screen

Make = Callable[..., Path]


@pytest.fixture
def old(online: Cli) -> list[str]:
    """Seven videos with the tag "old"; an eighth has another tag."""
    made = [
        online("videos", "create", "--title", f"title {n}", "--tag", "old", "--json").json
        for n in range(7)
    ]
    online("videos", "create", "--title", "new", "--tag", "new", "--metadata", "lang=fr")
    return sorted(video["videoId"] for video in made)


def writes(emu: Emulator) -> list[str]:
    return [each.operation for each in emu.requests if each.method in ("PATCH", "DELETE")]


def test_a_dry_run_shows_all_videos_and_changes_none(
    online: Cli, emu: Emulator, old: list[str]
) -> None:
    for command, verb in ((("delete", "--tag"), "delete"), (("update", "--where-tag"), "update")):
        changes = ("--private",) if verb == "update" else ()
        result = online("videos", *command, "old", "--dry-run", *changes)
        lines = sorted(result.out.splitlines())
        assert (result.code, len(lines)) == (0, 7)
        assert re.fullmatch(rf"would {verb} {old[0]}\ttitle \d", lines[0])
    assert writes(emu) == []


def test_videos_are_deleted_by_a_filter(online: Cli, emu: Emulator, old: list[str]) -> None:
    result = online("videos", "delete", "--tag", "old", "--yes")
    assert result.code == 0
    assert sorted(result.out.split("\n")[:-1]) == [f"deleted {each}" for each in old]
    assert [video["title"] for video in online("videos", "list", "--json").json] == ["new"]
    result = online("videos", "delete", "--tag", "old", "--yes")
    assert (result.code, result.out, result.err) == (0, "", "no videos match\n")


def test_videos_are_updated_by_a_filter(online: Cli, emu: Emulator, old: list[str]) -> None:
    given = ("videos", "update", "--where-tag", "old", "--where-title", "TITLE", "--yes")
    result = online(*given, "--tag", "older", "--private")
    assert (result.code, sorted(result.out.splitlines())) == (0, [f"updated {x}" for x in old])
    found = online("videos", "list", "--tag", "older", "--json").json
    assert {video["videoId"]: video["public"] for video in found} == dict.fromkeys(old, False)
    result = online("videos", "update", "--where-metadata", "lang=fr", "--yes", "--mp4", "--json")
    assert [video["title"] for video in result.json] == ["new"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("delete",), "name an ID, or what to select"),
        (("update", "--title", "t"), "name an ID, or what to select"),
        (("delete", "--tag", "", "--yes"), "--tag is empty, which would select everything"),
        (("delete", "--title", " ", "--yes"), "--title is empty"),
        (("delete", "--metadata", "k=", "--yes"), "--metadata is empty"),
        (("update", "--where-tag", "", "--yes", "--mp4"), "--where-tag is empty"),
        (("delete", "vi1", "--tag", "x", "--yes"), "exclude each other"),
        (("update", "vi1", "--where-tag", "x", "--mp4"), "exclude each other"),
        (("delete", "--tag", "old"), "add --yes"),
        (("update", "--where-tag", "old", "--mp4"), "add --yes"),
        (("update", "vi1", "vi2", "--mp4"), "add --yes"),
        (("update", "--where-tag", "old", "--yes"), "nothing to change"),
    ],
)
def test_what_selects_everything_or_cannot_be_confirmed_is_refused_before_anything_is_sent(
    online: Cli, emu: Emulator, arguments: tuple[str, ...], text: str
) -> None:
    result = online("videos", *arguments)
    assert (result.code, text in result.error_line) == (2, True), result
    assert not emu.requests


def test_videos_that_do_not_match_are_kept_if_the_server_ignores_a_filter(
    online: Cli, emu: Emulator, old: list[str]
) -> None:
    emu.quirks["list-ignores-metadata"] = True
    result = online("videos", "delete", "--metadata", "lang=fr", "--yes")
    assert (result.code, len(result.out.splitlines())) == (0, 1)
    assert "the server also listed 7 videos that do not match" in result.err
    assert sorted(emu.state.videos) == old


def test_a_failure_concerns_one_video(online: Cli, emu: Emulator, old: list[str]) -> None:
    emu.faults.add(Fault("videos.delete", "status", nth=2, status=403))
    result = online("videos", "delete", "--tag", "old", "--yes")
    assert (result.code, len(result.out.splitlines())) == (1, 6)
    (failed,) = (line for line in result.err.splitlines() if "permission" in line)
    assert failed.split(":")[0] in old
    assert len(emu.state.videos) == 2


def test_several_objects_are_shown_and_failures_are_named(online: Cli, old: list[str]) -> None:
    code, out, err = piped(online, f"{old[0]}\nviNone\n{old[1]}\n", "videos", "show", "-", "--json")
    assert (code, "viNone: there is no such video" in err) == (1, True)
    assert re.findall(r'"videoId": "(\w+)"', out) == old[:2]
    result = online("videos", "show", *old[:2], "--output", "csv", "--columns", "id")
    assert result.out.split() == ["videoId", *old[:2]]
    assert online("players", "show", "plNone").code == 1


def test_ids_on_the_standard_input_are_updated(online: Cli, old: list[str]) -> None:
    text = "\n".join(old[:2])
    code, _, err = piped(online, text, "videos", "update", "-", "--mp4")
    assert (code, "add --yes" in err) == (2, True)
    code, out, _ = piped(online, text, "videos", "update", "-", "--mp4", "--yes", "--jsonl")
    assert (code, len(out.splitlines())) == (0, 2)
    code, out, _ = piped(online, old[0], "videos", "wait", "-", "--timeout", "1s")
    assert (code, out) == (1, "")


def test_one_id_is_updated_without_a_question(online: Cli, old: list[str]) -> None:
    result = online("videos", "update", old[0], "--title", "t", "--json")
    assert (result.code, result.json["title"]) == (0, "t")


def test_a_preview_precedes_the_question(online: Cli, emu: Emulator, old: list[str]) -> None:
    for answer, code, left in (("n", 1, 8), ("y", 0, 1)):
        screen = Screen(online, "videos", "delete", "--tag", "old")
        screen.read(until="[y/N]")
        shown = [line.strip() for line in screen.lines]
        at = shown.index("7 videos:")
        assert all(re.fullmatch(r"vi\w+  title \d", line) for line in shown[at + 1 : at + 6])
        assert shown[at + 6] == "and 2 more"
        assert shown[at + 7].startswith("Delete 7 videos?")
        screen.type(f"{answer}\n")
        assert screen.end() == code
        assert len(emu.state.videos) == left
