"""The commands ``apivideo distributed`` that only use the database, and the option ``--database``.

They never call api.video.
"""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import attrs
import click

from ....distributed import Distributed, init_database
from ....distributed.dsn import secrets_of
from ....errors import SourceError
from ....ingest.items import Item, State, Strategy
from ....ingest.listing.manifest import check_manifest, read_manifest
from ....ingest.listing.selection import OnProblem
from ....ingest.reports.files import check_report, write_report
from ....ingest.stores.stores import Stores
from ...console.formatting import bytes_text
from ...crud.shown import facts
from ...running import run
from ...session import Session
from ..options import manifest_option, quarantined_option, strategy_option
from ..sources import list_all

__all__ = ["database_option", "enqueue", "init", "report", "retry", "status"]


def _require_dsn(ctx: click.Context, parameter: click.Parameter, dsn: str | None) -> str:
    """Mask the secrets of the DSN in messages; a callback. Raises ``UsageError`` without a DSN."""
    if not dsn:
        raise click.UsageError("no database: set APIVIDEO_DATABASE_URL or give --database", ctx)
    ctx.ensure_object(Session).terminal.hide(dsn, *secrets_of(dsn))
    return dsn


database_option: Callable[[Any], Any] = click.option(
    "--database",
    "dsn",
    metavar="DSN",
    envvar="APIVIDEO_DATABASE_URL",
    callback=_require_dsn,
    help="Database, such as postgresql://user:password@host/name. Default: APIVIDEO_DATABASE_URL.",
)


def _with_database(
    session: Session, dsn: str, work: Callable[[Distributed], Awaitable[None]]
) -> int:
    """Connect to the database, await ``work`` with the connection, and return the exit code."""

    async def connected() -> int:
        async with Distributed(dsn) as database:
            await work(database)
        return 0

    return run(session.terminal, connected(), lambda: "interrupted")


@click.command(name="init")
@database_option
@click.pass_obj
def init(session: Session, /, dsn: str) -> int:
    """Create the ledger's and Procrastinate's tables. Existing tables are kept."""

    async def work() -> int:
        await init_database(dsn)
        session.terminal.report("the database is ready")
        return 0

    return run(session.terminal, work(), lambda: "interrupted")


@click.command(name="enqueue")
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@manifest_option
@strategy_option
@database_option
@click.pass_obj
def enqueue(
    session: Session, /, sources: Sequence[str], manifest: Path | None, strategy: Strategy, dsn: str
) -> int:
    """Add sources to the ledger and the queue. Known sources are not added again.

    SOURCE is a file, a folder, a pattern, or an address such as s3://bucket/folder/.
    """
    if not sources and manifest is None:
        raise click.UsageError("name a SOURCE or a --manifest")
    items = _items(sources, manifest, strategy, session.terminal.note)

    async def work(database: Distributed) -> None:
        count = new = refused = 0
        try:
            async for added in database.deferring(items):
                count += len(added.keys)
                new += len(added.new)
                refused += len(added.refused)
                for item, error in added.refused:
                    session.terminal.fail(f"{item.shown} is left out: {error}")
        finally:
            # Report also after an error: the batches entered so far remain in the ledger.
            session.terminal.report(f"{count} items, {new} of them new")
        if refused:
            raise SourceError(
                f"{refused} items were left out, as reported above; the others were enqueued"
            )

    return _with_database(session, dsn, work)


async def _items(
    sources: Sequence[str], manifest: Path | None, strategy: Strategy, on_problem: OnProblem
) -> AsyncGenerator[Item, None]:
    async with Stores() as stores:
        if manifest is not None:
            await check_manifest(manifest)
            # aclosing() closes the file at once if the caller stops early.
            async with aclosing(read_manifest(manifest, strategy=strategy)) as items:
                async for item in items:
                    yield item
        async with aclosing(list_all(sources, stores, on_problem, strategy=strategy)) as items:
            async for item in items:
                yield item


@click.command(name="status")
@click.option("--json", "as_document", is_flag=True, help="Print one JSON document.")
@database_option
@click.pass_obj
def status(session: Session, /, as_document: bool, dsn: str) -> int:
    """Show the number of items in each state and the number of jobs in the queue."""

    async def work(database: Distributed) -> None:
        totals = await database.totals()
        jobs = await database.jobs()
        if as_document:
            document = {**attrs.asdict(totals), "jobs": attrs.asdict(jobs)}
            session.terminal.result(json.dumps(document, indent=2))
            return
        states = [
            (state, f"{count} ({bytes_text(totals.bytes[state])})")
            for state, count in totals.items.items()
        ]
        queue = f"{jobs.waiting} waiting, {jobs.scheduled} scheduled, {jobs.running} running"
        session.terminal.results(
            facts(
                [
                    ("items", totals.count()),
                    *states,
                    ("sent", bytes_text(totals.sent)),
                    ("jobs", queue),
                ]
            )
        )

    return _with_database(session, dsn, work)


@click.command(name="retry")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@quarantined_option
@database_option
@click.pass_obj
def retry(session: Session, /, keys: tuple[str, ...], quarantined: bool, dsn: str) -> int:
    """Enqueue failed items again: all of them, or those with the given keys."""
    states: list[State] = ["failed", "quarantined"] if quarantined else ["failed"]

    async def work(database: Distributed) -> None:
        again = await database.retry(states, keys)
        session.terminal.report(f"{len(again)} items enqueued again")

    return _with_database(session, dsn, work)


@click.command(name="report")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@database_option
@click.pass_obj
def report(session: Session, /, path: Path, dsn: str) -> int:
    """Write a report about all items. The extension of FILE selects .html, .csv or .json."""
    check_report(path)

    async def work(database: Distributed) -> None:
        await write_report(database.ledger, path)
        session.terminal.result(str(path))

    return _with_database(session, dsn, work)
