"""The generic ``list`` command: fetches pages up to the limit and prints them.

The output is a table on a terminal, lines with tabs in a pipe, or JSON.
"""

import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import click
from rich.console import Console

from ...paginator import Paginator
from ..running import run
from ..session import Session, connect
from .answers import chosen
from .noun import Noun
from .shown import as_json, without_secrets
from .tables import line, table

__all__ = ["list_command", "sorting"]

LARGEST_PAGE = 100


def sorting(*names: str) -> list[click.Parameter]:
    """Make the options ``--sort-by`` and ``--sort-order``; ``names`` are the fields to sort by."""
    return [
        click.Option(["--sort-by"], type=click.Choice(names)),
        click.Option(["--sort-order"], type=click.Choice(["asc", "desc"])),
    ]


def list_command(
    noun: Noun,
    filters: Iterable[click.Parameter] = (),
    *,
    method: str = "list",
    name: str = "list",
    summary: str = "",
    epilog: str | None = None,
) -> click.Command:
    """Make a command that lists objects.

    ``filters`` are arguments and options; each has the name of a parameter of ``method``.
    """

    def command(
        session: Session, /, limit: int, as_document: bool, as_lines: bool, **given: Any
    ) -> int:
        if as_document and as_lines:
            raise click.UsageError("--json and --jsonl exclude each other")
        # Without prefetching, only the printed pages are requested.
        options = {"page_size": min(LARGEST_PAGE, limit), "prefetch": 0, **chosen(given)}
        listing = Listing(session, noun, limit)

        async def work() -> int:
            async with connect(session.settings) as client:
                found = listing.items(noun.call(client, method, **options))
                await listing.tell(found, as_document=as_document, as_lines=as_lines)
            return 0

        return run(session.terminal, work(), lambda: "interrupted")

    return click.Command(
        name,
        callback=click.pass_obj(command),
        params=[*_parents(noun), *filters, *_output(noun)],
        help=f"{summary or f'List {noun.many}'}: a table on a terminal, lines with tabs in a pipe.",
        epilog=epilog,
    )


def _parents(noun: Noun) -> list[click.Parameter]:
    pairs = zip(noun.names[:-1], noun.metavars(), strict=False)
    return [click.Argument([name], metavar=metavar) for name, metavar in pairs]


def _output(noun: Noun) -> list[click.Parameter]:
    most = click.IntRange(min=1)
    help_text = f"{noun.many.capitalize()} at most."
    return [
        click.Option(["--limit"], type=most, default=50, help=help_text),
        click.Option(["--json", "as_document"], is_flag=True, help="One JSON list."),
        click.Option(
            ["--jsonl", "as_lines"], is_flag=True, help="One JSON object a line, as they come."
        ),
    ]


class Listing:
    """Prints the objects that a list command found, and counts those above the limit."""

    def __init__(self, session: Session, noun: Noun, limit: int) -> None:
        self._terminal = session.terminal
        self._noun = noun
        self._limit = limit
        self._more = 0

    async def items(self, paginator: Paginator[Any]) -> AsyncIterator[Any]:
        """Yield at most ``limit`` objects without their secret fields, and count the rest."""
        given = 0
        async for page in paginator.pages():
            for item in page.data[: self._limit - given]:
                given += 1
                yield without_secrets(item)
            if given >= self._limit:
                # `items_total` counts all matching objects at the server.
                self._more = max(0, (page.pagination.items_total or given) - given)
                return

    async def tell(self, found: AsyncIterator[Any], *, as_document: bool, as_lines: bool) -> None:
        """Print the objects in the requested format."""
        if as_lines:
            async for item in found:
                self._terminal.result(as_json(item, indent=None))
        else:
            # A table needs all items to compute the widths of its columns.
            items = [item async for item in found]
            self._terminal.result(as_json(items)) if as_document else self._show(items)
        if self._more:
            self._terminal.say(f"{self._more} more: raise --limit to see them")

    def _show(self, items: Sequence[Any]) -> None:
        if sys.stdout is None or not sys.stdout.isatty():
            self._terminal.results(line(self._noun, item) for item in items)
        elif not items:
            self._terminal.say(f"no {self._noun.many}")
        else:
            console = Console(highlight=False, emoji=False, markup=False)
            console.print(table(self._noun, items, console.width))
