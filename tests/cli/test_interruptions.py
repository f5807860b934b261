"""An interrupted upload is continued: only missing chunks are sent, and none twice."""

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.emulator import Emulator, Fault

from .conftest import KEY, MIB, Cli
from .test_upload import digest, emu_token

Make = Callable[..., Path]
CHUNKED = ("--chunk-size", "5M", "--concurrency", "2")


def ranges(emu: Emulator) -> list[str]:
    return [
        str(record.content_range) for record in emu.requests if record.content_range is not None
    ]


def wait_for(condition: Callable[[], Any]) -> None:
    """Poll the condition until it is true, at most for a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.02)


def stall_after(emu: Emulator, operation: str, chunks: int) -> None:
    """Delay the responses of all chunks after these; the chunks are stored."""
    emu.faults.add(Fault(operation, "delay", nth=chunks + 1, times=None, seconds=60))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["bytes", "part"])
def test_a_killed_upload_continues_with_what_is_missing(
    online: Cli, emu: Emulator, make_file: Make, mode: str
) -> None:
    path = make_file(size=62 * MIB)
    arguments = ("upload", path, *CHUNKED, "--mode", mode)
    stall_after(emu, "videos.upload", 5)
    with online.start(*arguments) as process:
        wait_for(lambda: len(ranges(emu)) == 7 and emu.requests[-1].body_bytes > 5 * MIB)
        time.sleep(0.2)
        process.kill()
    before = ranges(emu)
    emu.faults.clear()
    [video_id] = emu.state.videos

    result = online(*arguments)
    assert result.code == 0, result
    after = ranges(emu)[len(before) :]
    assert len(before) == 7
    assert len(after) == 13 - 7
    assert not set(before) & set(after), "no chunk goes twice"
    assert list(emu.state.videos) == [video_id], "one file makes one video"
    assert emu.sha256(video_id) == digest(path)
    assert "continuing: the server has 35.0 MiB of 62.0 MiB" in result.err
    assert "27.0 MiB of 62.0 MiB sent now" in result.err


@pytest.mark.slow
def test_a_killed_token_upload_continues(online: Cli, emu: Emulator, make_file: Make) -> None:
    path = make_file(size=32 * MIB)
    arguments = ("upload", path, *CHUNKED, "--token", emu_token(online))
    del online.env["APIVIDEO_API_KEY"]
    stall_after(emu, "videos.upload_with_token", 3)
    with online.start(*arguments) as process:
        wait_for(lambda: len(ranges(emu)) == 5)
        time.sleep(0.2)
        process.kill()
    emu.faults.clear()
    result = online(*arguments)
    assert result.code == 0, result
    [video_id] = emu.state.videos
    assert emu.sha256(video_id) == digest(path)


@pytest.mark.slow
def test_with_no_resume_an_interrupted_upload_starts_again(
    online: Cli, emu: Emulator, make_file: Make
) -> None:
    path = make_file(size=32 * MIB)
    stall_after(emu, "videos.upload", 2)
    with online.start("upload", path, *CHUNKED) as process:
        wait_for(lambda: len(ranges(emu)) == 4)
        process.kill()
    emu.faults.clear()
    result = online("upload", path, *CHUNKED, "--no-resume")
    assert result.code == 0, result
    assert len(emu.state.videos) == 2
    again = online("upload", path, *CHUNKED)
    assert "continuing" not in again.err, "a finished upload leaves nothing behind"


def test_without_a_folder_for_the_journal_files_are_uploaded(
    online: Cli, make_file: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    online.env["XDG_STATE_HOME"] = str(tmp_path / "file")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    result = online("upload", make_file("a.mp4"), make_file("b.mp4"), "--resume")
    assert result.code == 0, result
    assert result.err.startswith("note: no state can be kept for later runs")


def test_resume_of_nothing_says_so_and_uploads(online: Cli, make_file: Make) -> None:
    result = online("upload", make_file(), "--resume")
    assert result.code == 0, result
    assert "no interrupted upload of this file was found" in result.err


@pytest.mark.slow
def test_a_file_that_changed_starts_again_and_explicit_resume_refuses_it(
    online: Cli, emu: Emulator, make_file: Make
) -> None:
    path = make_file(size=32 * MIB)
    stall_after(emu, "videos.upload", 2)
    with online.start("upload", path, *CHUNKED) as process:
        wait_for(lambda: len(ranges(emu)) == 4)
        process.kill()
    emu.faults.clear()
    make_file(size=32 * MIB)
    result = online("upload", path, *CHUNKED, "--resume")
    assert result.code == 1
    last = result.err.splitlines()[-1]
    assert "no interrupted upload of movie.mp4 was found" in last
    assert "its content has changed since its upload was interrupted" in last
    assert len(emu.state.videos) == 1
    result = online("upload", path, *CHUNKED)
    assert result.code == 0, result
    assert "uploading all of it, because it has changed since its upload into vi" in result.err
    assert len(emu.state.videos) == 2


def test_an_interrupt_ends_in_order_and_says_how_to_continue(
    online: Cli, emu: Emulator, make_file: Make
) -> None:
    path = make_file(size=32 * MIB)
    stall_after(emu, "videos.upload", 2)
    with online.start("upload", path, *CHUNKED, "--json") as process:
        wait_for(lambda: len(ranges(emu)) == 4)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    [record] = json.loads(out)
    assert record["status"] == "failed"
    assert record["error"] == "interrupted"
    assert record["videoId"] in emu.state.videos
    assert "Traceback" not in err
    last = err.splitlines()[-1]
    assert last == f"apivideo: interrupted; the same command continues the upload of {path}"
    emu.faults.clear()
    assert online("upload", path, *CHUNKED).code == 0
    assert len(emu.state.videos) == 1


@pytest.mark.slow
def test_resume_of_several_files_sends_none_of_them_twice(
    online: Cli, emu: Emulator, make_file: Make
) -> None:
    files = [make_file("a.mp4", 1000), make_file("b.mp4", 2000), make_file("c.mp4", 32 * MIB)]
    stall_after(emu, "videos.upload", 4)
    with online.start("upload", *files, *CHUNKED) as process:
        wait_for(lambda: sum(record.operation == "videos.upload" for record in emu.requests) == 6)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted at 2 of 3 files" in err
    assert sorted(line.split()[1] for line in out.splitlines()) == ["a.mp4", "b.mp4"]
    emu.faults.clear()
    result = online("upload", *files, *CHUNKED, "--json")
    assert result.code == 0, result
    assert "a.mp4: already uploaded by an earlier run, as vi" in result.err
    assert len(emu.state.videos) == 3
    assert [record["title"] for record in result.json] == ["a.mp4", "b.mp4", "c.mp4"]
    assert online("upload", files[0]).err.count("already uploaded") == 0, "the records are gone"


@pytest.mark.slow
def test_an_interrupt_while_waiting_keeps_the_video(cli: Cli, make_file: Make) -> None:
    path = make_file()
    with Emulator(api_key=KEY, encoding=1000).in_thread() as emu:
        cli.use(emu)
        with cli.start("upload", path, "--wait") as process:
            wait_for(
                lambda: sum(record.operation == "videos.get_status" for record in emu.requests) > 1
            )
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        [video_id] = emu.state.videos
        assert out.startswith(f"{video_id}\tmovie.mp4\thttp")
        assert err.splitlines()[-1] == "apivideo: interrupted while waiting; the upload is complete"
        again = cli("upload", path, "--wait", "--timeout", "0.1")
        assert again.out.startswith(f"{video_id}\t")
        assert list(emu.state.videos) == [video_id], "nothing is uploaded twice"


@pytest.mark.slow
def test_a_second_interrupt_quits_at_once(online: Cli, emu: Emulator) -> None:
    read, write = os.pipe()
    with online.start("upload", "-", stdin=read) as process:
        os.close(read)
        os.write(write, b"x")  # Without any byte, no video is created.
        wait_for(lambda: any(record.operation == "videos.create" for record in emu.requests))
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    os.close(write)
    assert process.returncode == 130
    assert "Traceback" not in err


@pytest.mark.slow
def test_an_interrupted_pipe_does_not_wait_for_input(online: Cli, emu: Emulator) -> None:
    read, write = os.pipe()
    with online.start("upload", "-", stdin=read) as process:
        os.close(read)
        os.write(write, b"x")  # Without any byte, no video is created.
        wait_for(lambda: any(record.operation == "videos.create" for record in emu.requests))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    os.close(write)
    assert process.returncode == 130
    assert (
        err.splitlines()[-1]
        == "apivideo: interrupted; an upload from a pipe cannot be continued, so start it again"
    )


def test_a_retry_is_shown_while_the_upload_waits(
    online: Cli, emu: Emulator, make_file: Make
) -> None:
    emu.faults.add(Fault("videos.upload", "status", status=503))
    result = online("upload", make_file())
    assert result.code == 0, result
    assert "trying again in" in result.err
