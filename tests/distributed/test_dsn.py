"""No password of the database's address is displayed, even if libpq would split it wrongly."""

import traceback

import pytest

from apivideo_async import LedgerError
from apivideo_async.distributed.dsn import check_dsn, secrets_of
from apivideo_async.distributed.postgres import PostgresDatabase

UNESCAPED = [
    "postgresql://me:SEC@RET@127.0.0.1:1/name",
    "postgres://me:SECRET@SECRET@127.0.0.1:1/name?sslmode=disable",
    "postgresql://me:SECRET/SECRET@127.0.0.1:1/name",
    "postgresql://me:12/SECRET@127.0.0.1:1/name",
    "postgresql://me:SECRET:@SECRET@127.0.0.1:1/name",
    "postgresql://me:SECRET?@SECRET@127.0.0.1:1/name",
]
MALFORMED = [
    "postgresql+asyncpg://me:SECRET@127.0.0.1/name",
    "mysql://me:SECRET@127.0.0.1/name",
    "postgresql:me:SECRET@127.0.0.1/name",
    "host=127.0.0.1 password='SECRET",
    "host=127.0.0.1 password=SECRET SECRET",
    "postgresql://me:SECRET%zz@127.0.0.1/name",
    "postgresql://127.0.0.1/name?passwort=SECRET",
    "host=127.0.0.1 password=SECRET\ud800",
    "host=127.0.0.1 password=SECRET\0",
]
FINE = [
    "postgresql://me:SEC%40RET@127.0.0.1:1/na%40me",
    "postgresql://me@127.0.0.1:1,127.0.0.2:2/name",
    "postgresql:///name?host=/run&password=SEC@RET",
    "postgresql://[::1]:1/name",
    "postgresql://me:SEC?RET@127.0.0.1/name",
    "host=127.0.0.1 port=1 password='SEC@RET/ x' dbname=a@b",
    "host=@abstract dbname=name",
    "",
]


@pytest.mark.parametrize("dsn", [*UNESCAPED, *MALFORMED])
async def test_an_address_that_would_show_its_password_is_refused(
    dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(LedgerError) as caught:
        await PostgresDatabase(dsn, outage_timeout=0).connect()
    text = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value)
    assert "SEC" not in text.replace("SECRET\\ud800", "")
    assert ("write @ as %40" if dsn in UNESCAPED else "is malformed") in str(caught.value)


@pytest.mark.parametrize("dsn", FINE)
def test_an_address_that_is_right_is_accepted(dsn: str) -> None:
    check_dsn(dsn)


@pytest.mark.parametrize(
    ("dsn", "secrets"),
    [
        ("postgresql://me:a%40%20b@host/name?sslpassword=cd", {"a@ b", "a%40%20b", "cd"}),
        ("postgresql://me:a@b@host/name", {"a@b", "a"}),
        ("host=h password='a b'", {"a b", "a%20b"}),
        ("malformed", set()),
    ],
)
def test_every_spelling_of_the_passwords_is_known_as_secret(dsn: str, secrets: set[str]) -> None:
    assert secrets <= set(secrets_of(dsn))
