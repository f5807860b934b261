"""The command ``apivideo distributed enqueue``."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

import click

from ....distributed import Distributed
from ....errors import SourceError
from ....ingest.items import Item, Strategy
from ....ingest.listing.manifest import check_manifest, read_manifest
from ....ingest.listing.selection import OnProblem
from ....ingest.listing.sources import list_sources
from ....ingest.stores.stores import Stores
from ...session import Session
from .database import database_option, with_database

__all__ = ["command"]


@click.command(name="enqueue")
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option(
    "--manifest", type=click.Path(path_type=Path), metavar="FILE", help="A list in JSONL or CSV."
)
@click.option(
    "--strategy",
    type=click.Choice(["stream", "pull", "auto"]),
    default="stream",
    show_default=True,
    help="Through a worker, or by api.video.",
)
@database_option
@click.pass_obj
def command(
    session: Session, /, sources: Sequence[str], manifest: Path | None, strategy: Strategy, dsn: str
) -> int:
    """Enter sources into the ledger and the queue. Sources that are known already are kept.

    SOURCE is a file, a folder, a pattern, or an address such as s3://bucket/folder/.
    """
    if not sources and manifest is None:
        raise click.UsageError("name a SOURCE or a --manifest")

    async def work(shared: Distributed) -> None:
        count = new = refused = 0
        try:
            async for added in shared.deferring(
                _named(sources, manifest, strategy, session.terminal.note)
            ):
                count, new, refused = (
                    count + len(added.keys),
                    new + len(added.new),
                    refused + len(added.refused),
                )
                for item, error in added.refused:
                    session.terminal.fail(f"{item.shown} is left out: {error}")
        finally:
            # Report also after an error: the batches entered so far remain in the ledger.
            session.terminal.report(f"{count} items, {new} of them new")
        if refused:
            raise SourceError(
                f"{refused} items were left out, as named above; the others were handed in"
            )

    return with_database(session, dsn, work)


async def _named(
    sources: Sequence[str], manifest: Path | None, strategy: Strategy, on_problem: OnProblem
) -> AsyncGenerator[Item, None]:
    async with Stores() as stores:
        if manifest is not None:
            await check_manifest(manifest)
            # aclosing() closes the file at once if the caller stops early.
            async with aclosing(read_manifest(manifest, strategy=strategy)) as items:
                async for item in items:
                    yield item
        for source in sources:
            async with aclosing(
                list_sources(source, stores=stores, strategy=strategy, on_problem=on_problem)
            ) as items:
                async for item in items:
                    yield item
