"""SIGTERM drains: items in progress finish, or are given back after ``--drain`` seconds."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apivideo_async.emulator import Emulator, Fault

from .conftest import Cli, Process

HELD = 6.0
"""Seconds for which the first upload is held."""


def hold(emu: Emulator, seconds: float = HELD) -> None:
    emu.faults.add(Fault("videos.upload", "delay", times=1, seconds=seconds))


def wait_until_held(emu: Emulator) -> None:
    """Wait until the upload of the first item has arrived."""
    deadline = time.monotonic() + 60
    while not any(record.operation == "videos.upload" for record in emu.requests):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def items(make_file: Callable[..., Path]) -> list[Path]:
    return [make_file(f"{number}.mp4", 2_000 + number) for number in range(3)]


@pytest.fixture
def worker(online: Cli, postgres_dsn: str, items: list[Path]) -> Iterator[Callable[..., Process]]:
    online.env["APIVIDEO_DATABASE_URL"] = postgres_dsn
    online("distributed", "init")
    online("distributed", "enqueue", *items)
    started: list[Process] = []

    def start(*options: str) -> Process:
        started.append(online.start("distributed", "worker", "--items", "1", *options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def states(online: Cli, *command: str) -> dict[str, int]:
    document: Any = online(*command, "status", "--json").json
    return {state: each["items"] for state, each in document["states"].items()}


def test_a_worker_finishes_its_item_and_begins_no_other(
    online: Cli, emu: Emulator, worker: Callable[..., Process]
) -> None:
    hold(emu)
    process = worker()
    wait_until_held(emu)
    status = online("distributed", "status", "--json").json
    assert status["liveWorkers"] == 1
    assert [each["items"] for each in status["workers"]] == [1]
    assert f":{process.pid}:" in status["workers"][0]["name"]
    assert "1 live" in online("distributed", "status").out
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(out.splitlines()) == 1
    assert "items in progress have 60 s to finish" in err
    assert states(online, "distributed") == {"done": 1, "new": 2}
    # The job is in the queue again, so another worker continues at once.
    assert online("distributed", "status", "--json").json["jobs"]["waiting"] == 1


def test_a_worker_gives_its_item_back_after_the_time(
    online: Cli, emu: Emulator, worker: Callable[..., Process]
) -> None:
    hold(emu, 60)
    process = worker("--drain", "0.2")
    wait_until_held(emu)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[0] == ""
    assert process.returncode == 0
    assert states(online, "distributed") == {"uploading": 1, "new": 2}
    assert online("distributed", "status", "--json").json["jobs"]["waiting"] == 1


def test_an_idle_worker_ends_at_once(worker: Callable[..., Process]) -> None:
    process = worker()
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_an_ingestion_finishes_its_item_and_says_that_others_are_open(
    online: Cli, emu: Emulator, items: list[Path]
) -> None:
    hold(emu)
    with online.start("ingest", *items, "--items", "1", "--ledger", "x.db") as process:
        wait_until_held(emu)
        ledger = online.folder / "x.db"
        [worker] = online("ingest", "status", "--ledger", ledger, "--json").json["workers"]
        assert worker["items"] == 1
        assert f"worker {worker['name']}" in online("ingest", "status", "--ledger", ledger).out
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "1 of 3 items done" in out
    assert online("ingest", *items, "--ledger", ledger).code == 0
    creations = [each for each in emu.requests if each.operation == "videos.create"]
    assert len(creations) == 3


def test_a_second_signal_ends_the_drain(online: Cli, emu: Emulator, items: list[Path]) -> None:
    hold(emu, 60)
    with online.start("ingest", items[0], "--ledger", "x.db") as process:
        wait_until_held(emu)
        assert process.stderr is not None
        process.send_signal(signal.SIGTERM)
        while "SIGTERM" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 143


def test_an_ingestion_gives_its_items_back_after_the_time(
    online: Cli, emu: Emulator, items: list[Path]
) -> None:
    hold(emu, 60)
    command = ("ingest", *items, "--items", "1", "--ledger", "x.db", "--drain", "0")
    with online.start(*command) as process:
        wait_until_held(emu)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 143
