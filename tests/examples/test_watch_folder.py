"""`watch_folder.py` as a process: each complete file becomes one video, despite interruptions."""

import asyncio
import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator, Fault

from .processes import EXAMPLES, running

MIB = 1024 * 1024
SETTLE = 1.0

MakeFile = Callable[[str, int], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "incoming"
    made.mkdir()
    return made


def command(folder: Path) -> tuple[str | Path, ...]:
    return (EXAMPLES / "watch_folder.py", folder, "--settle", str(SETTLE))


def contents(emulator: Emulator) -> dict[str, str]:
    """The videos: SHA-256 by title."""
    return {
        video.attributes["title"]: emulator.sha256(video_id)
        for video_id, video in emulator.state.videos.items()
    }


def accepted(emulator: Emulator) -> list[str | None]:
    """The chunks that the emulator took."""
    uploads = [record for record in emulator.requests if record.operation == "videos.upload"]
    return [record.content_range for record in uploads if record.status == 201]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
async def test_files_become_videos_when_they_are_complete_and_partial_ones_never_do(
    emulator: Emulator, folder: Path, make_file: MakeFile
) -> None:
    os.replace(make_file("there.mp4", 1000), folder / "there.mp4")
    (folder / "copying.mp4.part").write_bytes(b"half of it")
    async with running(*command(folder)) as watching:
        await watching.says(r"there\.mp4: vi")
        with (folder / "slow.mp4").open("wb", buffering=0) as slow:
            for _ in range(15):
                slow.write(os.urandom(1000))
                assert "slow.mp4" not in watching.said
                await asyncio.sleep(SETTLE / 10)
        os.replace(make_file("moved.mp4", 2000), folder / "moved.mp4")
        (folder / "below").mkdir()
        os.replace(make_file("deep.mp4", 3000), folder / "below" / "deep.mp4")
        for name in ("slow", "moved", "deep"):
            await watching.says(rf"{name}\.mp4: vi")
        os.replace(folder / "copying.mp4.part", folder / "copied.mp4")
        found = await watching.says(r"copied\.mp4: (vi\w+)")
        assert found[1] in emulator.state.videos
        assert watching.said.count("slow.mp4") == 1
        assert await watching.end() == 130
        assert watching.said.endswith("interrupted: the same command goes on\n")
    assert contents(emulator) == {path.name: digest(path) for path in folder.rglob("*.mp4")}
    assert len(emulator.state.videos) == 5


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_the_same_command_goes_on_in_the_middle_of_a_file(
    emulator: Emulator, folder: Path, make_file: MakeFile, number: signal.Signals
) -> None:
    movie = folder / "movie.mp4"
    os.replace(make_file("movie.mp4", 30 * MIB), movie)
    emulator.faults.add(Fault("videos.upload", "status", status=503, nth=3, times=None))
    async with running(*command(folder)) as watching:
        async with asyncio.timeout(60):
            while not accepted(emulator):
                await asyncio.sleep(0.01)
        await watching.end(number)
    before = accepted(emulator)
    emulator.faults.clear()
    async with running(*command(folder)) as watching:
        await watching.says(r"movie\.mp4: vi")
    assert contents(emulator) == {"movie.mp4": digest(movie)}
    after = accepted(emulator)
    assert len(before) < 4 == len(after) == len(set(after)), "a chunk that was there was sent again"


async def test_what_cannot_be_a_video_is_told_and_stops_nothing(
    emulator: Emulator, folder: Path, make_file: MakeFile
) -> None:
    (folder / "empty.mp4").touch()
    async with running(*command(folder)) as watching:
        await watching.says(r"empty\.mp4: .*0 bytes|empty\.mp4: .*empty")
        os.replace(make_file("good.mp4", 1000), folder / "good.mp4")
        await watching.says(r"good\.mp4: vi")
    assert list(contents(emulator)) == ["good.mp4"]


@pytest.mark.slow
async def test_a_folder_that_is_missing_is_one_line(emulator: Emulator, folder: Path) -> None:
    async with running(*command(folder / "missing")) as watching:
        assert await watching.ended() == 1
        assert watching.said.startswith("failed: ")
        assert len(watching.said.splitlines()) == 1
