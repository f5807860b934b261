"""`upload_many.py` uploads a few files at a time and finishes whatever happens to one of them."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from apivideo_async.emulator import Emulator, Fault

MIB = 1024 * 1024

Load = Callable[[str], ModuleType]
MakeFile = Callable[[str, int], Path]


def digests(emulator: Emulator) -> dict[str, str]:
    return {
        str(video.attributes["title"]): emulator.sha256(key)
        for key, video in emulator.state.videos.items()
    }


def test_one_failure_never_stops_the_others(
    load: Load, emulator: Emulator, make_file: MakeFile, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [make_file(f"{number}.mp4", 200_000 + number) for number in range(8)]
    missing = files[0].with_name("missing.mp4")
    arguments = [str(path) for path in [*files[:3], missing, *files[3:]]]
    assert load("upload_many").main(["--parallel", "3", *arguments]) == 1
    assert digests(emulator) == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
    printed = capsys.readouterr()
    assert "8 uploaded, 1 failed" in printed.out
    assert f"again: {missing}" in printed.err


async def test_never_more_files_in_flight_than_asked_for(
    load: Load, emulator: Emulator, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_many = load("upload_many")
    running = most = 0

    class Counting(upload_many.ApiVideoClient):  # type: ignore[name-defined, misc]
        async def upload(self, *given: object, **options: object) -> object:
            nonlocal running, most
            running += 1
            most = max(most, running)
            try:
                return await super().upload(*given, **options)
            finally:
                running -= 1

    files = [str(make_file(f"{number}.mp4", 50_000)) for number in range(9)]
    async with Counting() as client:
        outcomes = await upload_many.upload_all(client, files, 3)
    assert most == 3
    assert set(outcomes) == set(files)


def test_a_second_run_sends_only_what_is_missing(
    load: Load, emulator: Emulator, make_file: MakeFile, capsys: pytest.CaptureFixture[str]
) -> None:
    movie = make_file("movie.mp4", 16 * MIB)
    emulator.faults.add(
        Fault("videos.upload", "status", nth=2, status=403, body={"title": "no more"})
    )
    upload_many = load("upload_many")
    assert upload_many.main([str(movie)]) == 1
    (video_id,) = emulator.state.videos
    before = emulator.size(video_id)
    emulator.requests.clear()
    assert upload_many.main([str(movie)]) == 0
    assert list(emulator.state.videos) == [video_id]
    assert emulator.sha256(video_id) == hashlib.sha256(movie.read_bytes()).hexdigest()
    sent = sum(
        record.body_bytes for record in emulator.requests if record.operation == "videos.upload"
    )
    assert sent < 16 * MIB - before + 64 * 1024
    assert "1 uploaded, 0 failed" in capsys.readouterr().out
