"""The command ``apivideo distributed status``."""

import json

import attrs
import click

from ....distributed import Distributed
from ...console.formatting import bytes_text
from ...crud.shown import facts
from ...session import Session
from .database import database_option, with_database

__all__ = ["command"]


@click.command(name="status")
@click.option("--json", "as_document", is_flag=True, help="As one JSON document.")
@database_option
@click.pass_obj
def command(session: Session, /, as_document: bool, dsn: str) -> int:
    """Show the number of items in each state and the number of jobs in the queue."""

    async def work(shared: Distributed) -> None:
        totals, jobs = await shared.totals(), await shared.jobs()
        if as_document:
            session.terminal.result(
                json.dumps({**attrs.asdict(totals), "jobs": attrs.asdict(jobs)}, indent=2)
            )
            return
        counts = [
            (state, f"{count} ({bytes_text(totals.bytes[state])})")
            for state, count in totals.items.items()
        ]
        queue = f"{jobs.waiting} waiting, {jobs.scheduled} for later, {jobs.running} running"
        told = [
            ("items", totals.count()),
            *counts,
            ("sent", bytes_text(totals.sent)),
            ("jobs", queue),
        ]
        session.terminal.results(facts(told))

    return with_database(session, dsn, work)
