"""``apivideo ingest`` from a bucket: the uploaded videos, and the messages of errors."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.emulator import Emulator
from tests.cli.conftest import KEY, Cli

from .conftest import BUCKET


@pytest.fixture
def served() -> Iterator[Emulator]:
    with Emulator(api_key=KEY).in_thread() as emulator:
        yield emulator


@pytest.fixture
def cli(s3: Any, served: Emulator, tmp_path: Path) -> Cli:
    """The fixture ``s3`` sets the environment of the store first."""
    return Cli(tmp_path).use(served)


def test_objects_of_a_prefix_become_videos(cli: Cli, s3: Any, served: Emulator) -> None:
    for number in range(3):
        s3.put_object(Bucket=BUCKET, Key=f"in/{number}.mp4", Body=b"%d" % number)
    for strategy in ("stream", "auto"):
        result = cli("ingest", f"s3://{BUCKET}/in/", "--dry-run", "--json", "--strategy", strategy)
        assert result.code == 0, result
        assert (
            result.json["new"],
            result.json["pull"]["uploads"],
            result.json["pull"]["writes"],
        ) == (3, 0, 3)
    planned = cli("plan", f"s3://{BUCKET}/in/", "--json").json
    assert (planned["sources"], planned["stream"]["uploads"], planned["pull"]["uploads"]) == (
        3,
        3,
        0,
    )
    assert served.requests == []
    result = cli("ingest", f"s3://{BUCKET}/in/", "--json")
    assert result.code == 0, result
    assert result.json["states"] == {"done": {"items": 3, "bytes": 3}}
    digests = {served.sha256(video_id) for video_id in served.state.videos}
    assert digests == {hashlib.sha256(b"%d" % number).hexdigest() for number in range(3)}


def test_a_bucket_that_does_not_exist_is_one_line(cli: Cli, served: Emulator) -> None:
    result = cli("ingest", "s3://no-such-bucket/in/")
    assert result.code == 1
    assert "no-such-bucket" in result.error_line
    assert not served.state.videos


def test_missing_credentials_are_one_line(cli: Cli, served: Emulator) -> None:
    for name in [name for name in cli.env if name.startswith("AWS_") and "ENDPOINT" not in name]:
        del cli.env[name]
    cli.env |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_METADATA_ENDPOINT": "http://127.0.0.1:1"}
    result = cli("ingest", f"s3://{BUCKET}/in/")
    assert result.code == 1
    assert "credentials" in result.error_line
    assert not served.state.videos


def test_a_key_that_cannot_be_read_is_named_and_counted_and_the_others_are_ingested(
    cli: Cli, s3: Any, served: Emulator
) -> None:
    for key in ("in/1.mp4", "in//2.mp4", "in/3.mp4"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    result = cli("ingest", f"s3://{BUCKET}/in/")
    assert result.code == 0, result
    assert f"note: s3://{BUCKET}/in//2.mp4 is left out: its key has an empty part" in result.err
    assert result.out.startswith("2 of 2 items done; 2 in this run, ")
    assert "; 1 left out, see the notes above" in result.out
    assert cli("ingest", f"s3://{BUCKET}/in/", "--json").json["now"]["leftOut"] == 1
    assert "in//2.mp4 is left out" in cli("plan", f"s3://{BUCKET}/in/").err
