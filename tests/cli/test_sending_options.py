"""``--mode``, ``--chunk-size`` and ``--concurrency`` mean the same in every command that sends."""

import itertools
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from apivideo_async import UploadLimits, UploadOptions
from apivideo_async.cli.app import app
from apivideo_async.cli.commands.distributed.commands import worker
from apivideo_async.cli.commands.ingest.command import ingest
from apivideo_async.cli.commands.options import items_and_upload
from apivideo_async.cli.commands.plan import command as plan
from apivideo_async.cli.commands.upload.command import command as upload
from apivideo_async.emulator import Emulator

from .conftest import KEY, Cli
from .test_distributed import connected, enter, item_of

__all__ = ["connected"]

Make = Callable[..., Path]
SMALL = 64 * 1024
PARTS = ("--mode", "part", "--chunk-size", "64KiB", "--smallest-chunk", "64KiB")


@pytest.fixture
def emu() -> Iterator[Emulator]:
    """An emulator with chunks scaled down."""
    with Emulator(api_key=KEY, min_chunk=SMALL).in_thread() as emulator:
        yield emulator


def described(command: click.Command, name: str) -> dict[str, Any]:
    [option] = [one for one in command.params if one.opts == [name]]
    return option.to_info_dict()


@pytest.mark.parametrize("name", ["--mode", "--chunk-size", "--concurrency", "--smallest-chunk"])
def test_the_options_of_all_commands_are_the_same(name: str) -> None:
    """Name, type, default and help text."""
    first = described(upload, name)
    for command in (ingest, worker):
        assert described(command, name) == first
    if name in ("--chunk-size", "--concurrency"):
        assert described(plan, name) == first


def test_the_options_for_items_are_the_same() -> None:
    assert described(worker, "--items") == described(ingest, "--items")


def test_former_spellings_are_accepted_and_hidden() -> None:
    context = click.Context(app)
    for command, name in ((ingest, "--chunks"), (ingest, "--smallest-chunk")):
        assert described(command, name)["hidden"]
        assert name not in command.get_help(context)


GIVEN = {
    "chunk_size": None,
    "concurrency": "auto",
    "mode": None,
    "smallest_chunk": None,
    "items": None,
}


@pytest.mark.parametrize(
    ("given", "items", "options"),
    [
        ({}, 16, {}),
        ({"concurrency": 4}, 4, {"concurrency": 4}),
        ({"concurrency": 16}, 16, {"concurrency": 16}),
        # An upper limit: streams would need a buffer for each chunk.
        ({"concurrency": 32}, 32, {"max_concurrency": 32}),
        ({"concurrency": 4, "items": 2}, 2, {"concurrency": 4}),
        ({"items": 2}, 2, {}),
        # Before ``--items`` existed, ``--concurrency`` counted items, and ``--chunks`` chunks.
        ({"chunks": None}, 16, {}),
        ({"chunks": 8}, 16, {"concurrency": 8}),
        ({"concurrency": 2, "chunks": 8}, 2, {"concurrency": 8}),
        ({"concurrency": 2, "chunks": "auto"}, 2, {}),
        ({"mode": "part", "chunk_size": 8 * 2**20}, 16, {"mode": "part", "chunk_size": 8 * 2**20}),
        ({"smallest_chunk": SMALL}, 16, {"limits": UploadLimits(smallest_chunk=SMALL)}),
    ],
)
def test_items_and_chunks_of_an_ingestion(
    given: dict[str, Any], items: int, options: dict[str, Any]
) -> None:
    values: dict[str, Any] = {**GIVEN, **given, "reserve": 0.5}
    assert items_and_upload(values) == (items, UploadOptions(**options))
    assert values == {"reserve": 0.5}


def test_the_former_name_is_not_mixed_with_the_new_ones() -> None:
    with pytest.raises(click.UsageError, match="--chunks is the former name of --concurrency"):
        items_and_upload({**GIVEN, "items": 2, "chunks": 8})


def sent(emu: Emulator) -> list[tuple[str | None, str | None]]:
    """The video and the content range of each upload request."""
    return [
        (record.video_id, record.content_range)
        for record in emu.requests
        if record.operation == "videos.upload"
    ]


@pytest.mark.parametrize("command", ["upload", "ingest"])
def test_one_chunk_of_a_file_is_in_flight(
    online: Cli, emu: Emulator, make_file: Make, command: str
) -> None:
    """The parts of each file arrive in order; an ingestion also has one item in progress."""
    files = [make_file(name, 3 * SMALL) for name in ("a.mp4", "b.mp4")]
    result = online(command, *files, *PARTS, "--concurrency", "1")
    assert result.code == 0, result
    requests = sent(emu)
    if command == "upload":
        # Two files are sent at once.
        requests.sort(key=lambda one: one[0] or "")
    assert [found for _, found in requests] == ["part 1/3", "part 2/3", "part 3/3"] * 2
    assert len([video for video, _ in itertools.groupby(requests, lambda one: one[0])]) == 2


@pytest.mark.slow
def test_a_worker_sends_chunks_as_it_is_told(
    connected: Cli, emu: Emulator, make_file: Make
) -> None:
    connected("distributed", "init")
    enter(connected, [item_of(make_file(name, 3 * SMALL)) for name in ("a.mp4", "b.mp4")])
    with connected.start("distributed", "worker", *PARTS, "--concurrency", "1") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert all(lines)
    assert [found for _, found in sent(emu)] == ["part 1/3", "part 2/3", "part 3/3"] * 2
