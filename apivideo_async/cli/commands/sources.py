"""Sources named on the command line of ``ingest``, ``plan`` and ``distributed enqueue``."""

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

from ...errors import SourceError
from ...ingest.items import Item, Strategy
from ...ingest.listing.selection import has_wildcard
from ...ingest.listing.sources import list_sources
from ...ingest.stores.stores import Stores
from ...masking import shown

__all__ = ["check_path", "list_all"]


def check_path(source: str, *, folder: bool = False) -> None:
    """Check that a path exists and can be read (blocking). Raises ``SourceError``.

    With ``folder``, the path must be a folder. Otherwise a pattern passes unchecked.
    """
    path = Path(source)
    if not os.path.lexists(path) and has_wildcard(source) and not folder:
        return
    try:
        path.stat()
    except FileNotFoundError as error:
        raise SourceError(f"no such file or folder: {shown(source)}") from error
    except OSError as error:
        raise SourceError(f"cannot read {shown(source)}: {error.strerror}") from error
    if folder and not path.is_dir():
        raise SourceError(f"{source} is not a folder: --watch takes folders")
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        raise SourceError(f"cannot read {source}: no permission")


async def list_all(
    sources: Sequence[str],
    stores: Stores,
    on_problem: Callable[[str], object],
    *,
    settle: float = 0,
    strategy: Strategy = "stream",
) -> AsyncGenerator[Item, None]:
    """Yield the items of all sources, one source after the other."""
    for source in sources:
        listing = list_sources(
            source, stores=stores, settle=settle, strategy=strategy, on_problem=on_problem
        )
        # aclosing() closes files at once if the caller stops early.
        async with aclosing(listing) as items:
            async for item in items:
                yield item
