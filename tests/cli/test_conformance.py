"""``apivideo conformance`` checks a service, saves what it found, and can be interrupted."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from apivideo_async import ServiceProfile
from apivideo_async.cli.session import Settings
from apivideo_async.conformance import CheckOptions
from apivideo_async.emulator import Emulator, Fault
from apivideo_async.protocol.assumptions import ASSUMPTIONS
from apivideo_async.rate_limit.limiter import Limiter
from apivideo_async.saved_profiles import write_profile

from .conftest import KEY, MIB, Cli

QUICK = ("--window", "0", "--largest", "8MiB", "--late", "0.5")
Make = Callable[..., Path]


@pytest.fixture
def emu():  # type: ignore[no-untyped-def]
    with Emulator(api_key=KEY, discard=True, quirks=["no-byte-ranges"]).in_thread() as emulator:
        yield emulator


def test_the_report_and_the_saved_profile(online: Cli, emu: Emulator, make_file: Make) -> None:
    result = online("conformance", "--json", "--save", *QUICK)
    assert result.code == 0, result
    report = result.json
    questions = [row.question for rows in ASSUMPTIONS.values() for row in rows]
    assert [each["question"] for each in report["questions"]] == questions
    assert report["quirks"] == ["no-byte-ranges"]
    assert report["profile"] == {"byte_ranges": False}
    assert report["complete"]
    assert not emu.state.videos
    assert "1 differs (no-byte-ranges)" in result.err
    [file] = (online.folder / "state" / "apivideo" / "profiles").iterdir()
    assert str(file) in result.err

    emu.requests.clear()
    uploaded = online("upload", make_file(size=12 * MIB))
    assert uploaded.code == 0, uploaded
    assert "assumptions" not in uploaded.err, "the upload starts adapted, without a warning"
    sent = [each for each in emu.requests if each.operation == "videos.upload"]
    assert {each.status for each in sent} == {201}
    assert all("part" in str(each.content_range) for each in sent)

    file.write_text("damaged")
    again = online("upload", make_file("other.mp4"))
    assert again.code == 0
    assert f"note: the saved service profile {file} cannot be used" in again.err


def test_lines_for_other_programs(online: Cli) -> None:
    result = online("conformance", *QUICK)
    assert result.code == 0
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert {len(row) for row in rows} == {6}
    [differs] = [row for row in rows if row[0] == "differs"]
    assert differs[1:3] == ["no-byte-ranges", "Are byte ranges accepted?"]
    assert "ServiceProfile(byte_ranges=False)" in differs[5]
    assert not (online.folder / "state" / "apivideo" / "profiles").exists()


def test_every_client_of_the_command_line_starts_with_the_saved_profile() -> None:
    """Also those of ``ingest`` and of ``distributed worker``, which share the request budget."""
    url = "http://127.0.0.1:9"
    write_profile(url, "2026-11-30T12:00:00+00:00", {"parts": False})
    settings = Settings(api_key=KEY, base_url=url)
    assert settings.make_client(limiter=Limiter()).profile == ServiceProfile(parts=False)
    other = Settings(api_key=KEY, base_url="http://127.0.0.1:8")
    assert other.make_client().profile == ServiceProfile()


@pytest.mark.slow
def test_a_table_on_a_terminal(online: Cli) -> None:
    from io import StringIO

    from rich.console import Console

    from apivideo_async.cli.commands.conformance import _tables
    from apivideo_async.conformance.observations import Findings

    findings = Findings()
    findings.differs("chunks-in-order", "Refused.", 409)
    out = StringIO()
    console = Console(file=out, width=120)
    for table in _tables(findings):
        console.print(table)
    text = " ".join(out.getvalue().split())
    for heading in ("question", "documents", "assumed", "observed", *ASSUMPTIONS):
        assert heading in text
    assert "chunks-in-order=409" in text
    assert max(map(len, out.getvalue().splitlines())) <= 120


def test_production_needs_a_confirmation(cli: Cli) -> None:
    cli.env |= {"APIVIDEO_API_KEY": KEY, "APIVIDEO_BASE_URL": "https://ws.api.video"}
    result = cli("conformance")
    assert result.code == 2
    assert "--yes" in result.error_line


def test_a_key_is_needed(cli: Cli) -> None:
    result = cli("conformance")
    assert result.code == 2
    assert "APIVIDEO_API_KEY" in result.error_line


def test_videos_that_remain_are_an_error(online: Cli, emu: Emulator) -> None:
    refusal = Fault("videos.delete", "status", times=None, status=403, body={"title": "No."})
    emu.faults.add(refusal)
    result = online("conformance", *QUICK)
    assert result.code == 1
    for video_id in emu.state.videos:
        assert video_id in result.err


@pytest.mark.slow
def test_an_interrupted_check_prints_what_is_known_and_saves_nothing(
    online: Cli, emu: Emulator
) -> None:
    emu.faults.add(Fault("videos.upload", "stall", nth=3, times=None, seconds=60, after_bytes=0))
    with online.start("conformance", "--json", "--save", *QUICK) as process:
        deadline = time.monotonic() + 60
        while sum(each.operation == "videos.upload" for each in emu.requests) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    result = online.checked(process.returncode, out, err)
    assert result.code == 130
    assert not result.json["complete"]
    states = {each["quirk"] or each["question"]: each["state"] for each in result.json["questions"]}
    assert states["Is a new video in the list of videos at once?"] == "agrees"
    assert "the videos are deleted; nothing was saved" in result.err
    assert not emu.state.videos
    assert not (online.folder / "state" / "apivideo" / "profiles").exists()


def test_the_help_states_the_defaults(cli: Cli) -> None:
    text = " ".join(cli("conformance", "--help").out.split())
    for value in (CheckOptions().settle, CheckOptions().late, CheckOptions().window):
        assert f"default: {value}" in text
    assert ServiceProfile.saved.__doc__
