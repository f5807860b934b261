"""The command ``apivideo distributed init``."""

import click

from ....distributed import init_database
from ...running import run
from ...session import Session
from .database import database_option

__all__ = ["command"]


@click.command(name="init")
@database_option
@click.pass_obj
def command(session: Session, /, dsn: str) -> int:
    """Create the ledger's and Procrastinate's tables. Existing tables are kept."""

    async def work() -> int:
        await init_database(dsn)
        session.terminal.report("the database is ready")
        return 0

    return run(session.terminal, work(), lambda: "interrupted")
