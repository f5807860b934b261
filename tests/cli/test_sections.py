"""Every section of the API on the command line: its output and its errors."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from apivideo_async.cli.session import NO_API_KEY
from apivideo_async.emulator import Emulator, Fault

from .conftest import Cli

Make = Callable[..., Path]
MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
SECRET = "key-of-another-platform"


def fact(out: str, name: str) -> str:
    """The value of a fact, which must occur once."""
    [value] = re.findall(rf"^{name}  *(.*)$", out, re.MULTILINE)
    return str(value)


@pytest.fixture
def video_id(online: Cli) -> str:
    """An empty video."""
    return str(online("videos", "create", "--title", "One", "--json").json["videoId"])


@pytest.fixture
def vtt(tmp_path: Path) -> Path:
    """A WebVTT file."""
    path = tmp_path / "words.vtt"
    path.write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n")
    return path


@pytest.fixture
def png(tmp_path: Path) -> Path:
    """A file that the service accepts as a PNG."""
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    return path


def test_a_list_has_three_exact_forms(online: Cli, emu: Emulator) -> None:
    """Lines with tabs, one JSON document, one JSON object a line; the same things in each."""
    made = [online("players", "create", "--name", name, "--json").json for name in ("b", "a")]
    ordered = sorted(made, key=lambda theme: str(theme["name"]))
    lines = online("players", "list", "--sort-by", "name", "--sort-order", "asc")
    assert [line.split("\t")[:2] for line in lines.out.splitlines()] == [
        [theme["playerId"], theme["name"]] for theme in ordered
    ]
    assert all(
        re.fullmatch(rf"\S+\t\w\t{MOMENT}\t{MOMENT}", line) for line in lines.out.splitlines()
    )
    assert online("players", "list", "--sort-by", "name", "--json").json in (ordered, ordered[::-1])
    objects = online("players", "list", "--jsonl", "--limit", "1")
    assert len(objects.out.splitlines()) == 1
    assert json.loads(objects.out) in ordered
    assert objects.err == "1 more: raise --limit to see them\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("players", "list"),
        ("tags", "list"),
        ("tokens", "list"),
        ("webhooks", "list"),
        ("watermarks", "list"),
        ("summaries", "list"),
        ("live-streams", "list"),
        ("videos", "discarded"),
        ("analytics", "breakdown", "play", "country"),
        ("analytics", "over-time", "play"),
    ],
)
def test_an_empty_list_prints_nothing_or_an_empty_json_list(
    online: Cli, arguments: tuple[str, ...]
) -> None:
    for options, out in (((), ""), (("--jsonl",), ""), (("--json",), "[]\n")):
        result = online(*arguments, *options)
        assert (result.code, result.out, result.err) == (0, out, "")


UNKNOWN = [
    ("videos", "show", "viNone"),
    ("videos", "show", "viNone", "--discarded"),
    ("videos", "update", "viNone", "--title", "x"),
    ("videos", "restore", "viNone"),
    ("videos", "pick-thumbnail", "viNone", "00:00:01"),
    ("captions", "list", "viNone"),
    ("captions", "show", "viNone", "fr"),
    ("captions", "update", "viNone", "fr", "--default"),
    ("chapters", "list", "viNone"),
    ("chapters", "show", "viNone", "fr"),
    ("live-streams", "show", "liNone"),
    ("live-streams", "update", "liNone", "--name", "x"),
    ("live-streams", "complete", "liNone"),
    ("live-streams", "delete-thumbnail", "liNone"),
    ("players", "show", "plNone"),
    ("players", "update", "plNone", "--name", "x"),
    ("players", "delete-logo", "plNone"),
    ("tokens", "show", "toNone-at-all"),
    ("webhooks", "show", "webhook_None"),
    ("summaries", "show", "summary_None"),
    ("summaries", "update", "summary_None", "--takeaway", "x"),
]


@pytest.mark.parametrize("arguments", UNKNOWN, ids=" ".join)
def test_an_unknown_id_is_one_line_and_code_1(online: Cli, arguments: tuple[str, ...]) -> None:
    result = online(*arguments)
    assert (result.code, result.out) == (1, "")
    assert result.error_line.startswith("apivideo: not found at http")


@pytest.mark.parametrize(
    ("section", "parents"),
    [
        ("videos", ()),
        ("captions", ("VIDEO",)),
        ("chapters", ("VIDEO",)),
        ("live-streams", ()),
        ("players", ()),
        ("tokens", ()),
        ("watermarks", ()),
        ("webhooks", ()),
        ("summaries", ()),
    ],
)
def test_deleting_an_object_that_does_not_exist(
    online: Cli, video_id: str, section: str, parents: tuple[str, ...]
) -> None:
    names = [video_id for _ in parents]
    missing = online(section, "delete", *names, "fr", "--yes")
    assert missing.code == 1
    assert missing.error_line.startswith("fr: there is no such ")
    assert online(section, "delete", *names, "fr", "--yes", "--missing-ok").code == 0
    refused = online(section, "delete", *names, "fr")
    assert refused.code == 2, "nobody can be asked"
    assert "--yes" in refused.error_line


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("videos", "update", "vi1"), "nothing to change"),
        (("videos", "update", "vi1", "--tag", "a", "--clear", "tags"), "--clear excludes"),
        (("videos", "update", "vi1", "--language", "xx"), "'xx' is not one of"),
        (("videos", "create"), "Missing option '--title'"),
        (("videos", "create", "--title", "x", "--metadata", "x"), "key=value"),
        (("captions", "update", "vi1", "fr"), "--default"),
        (("captions", "upload", "vi1", "fr"), "FILE"),
        (("tokens", "create", "--ttl", "soon"), "2h"),
        (("tokens", "create", "--ttl", "-1"), "2h"),
        (("tokens", "create", "--ttl", "99999999999"), "2,147,483,647"),
        (("live-streams", "create"), "Missing option '--name'"),
        (("live-streams", "update", "li1"), "nothing to change"),
        (("live-streams", "create", "--name", "x", "--restream", "a", "b"), "requires 3 arguments"),
        (("players", "update", "pl1"), "nothing to change"),
        (("webhooks", "create", "http://a", "--event", "x"), "'x' is not one of"),
        (("summaries", "create", "vi1", "--part", "x"), "'x' is not one of"),
        (("summaries", "update", "summary_1"), "nothing to change"),
        (("analytics", "aggregate", "plays", "count"), "'plays' is not one of"),
        (("analytics", "aggregate", "play", "count", "--from", "yesterday"), "2026-12-31"),
        (
            ("analytics", "aggregate", "play", "count", "--filter", "colour", "red"),
            "'colour' is not one of",
        ),
        (
            ("analytics", "breakdown", "play", "country", *("--filter", "tag", "a") * 2),
            "tag takes one value",
        ),
        (("analytics", "video-sessions", "vi1"), "--period"),
        (("webhooks", "listen"), "no webhook secret"),
        (("completion", "tcsh"), "'tcsh' is not one of"),
        (("tags",), ""),
    ],
)
def test_wrong_usage_is_one_line_and_code_2_before_anything_is_sent(
    online: Cli, emu: Emulator, arguments: tuple[str, ...], text: str
) -> None:
    result = online(*arguments)
    assert (result.code, result.out) == (2, "")
    assert text in result.err
    assert not text or result.error_line.startswith("apivideo: ")
    assert emu.requests == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("tags", "list"),
        ("tokens", "create"),
        ("players", "show", "x"),
        ("watermarks", "upload", "x"),
    ],
)
def test_a_missing_key_is_reported_by_every_section(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert result.code == 2
    assert result.error_line == f"apivideo: {NO_API_KEY}"


def test_an_error_of_the_server_names_the_field(
    online: Cli, video_id: str, tmp_path: Path, vtt: Path
) -> None:
    for arguments, text in (
        (("webhooks", "create", "nonsense"), "[url]"),
        (("captions", "upload", video_id, "no language", vtt), "[language]"),
        (("watermarks", "upload", vtt), "extensions"),
        (("analytics", "aggregate", "play", "peak"), "not found"),
    ):
        result = online(*arguments)
        assert (result.code, result.out) == (1, "")
        assert text in result.error_line


def test_a_missing_file_is_reported_in_one_line(online: Cli, emu: Emulator) -> None:
    for arguments in (
        ("watermarks", "upload"),
        ("captions", "upload", "vi1", "fr"),
        ("players", "upload-logo", "pl1"),
        ("videos", "upload-thumbnail", "vi1"),
        ("live-streams", "upload-thumbnail", "li1"),
    ):
        result = online(*arguments, "missing.png")
        assert (result.code, result.error_line) == (1, "apivideo: no such file: missing.png")
    assert emu.requests == []


def test_videos_are_created_and_changed(online: Cli) -> None:
    made = online(
        "videos",
        "create",
        "--title",
        "T",
        "--tag",
        "a",
        "--metadata",
        "k=v",
        "--private",
        "--language",
        "fr",
    )
    video_id = fact(made.out, "id")
    assert [
        fact(made.out, name) for name in ("title", "public", "tags", "metadata", "language")
    ] == [*("T", "no", "a", "k=v", "fr")]
    kept = online("videos", "update", video_id, "--title", "U", "--json").json
    assert (kept["title"], kept["public"], kept["tags"]) == ("U", False, ["a"])
    cleared = online(
        "videos",
        "update",
        video_id,
        "--public",
        "--no-mp4",
        "--clear",
        "tags",
        "--clear",
        "metadata",
    )
    assert fact(cleared.out, "public") == "yes"
    shown = online("videos", "show", video_id, "--json").json
    assert (shown["tags"], shown["metadata"], shown["mp4Support"]) == ([], [], False)


def test_the_same_key_gives_the_same_video(online: Cli, emu: Emulator) -> None:
    ids = {
        online("videos", "create", "--title", "T", "--idempotency-key", "k1", "--json").out
        for _ in range(2)
    }
    assert len(emu.state.videos) == 1
    assert len(ids) == 1


def test_deleted_videos_are_listed_and_restored(cli: Cli) -> None:
    with Emulator(api_key="the-key-of-this-test", video_restore=True).in_thread() as emulator:
        cli.use(emulator)
        video_id = cli("videos", "create", "--title", "T", "--json").json["videoId"]
        cli("videos", "delete", video_id, "--yes")
        assert cli("videos", "list").out == ""
        assert re.fullmatch(rf"{video_id}\tT\t{MOMENT}\t{MOMENT}\n", cli("videos", "discarded").out)
        assert fact(cli("videos", "show", video_id, "--discarded").out, "discarded")
        assert fact(cli("videos", "restore", video_id).out, "id") == video_id
        assert cli("videos", "list").out.startswith(video_id)


def test_thumbnails(online: Cli, video_id: str, png: Path, make_file: Make) -> None:
    online("upload", make_file(), "--video-id", video_id)
    assert online("videos", "upload-thumbnail", video_id, png, "--json").json["videoId"] == video_id
    assert fact(online("videos", "pick-thumbnail", video_id, "00:00:01.000").out, "id") == video_id
    live_id = online("live-streams", "create", "--name", "x", "--json").json["liveStreamId"]
    assert fact(online("live-streams", "upload-thumbnail", live_id, png).out, "id") == live_id
    assert fact(online("live-streams", "delete-thumbnail", live_id).out, "id") == live_id


def test_captions_and_chapters(online: Cli, video_id: str, vtt: Path) -> None:
    assert fact(online("captions", "upload", video_id, "fr", vtt).out, "default") == "no"
    assert fact(online("captions", "update", video_id, "fr", "--default").out, "default") == "yes"
    assert online("captions", "show", video_id, "fr", "--json").json["srclang"] == "fr"
    assert online("captions", "list", video_id).out.split("\t")[:3] == ["fr", "Français", "yes"]
    assert online("captions", "delete", video_id, "fr", "--yes").out == "deleted fr\n"
    assert fact(online("chapters", "upload", video_id, "en", vtt).out, "language") == "en"
    assert online("chapters", "list", video_id).out.startswith("en\thttp")
    assert fact(online("chapters", "show", video_id, "en").out, "src").startswith("http")
    assert online("chapters", "delete", video_id, "en", "--yes").out == "deleted en\n"


def test_a_stream_key_is_printed_by_create_and_show_and_by_nothing_else(online: Cli) -> None:
    made = online(
        "live-streams", "create", "--name", "x", "--restream", "other", "rtmp://a.test/app", SECRET
    )
    live_id, key = fact(made.out, "id"), fact(made.out, "stream key")
    assert fact(made.out, "rtmp").endswith(f"/{key}")
    assert SECRET in made.out
    assert fact(online("live-streams", "show", live_id).out, "stream key") == key
    assert online("live-streams", "show", live_id, "--json").json["streamKey"] == key
    for arguments in (
        ("list",),
        ("list", "--json"),
        ("list", "--jsonl"),
        ("list", "--stream-key", key),
        ("update", live_id, "--name", "y"),
        ("update", live_id, "--private", "--json"),
        ("complete", live_id),
    ):
        result = online("live-streams", *arguments)
        assert result.code == 0, result
        assert live_id in result.out
        assert key not in result.out + result.err
        assert SECRET not in result.out + result.err
    assert (
        fact(online("live-streams", "update", live_id, "--clear", "restreams").out, "public")
        == "no"
    )
    assert online("live-streams", "show", live_id, "--json").json["restreams"] == []


def test_a_secret_in_an_option_stays_out_of_messages(online: Cli, emu: Emulator) -> None:
    """Even when the server repeats it."""
    for operation in ("live_streams.create", "live_streams.list"):
        emu.faults.add(Fault(operation, "status", status=400, body={"title": f"{SECRET} is bad"}))
    for arguments in (
        (
            "live-streams",
            "create",
            "--name",
            "x",
            "--restream",
            "other",
            "rtmp://a.test/app",
            SECRET,
        ),
        ("live-streams", "list", "--stream-key", SECRET),
    ):
        result = online(*arguments)
        assert result.code == 1
        assert " is bad" in result.error_line
        assert SECRET not in result.error_line


def test_players(online: Cli, png: Path) -> None:
    made = online(
        "players", "create", "--name", "Dark", "--text", "red", "--no-enable-api", "--json"
    ).json
    assert (made["name"], made["text"], made["enableApi"], made["enableControls"]) == (
        "Dark",
        "red",
        False,
        True,
    )
    player_id = made["playerId"]
    changed = online("players", "update", player_id, "--force-loop", "--link-hover", "blue").out
    assert [fact(changed, name) for name in ("id", "force loop", "link hover")] == [
        player_id,
        "yes",
        "blue",
    ]
    logo = online("players", "upload-logo", player_id, png, "--link", "https://a.test").out
    assert fact(logo, "assets link") == "https://a.test"
    assert online("players", "delete-logo", player_id).out == f"deleted the logo of {player_id}\n"
    assert online("players", "delete", player_id, "--yes").out == f"deleted {player_id}\n"


def test_tokens(online: Cli, emu: Emulator) -> None:
    made = online("tokens", "create", "--ttl", "2h").out
    token = fact(made, "token")
    assert fact(made, "ttl") == "7200"
    assert online("tokens", "list").out.startswith(f"{token}\t7200\t")
    assert fact(online("tokens", "show", token).out, "ttl") == "7200"
    assert online("tokens", "create", "--json").json["ttl"] == 0
    assert online("tokens", "delete", token, "--yes").out == f"deleted {token}\n"


def test_watermarks(online: Cli, png: Path) -> None:
    watermark_id = fact(online("watermarks", "upload", png).out, "id")
    assert online("watermarks", "list").out.startswith(f"{watermark_id}\t")
    assert online("watermarks", "delete", watermark_id, "--yes").out == f"deleted {watermark_id}\n"


def test_tags(online: Cli) -> None:
    for tag in ("red", "red", "green"):
        online("videos", "create", "--title", "x", "--tag", tag)
    assert online("tags", "list").out == "green\t1\nred\t2\n"
    assert online("tags", "list", "--value", "ed").out == "red\t2\n"


def test_summaries(online: Cli, video_id: str) -> None:
    made = online("summaries", "create", video_id).out
    summary_id = fact(made, "id")
    assert fact(made, "source status") == "missing"
    abstract = " ".join(["word"] * 20)
    written = online(
        "summaries",
        "update",
        summary_id,
        "--abstract",
        abstract,
        "--takeaway",
        "a",
        "--takeaway",
        "b",
    )
    assert written.out == f"abstract     {abstract}\ntakeaways    a\ntakeaways    b\n"
    assert online("summaries", "show", summary_id, "--json").json == {
        "abstract": abstract,
        "takeaways": ["a", "b"],
    }
    assert (
        online("summaries", "list", "--source-status", "completed").out.split("\t")[1] == video_id
    )
    again = online("summaries", "create", video_id, "--auto")
    assert again.code == 1
    assert "409" in again.error_line
    assert online("summaries", "delete", summary_id, "--yes").code == 0


def test_the_account(online: Cli) -> None:
    assert fact(online("account", "show").out, "environment") == "production"
    assert online("account", "show", "--json").json["environment"] == "production"
