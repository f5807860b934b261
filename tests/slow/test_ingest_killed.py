"""An ingestion that is killed at twenty moments creates exactly one video for each source."""

import hashlib
import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.emulator import Emulator
from tests.cli.conftest import KEY, Cli
from tests.conftest import CHUNK
from tests.s3 import BUCKET

pytestmark = pytest.mark.slow

FILES = 2_000
OBJECTS = 500
KILLS = 20


def sizes(seed: random.Random, count: int) -> Iterator[int]:
    """Mostly small files; some have several chunks, and the limits in between are there, too."""
    yield from (1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK)
    for _ in range(count - 5):
        yield (
            seed.randrange(CHUNK, 16 * CHUNK)
            if seed.random() < 0.06
            else seed.randrange(1, CHUNK // 4)
        )


def contents(seed: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """Names in some folders, and what is in them."""
    for number, size in enumerate(sizes(seed, count)):
        yield f"{number % 7}/{number}.mp4", seed.randbytes(size)


def run_until(
    cli: Cli, emu: Emulator, arguments: list[str | Path], requests: int, pause: float
) -> bool:
    """Kill it ``pause`` seconds after so many requests; False when it has ended before."""
    with cli.start(*arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while len(emu.requests) < requests and process.poll() is None:
            time.sleep(0.001)
        time.sleep(pause)
        ended = process.poll() is not None
        process.kill()
    return not ended


def kill_and_finish(
    tmp_path: Path, source: str, digests: dict[str, str], seed: random.Random
) -> None:
    """A run without interruptions takes four requests a source: list, create, status and upload."""
    with Emulator(api_key=KEY, min_chunk=CHUNK).in_thread() as emu:
        cli = Cli(tmp_path).use(emu)
        arguments: list[str | Path] = ["ingest", source, "--smallest-chunk", str(CHUNK), "--jsonl"]
        moments = sorted(
            seed.randrange(0, 4 * len(digests) - len(digests) // 4) for _ in range(KILLS)
        )
        killed = sum(run_until(cli, emu, arguments, at, seed.random() * 0.05) for at in moments)
        assert killed == KILLS
        result = cli.process(*arguments)
        assert result.code == 0, result
        assert f"{len(digests):,} of {len(digests):,} items done" in result.err
        check(emu, digests)
        again = len(emu.requests)
        assert cli.process(*arguments).code == 0
        assert len(emu.requests) - again <= 2, "the token and one look: nothing is left to do"


def test_a_process_killed_at_any_moment_makes_exactly_one_video_of_each_file(
    tmp_path: Path,
) -> None:
    seed, digests = random.Random(1), {}
    for name, data in contents(seed, FILES):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        digests[path.name] = hashlib.sha256(data).hexdigest()
    kill_and_finish(tmp_path, "videos", digests, seed)


def test_a_process_killed_at_any_moment_makes_exactly_one_video_of_each_object(
    tmp_path: Path, s3: Any
) -> None:
    seed, digests = random.Random(2), {}
    for name, data in contents(seed, OBJECTS):
        s3.put_object(Bucket=BUCKET, Key=f"videos/{name}", Body=data)
        digests[name.rpartition("/")[2]] = hashlib.sha256(data).hexdigest()
    kill_and_finish(tmp_path, f"s3://{BUCKET}/videos/", digests, seed)


def check(emu: Emulator, digests: dict[str, str]) -> None:
    """The invariants, read from what the server holds and from its log."""
    videos = emu.state.videos
    assert len(videos) == len(digests), "a source without a video, with two, or an orphan container"
    assert {
        video.attributes["title"]: emu.sha256(video_id) for video_id, video in videos.items()
    } == digests
    assert all(emu.media(video_id).complete for video_id in videos)
    sent = Counter(
        (record.video_id, record.content_range)
        for record in emu.requests
        if record.operation == "videos.upload" and record.status == 201
    )
    assert [each for each, times in sent.items() if times > 1] == [], (
        "an accepted chunk was sent again"
    )
    refused = Counter(
        (record.operation, record.status) for record in emu.requests if (record.status or 0) >= 400
    )
    assert not refused, "nothing was asked for that the server had to refuse"
