"""The address of the database, which holds a password."""

import re
from typing import Any, Final
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ..errors import LedgerError

__all__ = ["check_dsn", "secrets_of"]

_PASSWORD_IN_URL: Final = re.compile(r"//[^:/@]*:(.*)@", re.DOTALL)


def check_dsn(dsn: str) -> None:
    """Raise ``LedgerError`` for an address that libpq cannot parse, or that it would split at a character of the
    password: its messages would then show a part of the password as the name of a host or a database.
    """
    settings = _settings(dsn)
    if settings is None:
        raise LedgerError(
            "the database's address is malformed: it is a URL that starts with postgresql://, or settings such as "
            "host=... dbname=..."
        )
    if _is_split(dsn, settings):
        raise LedgerError(
            "the password in the database's address holds a character that ends it: write @ as %40, / as %2F, "
            ": as %3A and % as %25, or set PGPASSWORD instead"
        )


def secrets_of(dsn: str) -> list[str]:
    """Return what must never be shown: the passwords as they are, and as the address spells them."""
    settings = _settings(dsn) or {}
    passwords = [str(settings.get(name) or "") for name in ("password", "sslpassword")]
    spelled = _PASSWORD_IN_URL.findall(dsn)
    return [text for each in passwords for text in (each, quote(each), quote(each, safe=""))] + spelled


def _settings(dsn: str) -> dict[str, Any] | None:
    try:
        return None if "\0" in dsn else conninfo_to_dict(dsn)
    except (psycopg.Error, ValueError):  # The texts of these errors quote the address.
        return None


def _is_split(dsn: str, settings: dict[str, Any]) -> bool:
    scheme, found, rest = dsn.partition("://")
    if not found or "=" in scheme:
        return False
    before_query = rest.partition("?")[0]
    authority = before_query.partition("/")[0]
    return (
        "@" in str(settings.get("host") or "")[1:]  # The name of an abstract socket begins with one.
        or before_query.count("@") > authority.count("@")
        or re.fullmatch(r"[\d,]*", str(settings.get("port") or "")) is None
    )
