"""The command ``apivideo distributed retry``."""

import click

from ....distributed import Distributed
from ....ingest.items import State
from ...session import Session
from .database import database_option, with_database

__all__ = ["command"]


@click.command(name="retry")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--quarantined", is_flag=True, help="Those, too, of which there were several videos.")
@database_option
@click.pass_obj
def command(session: Session, /, keys: tuple[str, ...], quarantined: bool, dsn: str) -> int:
    """Enqueue failed items again: all of them, or those with the given keys."""
    states: list[State] = ["failed", "quarantined"] if quarantined else ["failed"]

    async def work(shared: Distributed) -> None:
        session.terminal.report(f"{len(await shared.retry(states, keys))} items handed in again")

    return with_database(session, dsn, work)
