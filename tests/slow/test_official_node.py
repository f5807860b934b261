"""The vendor's unmodified Node client calls all of its operations (`official_node.cjs`)."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apivideo_async.emulator import Emulator, Play
from apivideo_async.emulator.routes import OPERATIONS

pytestmark = pytest.mark.slow

PACKAGE = "@api.video/nodejs-client@2.6.8"
SCRIPT = Path(__file__).with_name("official_node.cjs")
MIB = 1024 * 1024
NOT_IN_THE_CLIENT = {
    "account.get",
    "analytics.list_video_sessions",
    "analytics.list_live_stream_sessions",
    "analytics.list_session_events",
    "auth.refresh",
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(video_restore=True).in_thread() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Install the client into a folder of this test; skip where that cannot be done."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm and node are not installed")
    (tmp_path / "package.json").write_text("{}")
    arguments = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        "--fetch-retries=1",
        PACKAGE,
    ]
    try:
        done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm needs too long to install {PACKAGE}")
    if done.returncode:
        pytest.skip(f"npm cannot install {PACKAGE}: {done.stderr.strip()[-300:]}")
    return tmp_path


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_every_operation(emulator: Emulator, folder: Path) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    emulator.add_plays(*(Play(media_id="vi1", at=at, country=land) for land in ("FR", "US", "DE")))
    arguments = ["node", str(SCRIPT), emulator.url, emulator.api_key, "vi1"]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    big, one, two = b"b" * 12 * MIB, b"1" * 6 * MIB, b"2" * MIB
    assert emulator.sha256(seen.pop("chunked")) == digest(big)
    assert emulator.sha256(seen.pop("progressive")) == digest(one, two)
    assert emulator.sha256(seen.pop("delegated")) == digest(b"s" * 1000)
    assert emulator.sha256(seen.pop("delegatedProgressive")) == digest(one, two)
    assert sorted(set(seen.pop("progress"))) == [0, 1, 2], "the numbers of its chunks"
    assert seen == EXPECTED

    used = {
        record.operation
        for record in emulator.requests
        if record.status is not None and record.status < 300
    }
    served = {
        operation.name
        for operation in OPERATIONS
        if operation.rate is not None or "auth" in operation.name
    }
    assert served - used == NOT_IN_THE_CLIENT
    ranges = [
        record.content_range for record in emulator.requests if record.operation == "videos.upload"
    ]
    assert ranges == [None, "part 1/3", "part 2/3", "part 3/3", "part 1/*", "part 2/2"]
    lost = [video_id for video_id in emulator.state.videos if not emulator.media(video_id).complete]
    assert len(lost) == 3, (
        "a bug of the client: each chunk of a delegated file begins a video of its own"
    )


EXPECTED = {
    "uploaded": True,
    "title": "Maths 2",
    "playable": True,
    "listed": [True],
    "empty": "empty.mp4 is empty",
    "caption": "English",
    "default": True,
    "captions": 1,
    "chapter": "fr",
    "chapters": 1,
    "restreams": [],
    "live": 1,
    "logo": "https://a.test",
    "loop": True,
    "watermarks": 1,
    "tags": [["b c", 1]],
    "summaries": 1,
    "takeaways": ["one"],
    "secret": True,
    "webhooks": 1,
    "plays": 2,
    "countries": [["FR", 1], ["US", 1]],
    "series": [3],
    "discarded": [True],
    "restored": False,
}
