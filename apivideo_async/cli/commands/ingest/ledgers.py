"""Finds and opens the ledger that a command uses."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from ....config import resolve_config
from ....errors import ConfigurationError, LedgerError
from ....ingest.ingestion import default_ledger
from ....ingest.ledger.ledger import Ledger
from ....ingest.ledger.sqlite import open_sqlite_ledger
from ...session import Session

__all__ = ["find_ledger", "ledger_option", "open_ledger"]

ledger_option: Callable[[Any], Any] = click.option(
    "--ledger",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The ledger of the ingestion; one in your state folder otherwise, for each server and key.",
)


def find_ledger(session: Session, given: Path | None) -> Path:
    """Return the path of the ledger: the given one, or the default for this server and key.

    Raises ``ConfigurationError`` if the default is needed and no API key is configured.
    """
    if given is not None:
        return given
    settings = session.settings
    config = resolve_config(
        api_key=settings.api_key,
        environment=settings.environment,
        base_url=settings.base_url,
        auth=settings.auth,
    )
    if config.api_key is None:
        raise ConfigurationError(
            "no API key: set APIVIDEO_API_KEY or give --api-key (before the command), or --ledger"
        )
    return default_ledger(config)


@asynccontextmanager
async def open_ledger(session: Session, given: Path | None) -> AsyncIterator[Ledger]:
    """Open an existing ledger. Raises ``LedgerError`` if it does not exist."""
    path = find_ledger(session, given)
    if not path.exists():
        raise LedgerError(f"there is no ledger {path}: nothing was ingested with it yet")
    ledger = await open_sqlite_ledger(path)
    try:
        yield ledger
    finally:
        await ledger.aclose()
