"""A private PostgreSQL server, the same as in the tests."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .measuring import HERE


@contextmanager
def postgres() -> Iterator[str | None]:
    """Run a server for the block and yield the address of an empty database.

    None is yielded if PostgreSQL is not installed.
    """
    sys.path.append(str(HERE.parent))
    from tests.postgres_server import PostgresServer, programs

    if programs() is None:
        yield None
        return
    server = PostgresServer(os.getpid())
    try:
        server.start()
        with server.database() as dsn:
            yield dsn
    finally:
        server.close()
