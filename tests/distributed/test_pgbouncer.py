"""Workers behind pgbouncer in transaction mode, and through a failover to a read-only server."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from apivideo_async.distributed import Distributed, init_database
from apivideo_async.emulator import Emulator
from tests.conftest import sha256
from tests.postgres import PostgresServer

from .conftest import files, make_worker, until, working

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SETTINGS = """[databases]
* = host={host} port={server} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
async def bouncer_dsn(postgres_dsn: str) -> AsyncIterator[str]:
    """The address of the database behind pgbouncer, with fewer connections than its clients."""
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed")
    server, port = urlsplit(postgres_dsn), free_port()
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "pgbouncer.ini")
        settings.write_text(
            SETTINGS.format(
                host=server.hostname, server=server.port, user=server.username, port=port
            )
        )
        settings.chmod(0o644)
        Path(folder).chmod(0o755)
        # pgbouncer refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        with subprocess.Popen([PGBOUNCER, "-q", str(settings)], user=user) as process:
            try:
                await until(lambda: listens(port) or process.poll() is not None)
                yield server._replace(netloc=f"{server.username}@127.0.0.1:{port}").geturl()
            finally:
                process.terminate()


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def test_workers_behind_pgbouncer_ingest_every_item_once(
    emu: Emulator, bouncer_dsn: str, tmp_path: Path
) -> None:
    """Statements of one client run on several server connections, so none may be prepared."""
    items = files(tmp_path, 30)
    await init_database(bouncer_dsn)
    async with Distributed(bouncer_dsn) as shared:
        await shared.defer_ingest(items)

        async def done() -> bool:
            return (await shared.totals()).count("done") == len(items)

        async with working(*(make_worker(emu, bouncer_dsn) for _ in range(2))) as running:
            await until(lambda: done_or_ended(done, running))
        records = [record async for record in shared.ledger.records()]
    assert {record.state for record in records} == {"done"}
    assert set(emu.state.videos) == {record.video_id for record in records}
    assert len(emu.state.videos) == len(items)


async def done_or_ended(done: object, running: list["asyncio.Task[None]"]) -> bool:
    return any(task.done() for task in running) or await done()  # type: ignore[operator,no-any-return]


@pytest.mark.slow
async def test_a_worker_waits_while_the_database_is_read_only(
    emu: Emulator, own_postgres: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After a failover, the address leads to a standby until it is promoted."""
    dsn = own_postgres.dsn()
    await init_database(dsn)

    def set_read_only(value: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
            connection.execute("SELECT pg_reload_conf()")

    async with (
        Distributed(dsn, outage_timeout=30.0) as shared,
        working(make_worker(emu, dsn, outage_timeout=30.0)) as [running],
    ):
        items = files(tmp_path, 6)
        await shared.defer_ingest(items[:3])
        await asyncio.to_thread(set_read_only, "on")
        await until(lambda: "read-only transaction" in caplog.text)
        await asyncio.sleep(2.0)
        assert not running.done()
        await asyncio.to_thread(set_read_only, "off")
        await shared.defer_ingest(items[3:])

        async def done() -> bool:
            return (await shared.totals()).count("done") == len(items)

        await until(lambda: done_or_ended(done, [running]))
        records = [record async for record in shared.ledger.records()]
    assert {record.state for record in records} == {"done"}
    contents = sorted(emu.sha256(video) for video in emu.state.videos)
    assert contents == sorted(sha256(Path(item.uri).read_bytes()) for item in items)
