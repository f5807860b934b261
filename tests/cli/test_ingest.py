"""``apivideo ingest``: each source once, interruptions, the summary, and the ledger commands."""

import json
import os
import re
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator, Fault

from .conftest import KEY, Cli
from .test_completion import completed
from .test_interruptions import wait_for
from .test_terminal import Screen
from .test_upload import digest

Make = Callable[..., Path]
SMALL = 64 * 1024
SCALED = ("--smallest-chunk", str(SMALL))


@pytest.fixture
def emu() -> Iterator[Emulator]:
    """An emulator with chunks scaled down."""
    with Emulator(api_key=KEY, min_chunk=SMALL).in_thread() as emulator:
        yield emulator


@pytest.fixture
def videos(tmp_path: Path, make_file: Make) -> Path:
    """Five files, of which one has several chunks."""
    (tmp_path / "videos").mkdir()
    for number in range(4):
        make_file(f"videos/{number}.mp4", 1000 + number)
    make_file("videos/large.mp4", 10 * SMALL)
    return tmp_path / "videos"


def titles(emu: Emulator) -> dict[str, str]:
    return {
        video.attributes["title"]: emu.sha256(video_id)
        for video_id, video in emu.state.videos.items()
    }


def operations(emu: Emulator) -> Counter[str]:
    """The number of requests of each operation."""
    return Counter(record.operation or "" for record in emu.requests)


def test_every_file_of_a_folder_becomes_one_video_however_often_it_is_named(
    online: Cli, emu: Emulator, videos: Path
) -> None:
    result = online("ingest", videos, videos / "1.mp4", f"{videos}/*.mp4", *SCALED)
    assert result.code == 0, result
    assert result.out.startswith("5 of 5 items done; 5 in this run, ")
    assert titles(emu) == {path.name: digest(path) for path in videos.iterdir()}
    before = operations(emu)
    again = online("ingest", videos, *SCALED)
    assert again.out.startswith("5 of 5 items done; 0 in this run, ")
    assert operations(emu) - before == Counter({"auth.authenticate": 1, "videos.list": 1})


def test_one_failure_stops_nothing_and_is_the_exit_code(
    online: Cli, emu: Emulator, videos: Path
) -> None:
    (videos / "empty.mp4").touch()
    result = online("ingest", videos, *SCALED)
    assert result.code == 1
    assert result.err.splitlines()[0].startswith(f"failed: {videos}/empty.mp4 is empty (0 bytes)")
    assert result.out.startswith("5 of 6 items done; 5 in this run, ")
    assert "1 failed" in result.out
    assert online("ingest").code == 1, "what failed stays failed until it is retried"


def test_results_and_summary_are_json_on_demand(online: Cli, videos: Path) -> None:
    (videos / "empty.mp4").touch()
    result = online("ingest", videos, *SCALED, "--jsonl")
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert Counter(line["outcome"] for line in lines) == {"done": 5, "failed": 1}
    [failed] = [line for line in lines if line["outcome"] == "failed"]
    assert failed["uri"] == str(videos / "empty.mp4")
    assert "is empty" in failed["error"]
    summary = online("ingest", *SCALED, "--json").json
    assert {state: each["items"] for state, each in summary["states"].items()} == {
        "done": 5,
        "failed": 1,
    }
    assert summary["now"]["done"] == 0


def test_the_dry_run_predicts_the_requests_of_the_run(
    online: Cli, emu: Emulator, videos: Path
) -> None:
    planned = online("ingest", videos, *SCALED, "--dry-run", "--json").json
    assert emu.requests == []
    assert not list((online.folder / "state").rglob("*.db")), "it does not even make a ledger"
    assert online("ingest", videos, *SCALED).code == 0
    taken = operations(emu)
    assert planned["stream"]["uploads"] == taken["videos.upload"]
    assert planned["stream"]["writes"] == taken["videos.create"]
    # One list learns the limits, and one checks the first creation for a second video.
    assert planned["stream"]["reads"] == taken["videos.list"] - 2 + taken["videos.get_status"]
    assert planned["stream"]["bytes"] == sum(path.stat().st_size for path in videos.iterdir())
    assert (planned["new"], planned["known"], planned["pull"]) == (5, 0, None)
    again = online("ingest", videos, *SCALED, "--dry-run", "--json").json
    assert (again["new"], again["known"], again["stream"]["uploads"]) == (0, 5, 0)


def test_the_dry_run_lists_and_names_the_bound(online: Cli, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(101):
        (tmp_path / "many" / f"{number:03}.mp4").write_bytes(b"x")
    result = online("ingest", "many", "--dry-run", "--reserve", "0.5")
    lines = result.out.splitlines()
    assert lines[0] == f"new\t1 B\t{tmp_path}/many/000.mp4"
    assert lines[-3] == "101 new items, 0 in the ledger"
    assert lines[-2] == (
        "stream: 101 uploads (50 a minute), 101 writes (100 a minute), 101 reads (250 a minute); "
        "101 B through this machine; takes at least 2:00, limited by uploads"
    )
    assert lines[-1] == "pull: not possible, because 101 files are on this machine"


def test_a_manifest_gives_fields_to_the_videos(
    online: Cli, emu: Emulator, videos: Path, tmp_path: Path
) -> None:
    lines = [
        {"uri": "videos/0.mp4", "title": "Zero", "tags": ["a"]},
        {"uri": str(videos / "1.mp4")},
    ]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    result = online("ingest", "--manifest", "list.jsonl", *SCALED)
    assert result.code == 0, result
    assert titles(emu) == {"Zero": digest(videos / "0.mp4"), "1.mp4": digest(videos / "1.mp4")}


def test_a_manifest_describes_the_files_of_a_folder(
    online: Cli, emu: Emulator, videos: Path, tmp_path: Path
) -> None:
    """The same file in both is one item, in whatever order they are named."""
    manifest = tmp_path / "manifest.jsonl"
    lines = [{"uri": f"videos/{number}.mp4", "title": f"Talk {number}"} for number in range(3)]
    manifest.write_text("\n".join(map(json.dumps, lines)))
    listed = online("ingest", videos, "--manifest", manifest, "--dry-run", "--json").json
    assert (listed["new"], listed["known"]) == (5, 0)
    result = online("ingest", videos, "--manifest", manifest, *SCALED)
    assert result.code == 0, result
    assert sorted(titles(emu)) == ["3.mp4", "Talk 0", "Talk 1", "Talk 2", "large.mp4"]


def test_fields_and_filters_apply_to_all_sources(
    online: Cli, emu: Emulator, videos: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(json.dumps({"uri": "videos/0.mp4", "tags": ["own"]}))
    chosen = (
        "--exclude",
        "3.*",
        "--max-size",
        "64KiB",
        "--tag",
        "all",
        "--title-template",
        "T{stem}",
    )
    command = ("ingest", videos, "--manifest", manifest, *chosen, *SCALED)
    result = online(*command, "--json").json
    assert (result["now"]["done"], result["now"]["differing"]) == (3, 0)
    found = {
        video.attributes["title"]: video.attributes["tags"] for video in emu.state.videos.values()
    }
    assert found == {"T0": ["own"], "T1": ["all"], "T2": ["all"]}
    assert online(*command, "--json").json["now"]["differing"] == 0
    assert "has {stem}, {name}, {folder}" in online(*command, "--title-template", "{x}").error_line


def test_the_key_stays_unless_it_is_dropped(online: Cli, emu: Emulator, videos: Path) -> None:
    assert online("ingest", videos / "0.mp4", *SCALED).code == 0
    [kept] = emu.state.videos.values()
    assert [pair["key"] for pair in kept.attributes["metadata"]] == ["ingestLedger", "ingestKey"]
    assert online("ingest", videos / "1.mp4", *SCALED, "--drop-key").code == 0
    dropped = next(video for video in emu.state.videos.values() if video is not kept)
    assert dropped.attributes["metadata"] == []


def test_status_shows_failures_retry_repeats_them_and_report_lists_all_items(
    online: Cli, emu: Emulator, videos: Path, tmp_path: Path
) -> None:
    refusal = Fault(
        "videos.create", "status", status=400, times=2, body={"title": "no", "type": "x/bad-tag"}
    )
    emu.faults.add(refusal)
    assert (
        online("ingest", videos, *SCALED, "--report", "out.html", "--report", "out.json").code == 1
    )
    assert "<!doctype html>" in (tmp_path / "out.html").read_text()
    assert json.loads((tmp_path / "out.json").read_text())["states"]["failed"]["items"] == 2
    status = online("ingest", "status", "--json").json
    assert {state: each["items"] for state, each in status["states"].items()} == {
        "done": 3,
        "failed": 2,
    }
    [failure] = status["failures"]
    assert (failure["cause"], failure["items"]) == ("bad-tag", 2)
    text = online("ingest", "status").out
    assert "failed by bad-tag: 2, such as: " in text
    assert all(f"\n  {uri}\n" in text for uri in failure["uris"])

    assert online("ingest", "retry", "nothing.mp4").error_line.endswith(
        "nothing.mp4; nothing was changed"
    )
    assert online("ingest", "retry", failure["uris"][0]).out == "1 item will be tried again\n"
    assert "`apivideo ingest` continues" in online("ingest", "status").out
    assert online("ingest", "retry").out == "1 item will be tried again\n"
    assert online("ingest", *SCALED).code == 0
    assert len(emu.state.videos) == 5
    written = online("ingest", "report", "a.csv", "b.html")
    assert written.out.split() == ["a.csv", "b.html"]
    assert (tmp_path / "a.csv").read_text().count(",done,") == 5


def test_a_source_with_the_name_of_a_command_is_written_as_a_path(
    online: Cli, emu: Emulator, make_file: Make
) -> None:
    (online.folder / "status").mkdir()
    make_file("status/a.mp4", 10)
    assert online("ingest", "./status", *SCALED).code == 0
    assert len(emu.state.videos) == 1


@pytest.mark.slow
def test_help_and_completion_offer_options_and_subcommands(cli: Cli) -> None:
    text = cli("ingest", "--help").out
    assert text.startswith("Usage: apivideo ingest ")
    assert all(f"\n  {name} " in text for name in ("status", "retry", "report"))
    assert completed(cli, "ingest re") == ["retry", "report", "re"], "the last one stands for files"
    assert completed(cli, "ingest --dry") == ["--dry-run"]
    assert completed(cli, "ingest retry --qu") == ["--quarantined"]


def stall(emu: Emulator, after: int) -> None:
    """Delay the responses of all uploads after the first ``after``."""
    emu.faults.add(Fault("videos.upload", "delay", nth=after + 1, times=None, seconds=60))


def test_an_interrupt_gives_everything_back_and_the_same_command_goes_on(
    online: Cli, emu: Emulator, videos: Path
) -> None:
    stall(emu, 2)
    with online.start("ingest", videos, *SCALED) as process:
        wait_for(lambda: operations(emu)["videos.upload"] >= 5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    last = err.splitlines()[-1]
    assert re.fullmatch(
        "apivideo: interrupted at [0-2] of 5 items; the same command continues", last
    ), err
    [ledger] = (online.folder / "state").rglob("ingest/*.db")
    with sqlite3.connect(ledger) as connection:
        assert connection.execute(
            "SELECT count(*) FROM apivideo_ingest_items WHERE owner IS NOT NULL"
        ).fetchone() == (0,)
    connection.close()
    emu.faults.clear()
    result = online("ingest", videos, *SCALED)
    assert result.code == 0, result
    assert titles(emu) == {path.name: digest(path) for path in videos.iterdir()}
    assert len(emu.state.videos) == 5


@pytest.mark.slow
def test_a_second_interrupt_quits_at_once(online: Cli, emu: Emulator, videos: Path) -> None:
    stall(emu, 0)
    with online.start("ingest", videos, *SCALED) as process:
        wait_for(lambda: operations(emu)["videos.upload"] >= 5)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_after_a_hard_end_the_same_command_sends_only_the_rest(
    online: Cli, emu: Emulator, videos: Path
) -> None:
    size = 2 * SMALL
    command = ("ingest", videos, *SCALED, "--chunk-size", str(size), "--concurrency", "8")
    stall(emu, 0)
    with online.start(*command) as process:
        # A chunk whose bytes were not all read when the sender died is not held. The last chunk is
        # sent when one of this size was accepted.
        sent = sum(path.stat().st_size for path in videos.iterdir()) - size
        wait_for(lambda: sum(video.media.size for video in emu.state.videos.values()) == sent)
        process.kill()
    emu.faults.clear()
    result = online(*command)
    assert result.code == 0, result
    assert titles(emu) == {path.name: digest(path) for path in videos.iterdir()}
    assert len(emu.state.videos) == 5
    chunks = Counter(each.content_range for each in emu.requests if each.content_range is not None)
    assert len(chunks) > 3
    assert set(chunks.values()) == {1}, "the server held them, only their answers were missing"


@pytest.mark.slow
def test_two_runs_never_share_a_ledger(online: Cli, emu: Emulator, videos: Path) -> None:
    stall(emu, 0)
    with online.start("ingest", videos, *SCALED) as process:
        wait_for(lambda: operations(emu)["videos.upload"] >= 5)
        second = online("ingest", videos, *SCALED)
        shown = online("ingest", "status", "--json").json
        process.kill()
    assert second.code == 1
    assert "another run is ingesting with the ledger" in second.error_line
    assert shown["items"] == 5, "looking is always possible"


@pytest.mark.slow
def test_a_watched_folder_is_ingested_until_the_interrupt_and_that_is_no_failure(
    online: Cli, emu: Emulator, videos: Path, make_file: Make
) -> None:
    arguments = ("ingest", "--watch", videos, "--settle", "0.2", "--report", "end.json", *SCALED)
    with online.start(*arguments) as process:
        wait_for(lambda: len(titles(emu)) == 5)
        make_file("videos/later.mp4", 5)
        make_file("videos/too.mp4", 6)
        wait_for(
            lambda: sum(video.finished_at is not None for video in emu.state.videos.values()) == 7
        )
        wait_for(lambda: online("ingest", "status", "--json").json["states"]["done"]["items"] == 7)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.startswith("7 of 7 items done")
    assert json.loads((online.folder / "end.json").read_text())["states"]["done"]["items"] == 7


@pytest.mark.slow
def test_on_a_terminal_it_moves_and_leaves_only_the_summary(
    online: Cli, emu: Emulator, videos: Path
) -> None:
    (videos / "empty.mp4").touch()
    emu.faults.add(Fault("videos.upload", "delay", times=None, seconds=0.5))
    screen = Screen(online, "ingest", videos, *SCALED)
    screen.read()
    assert screen.process.wait(timeout=60) == 1
    assert "items done" in screen.text
    assert "in progress" in screen.text
    assert "failed: " in screen.text
    assert "\x1b[?25h" in screen.text, "the cursor is back"
    assert "5 of 6 items done; 5 in this run" in screen.text


def test_in_a_pipe_a_line_every_few_seconds_shows_the_progress(
    online: Cli, emu: Emulator, videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apivideo_async.cli.commands.ingest.display.LINE_SECONDS", 0.05)
    emu.faults.add(Fault("videos.upload", "delay", times=None, seconds=0.4))
    result = online("ingest", videos, *SCALED)
    assert any(
        line.startswith("0 of 5 items done, 5 in progress") for line in result.err.splitlines()
    ), result
    assert "\x1b" not in result.err


def test_the_reserve_leaves_requests_to_others(cli: Cli, videos: Path) -> None:
    from .conftest import KEY

    with Emulator(
        api_key=KEY,
        min_chunk=SMALL,
        rate_limits={"uploads": 8, "writes": 100, "reads": 100},
        rate_window=0.5,
    ).in_thread() as emu:
        # One at a time: before the first answer nobody knows the limit.
        result = cli.use(emu)("ingest", videos, *SCALED, "--reserve", "0.5", "--concurrency", "1")
        assert result.code == 0, result
        began = [record.started for record in emu.requests if record.operation == "videos.upload"]
        assert all(record.status != 429 for record in emu.requests)
        assert began[-1] - began[0] > 0.3, "not all of the budget in one window"


def test_a_named_ledger_is_read_without_a_key(online: Cli, videos: Path, tmp_path: Path) -> None:
    assert online("ingest", videos, "--ledger", "own.db", *SCALED).code == 0
    del online.env["APIVIDEO_API_KEY"]
    assert online("ingest", "status", "--ledger", "own.db", "--json").json["items"] == 5
    assert online("ingest", "report", "r.json", "--ledger", "own.db").code == 0
    assert os.path.getsize(tmp_path / "r.json") > 100


def test_an_outage_that_is_too_long_ends_with_1_and_no_item_has_failed(
    online: Cli, emu: Emulator, videos: Path
) -> None:
    emu.faults.add(Fault("videos.create", "refuse", seconds=60))
    result = online("ingest", videos, "--outage-timeout", "0.2", *SCALED)
    assert result.code == 1
    assert "api.video was unavailable" in result.err
    states = {line.split()[0] for line in online("ingest", "status").out.splitlines()}
    assert {"all"} < states
    assert not states & {"failed", "quarantined", "done"}
