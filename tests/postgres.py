"""A PostgreSQL for the tests: private, on loopback, and gone when the tests are.

``postgres_dsn`` is the address of a new, empty database. All workers of a test run share the
server, which the first test starts. ``own_postgres`` is a server for one test, which may stop it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .postgres_server import PostgresServer, programs

__all__ = ["PostgresServer"]

RUN = "APIVIDEO_TEST_RUN"
"""In the environment: the process that all of a test run belongs to."""
_started: "list[PostgresServer]" = []
"""Servers that this process started. A collected ``Popen`` of a running process is a warning."""


def installed() -> None:
    if programs() is not None:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        pytest.fail("PostgreSQL is not installed, and can be: make postgres")
    pytest.skip("PostgreSQL is not installed, and cannot be from here: apt-get install postgresql")


def pytest_configure() -> None:
    """Name the test run. Called first in the starting process, then in each worker."""
    os.environ.setdefault(RUN, str(os.getpid()))


def pytest_unconfigure() -> None:
    """Without workers nobody else uses the server any more; a worker leaves it to its keeper."""
    alone = os.environ[RUN] == str(os.getpid())
    while _started:
        server = _started.pop()
        server.close() if alone else server.leave()


def shared_server(run: int) -> PostgresServer:
    """Start the server of this run, unless another worker has."""
    folder = Path(tempfile.gettempdir()) / f"apivideo-postgres-of-{run}"
    folder.mkdir(exist_ok=True)
    with (folder / "port").open("a+") as shared:
        fcntl.flock(shared, fcntl.LOCK_EX)
        shared.seek(0)
        if known := shared.read():
            return PostgresServer(run, folder, int(known))
        server = PostgresServer(run, folder)
        server.start()
        _started.append(server)
        shared.write(str(server.port))
        return server


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """The server that the whole test run shares: never stop it."""
    installed()
    return shared_server(int(os.environ[RUN]))


@pytest.fixture
def postgres_dsn(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a fresh, empty database."""
    with postgres_server.database() as dsn:
        yield dsn


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server of this test alone, which may ``stop()`` and ``start()`` it."""
    installed()
    server = PostgresServer(os.getpid())
    try:
        server.start()
        yield server
    finally:
        server.close()
