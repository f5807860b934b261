"""The option ``--database`` and a function that connects to the database."""

from collections.abc import Awaitable, Callable
from typing import Any

import click

from ....distributed import Distributed
from ....distributed.dsn import secrets_of
from ...running import run
from ...session import Session

__all__ = ["database_option", "with_database"]


def _known(ctx: click.Context, parameter: click.Parameter, dsn: str | None) -> str:
    if not dsn:
        raise click.UsageError("no database: set APIVIDEO_DATABASE_URL or give --database", ctx)
    ctx.ensure_object(Session).terminal.hide(dsn, *secrets_of(dsn))
    return dsn


database_option: Callable[[Any], Any] = click.option(
    "--database",
    "dsn",
    metavar="DSN",
    envvar="APIVIDEO_DATABASE_URL",
    callback=_known,
    help="Instead of APIVIDEO_DATABASE_URL: postgresql://user:password@host/name.",
)


def with_database(
    session: Session, dsn: str, work: Callable[[Distributed], Awaitable[None]]
) -> int:
    """Connect to the database, await ``work`` with the connection, and return the exit code."""

    async def connected() -> int:
        async with Distributed(dsn) as shared:
            await work(shared)
        return 0

    return run(session.terminal, connected(), lambda: "interrupted")
