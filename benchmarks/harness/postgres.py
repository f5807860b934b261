"""A private PostgreSQL, as the tests have one."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .measuring import HERE


@contextmanager
def postgres() -> Iterator[str | None]:
    """Run a server until the end of the block; the address of an empty database, or None where none is installed."""
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
