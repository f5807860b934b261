"""Converts the named sources to items.

:func:`check_sources` reports every error that can be found without a network before the
ingestion starts.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

import click

from ....errors import ManifestError, SourceError
from ....ingest.batching import Items
from ....ingest.items import Item
from ....ingest.listing.selection import has_wildcard
from ....ingest.listing.sources import list_sources
from ....ingest.stores.stores import Stores
from ....iteration import iterate
from ....masking import shown
from ...console.terminal import Terminal
from .asked import IngestRequest

__all__ = ["check_path", "check_sources", "items_of", "list_all", "list_named"]

WATCH_SETTLE = 5.0
"""Default of ``--settle`` with ``--watch``: seconds without a write before a file is ingested."""
MOST_BAD_LINES = 50
"""Largest number of bad manifest lines that are shown."""


async def check_sources(request: IngestRequest, terminal: Terminal) -> None:
    """Check the named files and folders and every line of the manifest.

    Raises ``UsageError`` if ``--watch`` names an address, ``SourceError`` for a path that cannot be
    used, and ``ManifestError`` after the bad lines of the manifest have been shown.
    """
    for spec in request.sources:
        if "://" not in spec:
            await asyncio.to_thread(check_path, spec, folder=request.watch)
        elif request.watch:
            raise click.UsageError(
                f"--watch takes folders of this machine, not {spec.partition('://')[0]}://"
            )
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
    """Check that a path exists and can be read (blocking). Raises ``SourceError``.

    With ``folder``, the path must be a folder. A pattern passes unchecked.
    """
    path = Path(spec)
    if not os.path.lexists(path) and has_wildcard(spec) and not folder:
        return
    try:
        path.stat()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise SourceError(
            f"no such file or folder: {shown(spec)}"
            if missing
            else f"cannot read {shown(spec)}: {error.strerror}"
        ) from (error)
    if folder and not path.is_dir():
        raise SourceError(f"{spec} is no folder: --watch takes folders")
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        raise SourceError(f"cannot read {spec}: no permission")


def items_of(
    request: IngestRequest, stores: Stores, on_problem: Callable[[str], object]
) -> list[Items]:
    """Return the listings that run concurrently.

    Each watched folder is a listing of its own, because it never ends. The other sources form one
    listing. The manifest is another.
    """
    found: list[Items] = []
    if request.watch:
        from ....ingest.listing.watch import watch_folder

        settle = WATCH_SETTLE if request.settle is None else request.settle
        found.extend(
            watch_folder(spec, settle=settle, on_problem=on_problem) for spec in request.sources
        )
    elif request.sources:
        found.append(list_named(request.sources, stores, on_problem, settle=request.settle or 0))
    if request.manifest is not None:
        from ....ingest.listing.manifest import read_manifest

        found.append(read_manifest(request.manifest))
    return found


async def list_named(
    sources: Sequence[str],
    stores: Stores,
    on_problem: Callable[[str], object],
    *,
    settle: float = 0,
) -> AsyncGenerator[Item, None]:
    """Yield the items of all sources, one source after the other."""
    for spec in sources:
        async with aclosing(
            list_sources(spec, stores=stores, settle=settle, on_problem=on_problem)
        ) as items:
            async for item in items:
                yield item


async def list_all(sources: list[Items]) -> AsyncIterator[Item]:
    """Yield the items of all listings, one listing after the other."""
    for source in sources:
        async for item in iterate(source):
            yield item
