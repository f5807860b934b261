"""The database of the tests: fresh for each, and real."""

import psycopg
import pytest

from tests.postgres import PostgresServer


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_an_empty_database(postgres_dsn: str, turn: int) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("CREATE TABLE found (turn int)")


@pytest.mark.slow
def test_a_server_that_is_stopped_keeps_what_was_committed(own_postgres: PostgresServer) -> None:
    with own_postgres.database() as dsn:
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE kept (it int)")
        own_postgres.stop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn)
        own_postgres.start()
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
