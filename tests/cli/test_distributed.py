"""``apivideo distributed``, with a real database."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from attrs import evolve

from apivideo_async.distributed import defer_ingest
from apivideo_async.emulator import Emulator
from apivideo_async.ingest.items import Item

from .conftest import Cli

PASSWORD = "hunter-two"


@pytest.fixture
def connected(online: Cli, postgres_dsn: str) -> Cli:
    online.env["APIVIDEO_DATABASE_URL"] = postgres_dsn.replace("apivideo@", f"apivideo:{PASSWORD}@")
    return online


def item_of(path: Path) -> Item:
    return Item(key=f"key of {path.name}", uri=str(path), size=path.stat().st_size)


def test_the_tables_are_made_once_and_again(connected: Cli) -> None:
    for _ in range(2):
        assert connected("distributed", "init").out == "the database is ready\n"
    assert connected("distributed", "status", "--json").json == {
        "items": 0,
        "states": {},
        "sent": 0,
        "jobs": {"waiting": 0, "running": 0},
        "liveWorkers": 0,
        "workers": [],
    }


def test_a_worker_prints_what_it_finished_and_ends_with_a_signal(
    connected: Cli, make_file: Callable[..., Path], emu: Emulator
) -> None:
    connected("distributed", "init")
    good, bad = make_file("good.mp4", 1_000), make_file("bad.mp4", 1_000)
    # Without a size, nobody has seen the second file.
    enter(connected, [item_of(good), evolve(item_of(bad), size=None)])
    bad.unlink()
    with connected.start("distributed", "worker", "--concurrency", "1") as worker:
        assert worker.stdout is not None
        assert worker.stderr is not None
        video_id, uri = worker.stdout.readline().rstrip("\n").split("\t")
        line = worker.stderr.readline()
        worker.send_signal(signal.SIGTERM)
        out, err = worker.communicate(timeout=30)
    assert (worker.returncode, out) == (0, "")
    assert err == "SIGTERM: items in progress have 60 s to finish\n"
    assert uri == str(good)
    assert emu.media(video_id).complete
    assert line.startswith(str(bad))
    status = connected("distributed", "status")
    assert "done" in status.out
    assert "failed" in status.out
    assert connected("distributed", "retry").out == "1 items enqueued again\n"


def enter(cli: Cli, items: list[Item]) -> None:
    asyncio.run(defer_ingest(items, dsn=cli.env["APIVIDEO_DATABASE_URL"]))


@pytest.mark.parametrize(
    "command", ["init", "enqueue x", "worker", "status", "retry", "report x.html"]
)
def test_a_database_must_be_named(online: Cli, command: str) -> None:
    result = online("distributed", *command.split())
    assert result.code == 2
    assert "set APIVIDEO_DATABASE_URL or give --database" in result.error_line


@pytest.mark.parametrize("command", ["init", "worker", "status", "retry", "report x.html"])
@pytest.mark.parametrize(
    "address", ["postgresql://me:{}@127.0.0.1:1/name", "postgresql:me:{}@127.0.0.1:1/name"]
)
def test_an_unreachable_database_is_reported_without_the_password(
    online: Cli, command: str, address: str
) -> None:
    result = online("distributed", *command.split(), "--database", address.format(PASSWORD))
    assert result.code == 1
    assert PASSWORD not in result.out + result.err
    assert "database" in result.error_line


@pytest.mark.slow
@pytest.mark.parametrize(
    "address", ["postgresql://me:{}@127.0.0.1:1/name", "postgresql:me:{}@127.0.0.1:1/name"]
)
def test_not_even_a_traceback_shows_the_password(online: Cli, address: str) -> None:
    command = ["--debug", "distributed", "status", "--database", address.format(PASSWORD)]
    with online.start(*command) as process:
        out, err = process.communicate(timeout=30)
    assert "Traceback" in err
    assert PASSWORD not in out + err


@pytest.mark.parametrize("command", ["worker", "status", "retry"])
def test_a_database_without_tables_says_what_to_do(connected: Cli, command: str) -> None:
    assert "run `apivideo distributed init` first" in connected("distributed", command).error_line


def test_a_worker_needs_a_key(connected: Cli) -> None:
    del connected.env["APIVIDEO_API_KEY"]
    result = connected("distributed", "worker")
    assert result.code == 2
    assert "no API key" in result.error_line


def test_nothing_to_enqueue_is_wrong_usage(connected: Cli) -> None:
    result = connected("distributed", "enqueue")
    assert result.code == 2
    assert "name a SOURCE or a --manifest" in result.error_line


def test_without_the_packages_one_line_says_which(cli: Cli, tmp_path: Path) -> None:
    script = tmp_path / "without.py"
    script.write_text(
        "import sys\n"
        "sys.modules['psycopg'] = None\n"
        "from apivideo_async.cli.app import run\n"
        "sys.exit(run(['distributed', 'status', '--database', 'postgresql://x']))\n"
    )
    found = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=cli.env, check=False
    )
    assert found.returncode == 1
    assert found.stderr == (
        "apivideo: ingestion on many machines needs more packages: "
        "pip install 'apivideo-async[distributed]'\n"
    )


def test_tables_of_an_earlier_layout_are_migrated(connected: Cli) -> None:
    connected("distributed", "init")
    assert connected("distributed", "migrate").out == "the database has the present layout\n"
    dsn = connected.env["APIVIDEO_DATABASE_URL"]
    with psycopg.connect(dsn) as database:
        database.execute("UPDATE apivideo_ingest_meta SET value = '1' WHERE name = 'schema'")
        database.execute("ALTER TABLE apivideo_ingest_items DROP COLUMN sample")
        database.execute("DROP TABLE apivideo_ingest_aliases")
    for command in ("init", "status"):
        refused = connected("distributed", command)
        assert refused.code == 1
        assert "run `apivideo distributed migrate`" in refused.error_line
    assert connected("distributed", "migrate").out == (
        "the database was changed from the layout 1\n"
    )
    assert connected("distributed", "status").code == 0
