"""``apivideo distributed`` with sources as users name them, a worker, and the report."""

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from apivideo_async.emulator import Emulator

from .conftest import Cli


@pytest.fixture
def connected(online: Cli, postgres_dsn: str) -> Cli:
    online.env["APIVIDEO_DATABASE_URL"] = postgres_dsn
    online("distributed", "init")
    return online


def test_folders_and_manifests_are_enqueued_once_with_their_strategy(
    connected: Cli, make_file: Callable[..., Path]
) -> None:
    movie = make_file("movie.mp4")
    manifest = movie.with_name("list.jsonl")
    manifest.write_text('{"uri": "https://films.example/a.mp4", "title": "A"}\n')
    assert connected("distributed", "enqueue", movie.parent).out == "1 items, 1 of them new\n"
    again = connected("distributed", "enqueue", "--manifest", manifest, "--strategy", "pull", movie)
    assert again.out == "2 items, 1 of them new\n"
    with psycopg.connect(connected.env["APIVIDEO_DATABASE_URL"]) as database:
        rows = database.execute(
            "SELECT strategy FROM apivideo_ingest_items ORDER BY number"
        ).fetchall()
    assert rows == [("stream",), ("pull",)]


def test_a_missing_source_is_reported_in_one_line(connected: Cli) -> None:
    result = connected("distributed", "enqueue", "nothing.mp4")
    assert result.code != 0
    assert "no such file" in result.err


@pytest.mark.slow
def test_a_worker_keeps_the_budget_with_the_others_and_the_report_shows_it(
    connected: Cli, make_file: Callable[..., Path], emu: Emulator
) -> None:
    assert connected("distributed", "enqueue", make_file("movie.mp4")).code == 0
    with connected.start("distributed", "worker") as worker:
        assert worker.stdout is not None
        video_id, _ = worker.stdout.readline().split("\t")
        with psycopg.connect(connected.env["APIVIDEO_DATABASE_URL"]) as database:
            lanes = database.execute("SELECT name FROM apivideo_ingest_budget").fetchall()
        worker.terminate()
        assert worker.wait(30) == 0
    assert lanes, "requests were made without asking what the other workers make"
    assert emu.media(video_id).complete
    for name in ("report.html", "report.json", "report.csv"):
        assert connected("distributed", "report", name).out == f"{name}\n"
    assert (
        json.loads((connected.folder / "report.json").read_text())["states"]["done"]["items"] == 1
    )
    assert connected("distributed", "report", "report.txt").code == 2
