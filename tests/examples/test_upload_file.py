"""`upload_file.py` uploads, waits, and tells how to go on after an error."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from apivideo_async.emulator import Emulator, Fault

MIB = 1024 * 1024

Load = Callable[[str], ModuleType]
MakeFile = Callable[[str, int], Path]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def only_video(emulator: Emulator) -> str:
    (video_id,) = emulator.state.videos
    return video_id


def test_a_file_is_uploaded_whole_and_its_player_is_printed(
    load: Load, emulator: Emulator, make_file: MakeFile, capsys: pytest.CaptureFixture[str]
) -> None:
    movie = make_file("movie.mp4", 21 * MIB)
    assert load("upload_file").main([str(movie), "--title", "My movie"]) == 0
    video_id = only_video(emulator)
    assert emulator.sha256(video_id) == digest(movie)
    assert emulator.state.videos[video_id].attributes["title"] == "My movie"
    printed = capsys.readouterr()
    assert printed.out.startswith("http")
    assert video_id in printed.out
    assert "100% of the file is there" in printed.err


def test_an_upload_that_ends_early_says_how_to_continue_and_does_so(
    load: Load, emulator: Emulator, make_file: MakeFile, capsys: pytest.CaptureFixture[str]
) -> None:
    movie = make_file("movie.mp4", 21 * MIB)
    emulator.faults.add(
        Fault("videos.upload", "status", nth=3, status=403, body={"title": "no more"})
    )
    upload_file = load("upload_file")
    assert upload_file.main([str(movie)]) == 1
    video_id = only_video(emulator)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "not uploaded: chunk" in printed.err
    assert f"{movie} --video-id {video_id}" in printed.err

    before = emulator.size(video_id)
    assert 0 < before < 21 * MIB
    emulator.requests.clear()
    assert upload_file.main([str(movie), "--video-id", video_id]) == 0
    assert only_video(emulator) == video_id
    assert emulator.sha256(video_id) == digest(movie)
    sent = sum(
        record.body_bytes for record in emulator.requests if record.operation == "videos.upload"
    )
    assert sent < 21 * MIB - before + 64 * 1024  # The rest, and the envelopes of its chunks.


@pytest.mark.parametrize(
    ("name", "complaint"), [("missing.mp4", "no such file"), ("empty.mp4", "0 bytes")]
)
def test_a_file_that_cannot_be_uploaded_is_named_before_anything_is_sent(
    load: Load,
    emulator: Emulator,
    make_file: MakeFile,
    capsys: pytest.CaptureFixture[str],
    name: str,
    complaint: str,
) -> None:
    path = make_file("empty.mp4", 0).with_name(name)
    assert load("upload_file").main([str(path)]) == 1
    printed = capsys.readouterr().err
    assert complaint in printed
    assert "--video-id" not in printed
    assert emulator.requests == []


def test_without_a_key_the_message_says_where_to_put_it(
    load: Load,
    emulator: Emulator,
    make_file: MakeFile,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("APIVIDEO_API_KEY")
    assert load("upload_file").main([str(make_file("movie.mp4", 1000))]) == 1
    assert "APIVIDEO_API_KEY" in capsys.readouterr().err
