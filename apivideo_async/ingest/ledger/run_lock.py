"""The lock file of a run, which has the name of the ledger with the suffix ``-run``.

The lock is an open transaction, which the operating system ends with the process.
"""

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Final

from ...private_files import create_private

__all__ = ["LOCKED", "is_locked", "open_locked", "sqlite_code"]

LOCKED: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
"""SQLite error codes for a lock that another connection holds."""


def sqlite_code(error: Exception) -> int | None:
    """Return SQLite's primary error code; None for other errors."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def open_locked(path: str) -> sqlite3.Connection:
    """Return the connection that holds the lock. Raises ``sqlite3.Error`` or ``OSError``."""
    create_private(Path(path))
    # ``is_locked`` may hold the lock for a moment.
    connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


async def is_locked(path: Path) -> bool:
    """Return True while a run ingests with this ledger file."""
    return await asyncio.to_thread(_is_locked, Path(f"{path}-run"))


def _is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection:
        try:
            connection.execute("SELECT 1 FROM sqlite_master")
        except sqlite3.Error as error:
            return sqlite_code(error) in LOCKED
    return False
