"""``apivideo distributed enqueue``."""

from collections.abc import AsyncIterator, Sequence
from importlib import import_module
from pathlib import Path

import click
from attrs import evolve

from ...distributed import Distributed
from ...ingest.items import Item, Strategy
from ..session import Session
from .database import database_option, with_database

__all__ = ["command"]


@click.command(name="enqueue")
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option("--manifest", type=click.Path(path_type=Path), metavar="FILE", help="A list in JSONL or CSV.")
@click.option("--strategy", type=click.Choice(["stream", "pull", "auto"]), help="Through a worker, or by api.video.")
@database_option
@click.pass_obj
def command(
    session: Session, /, sources: Sequence[str], manifest: Path | None, strategy: Strategy | None, dsn: str
) -> int:
    """Hand sources to the workers, each once: what is known already stays as it is.

    SOURCE is a file, a folder, a pattern, or an address such as s3://bucket/folder/.
    """
    if not sources and manifest is None:
        raise click.UsageError("name a SOURCE or a --manifest")

    async def work(shared: Distributed) -> None:
        count = new = 0
        try:
            async for added in shared.deferring(_chosen(sources, manifest, strategy)):
                count, new = count + len(added.keys), new + len(added.new)
        finally:
            session.terminal.result(f"{count} items, {new} of them new")

    return with_database(session, dsn, work)


async def _chosen(sources: Sequence[str], manifest: Path | None, strategy: Strategy | None) -> AsyncIterator[Item]:
    async for item in _items(sources, manifest):
        yield item if strategy is None else evolve(item, strategy=strategy)


async def _items(sources: Sequence[str], manifest: Path | None) -> AsyncIterator[Item]:
    if manifest is not None:
        reader = import_module("...ingest.manifest", __package__)
        await reader.check_manifest(manifest)
        async for item in reader.read_manifest(manifest):
            yield item
    for source in sources:
        async for item in import_module("...ingest.listing", __package__).list_sources(source):
            yield item
