"""The address of the database (DSN), which may contain a password: checks and settings."""

import os
import re
import socket
from typing import Any, Final
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ..errors import LedgerError

__all__ = ["CONNECT_TIMEOUT", "RESPONSE_TIMEOUT", "check_dsn", "connection_settings", "secrets_of"]

CONNECT_TIMEOUT: Final = 10.0
"""Seconds for establishing a connection."""
RESPONSE_TIMEOUT: Final = 15
"""Seconds without a response of the database's host after which the connection is closed."""

_PASSWORD_IN_URL: Final = re.compile(r"//[^:/@]*:(.*)@", re.DOTALL)


def check_dsn(dsn: str) -> None:
    """Raise ``LedgerError`` for an address that is invalid or has an unescaped password.

    libpq splits the address at an unescaped ``@`` in the password, and its error messages would
    show a part of the password as the name of a host or a database.
    """
    settings = _settings(dsn)
    if settings is None:
        raise LedgerError(
            "the database's address is malformed: it is a URL that starts with postgresql://, or "
            "settings such as host=... dbname=..."
        )
    if _is_split(dsn, settings):
        raise LedgerError(
            "the password in the database's address has a character that ends it: write @ as %40, "
            "/ as %2F, : as %3A and % as %25, or set PGPASSWORD instead"
        )


def secrets_of(dsn: str) -> list[str]:
    """Return the passwords, in each form in which a message may contain them."""
    settings = _settings(dsn) or {}
    secrets: list[str] = _PASSWORD_IN_URL.findall(dsn)
    for name in ("password", "sslpassword"):
        password = str(settings.get(name) or "")
        secrets += [password, quote(password), quote(password, safe="")]
    return secrets


def connection_settings(dsn: str) -> dict[str, Any]:
    """Return the connection parameters that the DSN does not set itself."""
    given = _settings(dsn) or {}
    settings: dict[str, Any] = {
        "connect_timeout": int(CONNECT_TIMEOUT),
        "keepalives": 1,
        "keepalives_idle": 5,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": RESPONSE_TIMEOUT * 1000,
        "fallback_application_name": f"apivideo {socket.gethostname()}:{os.getpid()}",
    }
    return {name: value for name, value in settings.items() if name not in given}


def _settings(dsn: str) -> dict[str, Any] | None:
    try:
        return None if "\0" in dsn else conninfo_to_dict(dsn)
    # The texts of these errors contain the address, so they are dropped.
    except (psycopg.Error, ValueError):
        return None


def _is_split(dsn: str, settings: dict[str, Any]) -> bool:
    """Return True if a character of the password seems to have split the address."""
    scheme, found, rest = dsn.partition("://")
    if not found or "=" in scheme:
        return False
    before_query = rest.partition("?")[0]
    authority = before_query.partition("/")[0]
    return (
        # The name of an abstract socket begins with ``@``, which is valid.
        "@" in str(settings.get("host") or "")[1:]
        or before_query.count("@") > authority.count("@")
        or re.fullmatch(r"[\d,]*", str(settings.get("port") or "")) is None
    )
