"""The arguments and options of ``apivideo ingest``, and the items of its sources."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import click
from attrs import evolve, frozen

from ....errors import ManifestError
from ....ingest.batching import Items
from ....ingest.listing.manifest import check_manifest, open_manifest, read_manifest
from ....ingest.listing.manifest_file import Manifest
from ....ingest.options import IngestOptions
from ....ingest.stores.redirects import Redirects
from ....ingest.stores.stores import Stores
from ...console.terminal import Terminal
from ...limit_rate import RateSchedule
from ..monitoring import Address
from ..sources import Choice, check_path, list_all

__all__ = ["IngestRequest", "checked", "listings", "manifest_items"]

WATCH_SETTLE = 5.0
"""Default of ``--settle`` with ``--watch``: seconds without a write before a file is ingested."""
MAX_BAD_LINES = 50


@frozen(kw_only=True)
class IngestRequest:
    """The arguments and options of one command line."""

    sources: tuple[str, ...]
    choice: Choice
    manifest: Path | Manifest | None
    watch: bool
    settle: float | None
    options: IngestOptions
    reserve: float
    limit_rate: RateSchedule | None
    redirects: Redirects
    ledger: Path
    ledger_argument: str
    """The option that names the ledger in other commands; empty for the default one."""
    reports: tuple[Path, ...]
    as_json: bool
    as_lines: bool
    listen: Address | None
    drain: float

    @property
    def continues(self) -> bool:
        """True if no source is named, so that the open items of the ledger are ingested."""
        return not self.sources and self.manifest is None


@asynccontextmanager
async def checked(request: IngestRequest, terminal: Terminal) -> AsyncIterator[IngestRequest]:
    """Check the named files and folders and every line of the manifest, which is open in the block.

    Yields the request with the opened manifest. Raises ``UsageError`` if ``--watch`` names an
    address, ``SourceError`` for a path that cannot be used, and ``ManifestError`` after the bad
    lines of the manifest have been written.
    """
    for source in request.sources:
        if "://" not in source:
            await asyncio.to_thread(check_path, source, folder=request.watch)
        elif request.watch:
            scheme = source.partition("://")[0]
            raise click.UsageError(f"--watch takes folders of this machine, not {scheme}://")
    if request.manifest is None:
        yield request
        return
    async with open_manifest(request.manifest) as manifest:
        await _check_manifest(manifest, terminal)
        yield evolve(request, manifest=manifest)


async def _check_manifest(manifest: Manifest, terminal: Terminal) -> None:
    try:
        await check_manifest(manifest)
    except ManifestError as error:
        if not error.problems:
            raise
        for number, problem in error.problems[:MAX_BAD_LINES]:
            terminal.fail(problem, prefix=f"{manifest.name}, line {number}")
        more = len(error.problems) > MAX_BAD_LINES
        shown = f", of which the first {MAX_BAD_LINES} are shown" if more else ""
        raise ManifestError(
            f"the manifest {manifest.name} has invalid lines{shown}; nothing was started",
            problems=error.problems,
        ) from error


def listings(
    request: IngestRequest, stores: Stores, on_problem: Callable[[str], object]
) -> list[Items]:
    """Return the listings of the sources, which run concurrently. The manifest is not among them.

    A manifest describes sources that a folder may contain too, so it is read before all others.
    """
    found: list[Items] = []
    choice = request.choice
    if request.watch:
        # Each watched folder is a listing of its own, because it never ends.
        from ....ingest.listing.watch import watch_folder

        settle = WATCH_SETTLE if request.settle is None else request.settle
        found.extend(
            choice.filter.over(
                watch_folder(folder, patterns=choice.include, settle=settle, on_problem=on_problem)
            )
            for folder in request.sources
        )
    elif request.sources:
        settle = request.settle or 0
        found.append(list_all(request.sources, stores, on_problem, choice=choice, settle=settle))
    return [choice.defaults.over(items) for items in found]


def manifest_items(request: IngestRequest) -> Items | None:
    """Return the items of the manifest, which are inserted before those of the sources."""
    if request.manifest is None:
        return None
    return request.choice.defaults.over(read_manifest(request.manifest))
