"""Sources named on the command line of ``ingest``, ``plan`` and ``distributed enqueue``."""

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import click
from attrs import field, frozen

from ...errors import SourceError
from ...ingest.items import Item, Strategy
from ...ingest.listing.defaults import Defaults, Filter
from ...ingest.listing.selection import has_wildcard
from ...ingest.listing.sources import list_sources
from ...ingest.stores.stores import Stores
from ...masking import shown
from ..parameters import SIZE, given_options
from .options import VIDEO_FIELDS

__all__ = ["CHOICE", "Choice", "check_path", "list_all", "take_choice"]


@frozen(kw_only=True)
class Choice:
    """The options about sources: which are wanted, and the fields of all their videos."""

    include: tuple[str, ...] = ()
    filter: Filter = field(factory=Filter)
    defaults: Defaults = field(factory=Defaults)


_OPTIONS: list[click.Option] = [
    click.Option(
        ["--title-template"],
        metavar="TEXT",
        help="Title of the videos, with {stem} (the name without extension), {name} and {folder}.",
    ),
    click.Option(
        ["--include"],
        multiple=True,
        metavar="PATTERN",
        help="Files of folders and buckets that match, such as '*.mxf'; repeat for more. Default: "
        "videos.",
    ),
    click.Option(
        ["--exclude"],
        multiple=True,
        metavar="PATTERN",
        help="Leave out what matches, such as 'raw/*'; repeat for more.",
    ),
    click.Option(["--min-size"], type=SIZE, help="Leave out smaller files, such as 1M."),
    click.Option(["--max-size"], type=SIZE, help="Leave out larger files."),
]

CHOICE: list[click.Parameter] = [*VIDEO_FIELDS, *_OPTIONS]
"""The options for which ``take_choice`` makes a ``Choice``."""


def take_choice(given: dict[str, Any]) -> Choice:
    """Remove the values of the options from ``given``, and return them.

    Raises ``ConfigurationError`` for an invalid template.
    """
    values = {option.name or "": given.pop(option.name or "") for option in CHOICE}
    template, include = values.pop("title_template"), values.pop("include")
    sizes = {name: values.pop(name) for name in ("exclude", "min_size", "max_size")}
    # As a manifest has them, and as the ledger stores them.
    fields = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given_options(values).items()
    }
    return Choice(
        include=include,
        filter=Filter(**sizes),
        defaults=Defaults(fields=fields, title=template),
    )


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
    choice: "Choice | None" = None,
    settle: float = 0,
    strategy: Strategy = "stream",
) -> AsyncGenerator[Item, None]:
    """Yield the items of all sources that are wanted, one source after the other."""
    wanted = choice or Choice()
    for source in sources:
        listing = wanted.filter.over(
            list_sources(
                source,
                stores=stores,
                patterns=wanted.include,
                settle=settle,
                strategy=strategy,
                on_problem=on_problem,
            )
        )
        # aclosing() closes files at once if the caller stops early.
        async with aclosing(listing) as items:
            async for item in items:
                yield item
