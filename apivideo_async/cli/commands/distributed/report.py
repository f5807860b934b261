"""The command ``apivideo distributed report``."""

from pathlib import Path

import click

from ....distributed import Distributed
from ....ingest.reports.files import check_report, write_report
from ...session import Session
from .database import database_option, with_database

__all__ = ["command"]


@click.command(name="report")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@database_option
@click.pass_obj
def command(session: Session, /, path: Path, dsn: str) -> int:
    """Write a report about all items. FILE ends in .html, .csv or .json."""

    check_report(path)

    async def work(shared: Distributed) -> None:
        await write_report(shared.ledger, path)
        session.terminal.result(str(path))

    return with_database(session, dsn, work)
