"""``--output`` and ``--columns``: the same records as a table, JSON, lines of JSON and CSV."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator

from .conftest import Cli
from .test_terminal import Screen

Make = Callable[..., Path]


@pytest.fixture
def videos(online: Cli) -> list[str]:
    """Two videos, sorted by title."""
    made = [
        online("videos", "create", "--title", title, "--tag", "x", "--metadata", "a.b=1", "--json")
        for title in ("first", "second")
    ]
    return [video.json["videoId"] for video in made]


SORTED = ("--sort-by", "title", "--sort-order", "asc")


def rows(text: str) -> list[list[str]]:
    assert text.replace("\r\n", "").count("\r") == 0
    return list(csv.reader(io.StringIO(text, newline="")))


def test_csv_has_the_columns_of_the_table_with_the_names_of_the_api(
    online: Cli, videos: list[str]
) -> None:
    result = online("videos", "list", *SORTED, "--output", "csv")
    heading, first, second = rows(result.out)
    assert heading == ["videoId", "title", "createdAt", "public", "tags"]
    assert [first[0], second[0]] == videos
    assert first[2].endswith("+00:00")
    assert first[3:] == ["true", '["x"]']
    assert result.out.count("\r\n") == 3


def test_any_field_can_be_a_column_in_both_spellings(online: Cli, videos: list[str]) -> None:
    given = "videoId,mp4_support,metadata.a.b,assets.player,metadata,id,created"
    result = online("videos", "list", *SORTED, "--output", "csv", "--columns", given)
    heading, first, _ = rows(result.out)
    assert heading[:5] == ["videoId", "mp4Support", "metadata.a.b", "assets.player", "metadata"]
    assert heading[5:] == ["videoId", "createdAt"]
    assert (first[0], first[2], first[4]) == (videos[0], "1", '{"a.b": "1"}')
    assert first[3].startswith("http")


def test_columns_apply_to_every_format(online: Cli, videos: list[str]) -> None:
    given = ("videos", "list", *SORTED, "--columns", "title,metadata.a.b")
    assert online(*given).out == "first\t1\nsecond\t1\n"
    expected = [{"title": "first", "metadata.a.b": "1"}, {"title": "second", "metadata.a.b": "1"}]
    assert online(*given, "--output", "json").json == expected
    lines = online(*given, "--output", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == expected
    screen = Screen(online, *given)
    assert screen.end() == 0
    assert screen.lines[0].split() == ["title", "metadata.a.b"]
    assert screen.lines[1].split() == ["first", "1"]


@pytest.mark.parametrize("short", ["json", "jsonl"])
def test_the_short_forms_mean_the_same(online: Cli, videos: list[str], short: str) -> None:
    assert (
        online("videos", "list", f"--{short}").out
        == online("videos", "list", "--output", short).out
    )


@pytest.mark.parametrize(
    "given",
    [
        ("--json", "--output", "csv"),
        ("--jsonl", "--json"),
        ("--ids", "--output", "csv"),
        ("--ids", "--columns", "title"),
    ],
)
def test_two_formats_exclude_each_other(online: Cli, emu: Emulator, given: tuple[str, ...]) -> None:
    result = online("videos", "list", *given)
    assert (result.code, "exclude each other" in result.error_line) == (2, True)
    assert not emu.requests


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("videos", "list", "--columns", "titel"), "Did you mean title?"),
        (("videos", "show", "vi1", "--columns", "asets.player"), "Did you mean assets.player?"),
        (("videos", "list", "--columns", "title,,tags"), "a name is empty"),
        (("videos", "list", "--columns", "metadata."), "metadata."),
        (("analytics", "over-time", "play", "--columns", "value"), "emittedAt, metricValue"),
        (("live-streams", "list", "--columns", "streamKey"), "unknown column 'streamKey'"),
        (("plan", "x.mp4", "--columns", "size"), "file, bytes, chunks, chunkSize"),
        (("plan", "x.mp4", "--columns", "file,strategy"), "no column strategy"),
        (("plan", ".", "--columns", "chunkSize"), "no column chunkSize"),
        (("ingest", "status", "--columns", "stat"), "Did you mean state?"),
        (("videos", "list", "--output", "cvs"), "Did you mean csv?"),
    ],
)
def test_an_unknown_column_is_refused_before_anything_is_sent(
    online: Cli, emu: Emulator, arguments: tuple[str, ...], text: str
) -> None:
    result = online(*arguments)
    assert (result.code, text in result.error_line) == (2, True), result
    assert not emu.requests


def test_a_cell_is_no_formula_and_its_line_breaks_are_kept(online: Cli) -> None:
    title, description = "=1+1", "a\r\nb\rc,=2"
    online("videos", "create", "--title", title, "--description", description)
    text = online("videos", "list", "--output", "csv", "--columns", "title,description").out
    assert rows(text)[1] == ["'=1+1", "a\nb\nc,'=2"]


def test_lists_and_mappings_in_a_cell_are_json_without_formulas(online: Cli) -> None:
    created = ("--title", "t", "--tag", "=cmd", "--tag", "a,=b", "--metadata", "k=+1")
    online("videos", "create", *created)
    text = online("videos", "list", "--output", "csv", "--columns", "tags,metadata").out
    tags, metadata = rows(text)[1]
    assert (json.loads(tags), json.loads(metadata)) == (["=cmd", "a,=b"], {"k": "+1"})
    assert "=" not in tags
    assert "+" not in metadata


def test_one_object_in_every_format(online: Cli, videos: list[str]) -> None:
    show = ("videos", "show", videos[0], "--columns", "title,tags")
    assert online(*show).out.split() == ["title", "first", "tags", "x"]
    assert online(*show, "--json").json == {"title": "first", "tags": ["x"]}
    assert online(*show, "--jsonl").out == '{"title": "first", "tags": ["x"]}\n'
    assert rows(online(*show, "--output", "csv").out) == [["title", "tags"], ["first", '["x"]']]
    heading, row = rows(online("videos", "show", videos[0], "--output", "csv").out)
    assert (len(heading), "mp4Support" in heading) == (len(row), True)
    assert online("videos", "show", videos[0], "--output", "json").json["videoId"] == videos[0]


def test_secrets_stay_hidden_in_every_format(online: Cli) -> None:
    created = online("live-streams", "create", "--name", "n", "--json").json
    for form in ("table", "json", "jsonl", "csv"):
        listed = online("live-streams", "list", "--output", form)
        assert created["liveStreamId"] in listed.out
        assert created["streamKey"] not in listed.out
    shown = online("live-streams", "show", created["liveStreamId"], "--columns", "stream_key")
    assert created["streamKey"] in shown.out


def test_analytics_plan_and_totals_are_tables_for_programs(online: Cli, make_file: Make) -> None:
    path = make_file(size=20 * 1024 * 1024)
    out = online("plan", path, "--output", "csv", "--columns", "file,chunks,chunk_size").out
    heading, row = rows(out)
    assert heading == ["file", "chunks", "chunkSize"]
    assert row[0] == str(path)
    assert int(row[1]) * int(row[2]) >= 20 * 1024 * 1024
    (path.parent / "v").mkdir()
    (path.parent / "v" / "a.mp4").write_bytes(b"x" * 1000)
    folder = rows(online("plan", path.parent / "v", "--output", "csv").out)
    assert [row[0] for row in folder] == ["strategy", "stream"]
    assert online("ingest", path.parent / "v").code == 0
    status = online("ingest", "status", "--output", "csv")
    assert rows(status.out) == [["state", "items", "bytes"], ["done", "1", "1000"]]
    line = online("ingest", "status", "--jsonl", "--columns", "state,items").json
    assert line == {"state": "done", "items": 1}
    points = online("analytics", "breakdown", "play", "country", "--output", "csv").out
    assert rows(points)[0] == ["dimensionValue", "metricValue"]


@pytest.mark.parametrize("section", ["videos", "live-streams", "players", "watermarks", "tokens"])
def test_the_model_of_a_command_is_that_of_its_response(online: Cli, section: str) -> None:
    """The names that ``--columns`` accepts are those of the JSON."""
    create = {
        "videos": ("--title", "t", "--metadata", "k=v"),
        "live-streams": ("--name", "n"),
        "players": ("--name", "n"),
        "tokens": ("--ttl", "1h"),
    }
    if section in create:
        assert online(section, "create", *create[section]).code == 0
    else:
        image = online.folder / "w.png"
        image.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 100)
        assert online(section, "upload", image).code == 0
    (whole,) = online(section, "list", "--json").json
    result = online(section, "list", "--json", "--columns", ",".join(whole))
    assert list(result.json[0]) == list(whole)


def test_the_results_of_uploads_are_records_that_failures_have_too(
    online: Cli, make_file: Make
) -> None:
    good, empty = make_file("a.mp4"), make_file("b.mp4", 0)
    given = ("--output", "csv", "--columns", "file,status,videoId,assets.player,error")
    result = online("upload", good, empty, *given)
    assert result.code == 1
    heading, done, failed = rows(result.out)
    assert heading == ["file", "status", "videoId", "assets.player", "error"]
    assert done[:2] == [str(good), "uploaded"]
    assert (done[2] in done[3], done[4]) == (True, "")
    assert failed[:4] == [str(empty), "failed", "", ""]
    assert "empty" in failed[4]
    lines = online("upload", make_file("c.mp4"), "--jsonl").out.splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["uploaded"]


def test_findings_of_the_doctor_are_records(online: Cli) -> None:
    found = rows(online("doctor", "--output", "csv", "--columns", "name,state").out)
    assert found[0] == ["name", "state"]
    assert ["key", "ok"] in found


def test_incomplete_videos_are_records(online: Cli, videos: list[str]) -> None:
    given = ("videos", "prune", "--incomplete", "--older-than", "0", "--dry-run")
    result = online(*given, "--output", "csv", "--columns", "videoId,deleted")
    assert sorted(rows(result.out)[1:]) == sorted([one, "false"] for one in videos)
