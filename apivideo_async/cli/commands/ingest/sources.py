"""From what was named to items; everything that can be known to be wrong is found before anything starts."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

import click

from ....errors import ManifestError, SourceError
from ....ingest.batching import Items, each_item
from ....ingest.items import Item
from ....ingest.listing.selection import has_wildcard
from ....ingest.listing.sources import list_sources
from ....ingest.stores.stores import Stores
from ....masking import shown
from ...console.terminal import Terminal
from .asked import IngestRequest

__all__ = ["check_path", "check_sources", "items_of", "list_all", "list_named"]

WATCH_SETTLE = 5.0
"""Seconds for which a file in a watched folder has to stand still, unless told otherwise."""
MOST_BAD_LINES = 50
"""Bad lines of a manifest that are shown."""


async def check_sources(request: IngestRequest, terminal: Terminal) -> None:
    """Look at files, folders and every line of the manifest.

    Raises ``SourceError`` or ``ManifestError``, whose bad lines were shown then, one by one.
    """
    for spec in request.sources:
        if "://" not in spec:
            await asyncio.to_thread(check_path, spec, folder=request.watch)
        elif request.watch:
            raise click.UsageError(f"--watch takes folders of this machine, not {spec.partition('://')[0]}://")
    if request.manifest is None:
        return
    from ....ingest.listing.manifest import check_manifest

    try:
        await check_manifest(request.manifest)
    except ManifestError as error:
        if not error.problems:
            raise
        for number, problem in error.problems[:MOST_BAD_LINES]:
            terminal.fail(problem, prefix=f"{request.manifest}, line {number}")
        count = str(error).partition("\n")[0].rstrip(":")
        raise ManifestError(count) from error


def check_path(spec: str, *, folder: bool = False) -> None:
    """Look whether it is there, may be read and, if so wanted, is a folder (blocking). Raises ``SourceError``."""
    path = Path(spec)
    if not os.path.lexists(path) and has_wildcard(spec) and not folder:
        return
    try:
        path.stat()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise SourceError(
            f"no such file or folder: {shown(spec)}" if missing else f"cannot read {shown(spec)}: {error.strerror}"
        ) from (error)
    if folder and not path.is_dir():
        raise SourceError(f"{spec} is no folder: --watch takes folders")
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        raise SourceError(f"cannot read {spec}: no permission")


def items_of(request: IngestRequest, stores: Stores, on_problem: Callable[[str], object]) -> list[Items]:
    """Give what is to be listed side by side: all sources one after the other, or each watched folder."""
    found: list[Items] = []
    if request.watch:
        from ....ingest.listing.watch import watch_folder

        settle = WATCH_SETTLE if request.settle is None else request.settle
        found.extend(watch_folder(spec, settle=settle, on_problem=on_problem) for spec in request.sources)
    elif request.sources:
        found.append(list_named(request.sources, stores, on_problem, settle=request.settle or 0))
    if request.manifest is not None:
        from ....ingest.listing.manifest import read_manifest

        found.append(read_manifest(request.manifest))
    return found


async def list_named(
    sources: Sequence[str], stores: Stores, on_problem: Callable[[str], object], *, settle: float = 0
) -> AsyncGenerator[Item, None]:
    """List what each of them names, one after the other."""
    for spec in sources:
        async with aclosing(list_sources(spec, stores=stores, settle=settle, on_problem=on_problem)) as items:
            async for item in items:
                yield item


async def list_all(sources: list[Items]) -> AsyncIterator[Item]:
    """Go through all of them."""
    for source in sources:
        async for item in each_item(source):
            yield item
