"""The generic ``list`` command: fetches pages up to the limit and prints the objects.

The output is a table on a terminal, lines with tabs in a pipe, JSON or CSV. Tables fit the screen;
ids are never shortened.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import click
from attrs import define, evolve
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ...client import ApiVideoClient
from ...paginator import Paginator
from ..console.formatting import printable
from ..console.terminal import Terminal, columns
from ..examples import examples
from ..parameters import Choice, given_options
from ..running import run
from ..session import Session, connect
from .formatting import without_secrets
from .object_type import ObjectType
from .output import Output, Writer, output_options, take_output

__all__ = ["list_command", "sorting", "table"]

Chooser: TypeAlias = Callable[[ApiVideoClient, AsyncIterator[Any]], AsyncIterator[Any]]

LARGEST_PAGE = 100
DEFAULT_LIMIT = 50
COLUMN_GAP = 2
MIN_COLUMN_WIDTH = 8
"""Columns are not shortened further than this."""


def sorting(*names: str) -> list[click.Parameter]:
    """Make the options ``--sort-by`` and ``--sort-order``; ``names`` are the fields to sort by."""
    by, order = Choice(names), Choice(["asc", "desc"])
    return [
        click.Option(["--sort-by"], type=by, help="Field to sort by."),
        click.Option(["--sort-order"], type=order, help="Ascending or descending order."),
    ]


def list_command(
    kind: ObjectType,
    filters: Iterable[click.Parameter] = (),
    *,
    method: str = "list",
    name: str = "list",
    summary: str = "",
    epilog: str | None = None,
    choices: Mapping[str, Chooser] | None = None,
) -> click.Command:
    """Make a command that lists objects. ``filters`` have the names of parameters of ``method``.

    ``choices`` are filters that the server does not offer: a flag, by its name among ``filters``,
    and the function that chooses among all objects if the flag is given.
    """

    def command(session: Session, /, limit: int | None, only_ids: bool, **given: Any) -> int:
        output = take_output(given)
        # A program that reads ids needs all of them.
        most = limit or (sys.maxsize if only_ids else DEFAULT_LIMIT)
        if only_ids and output != Output():
            raise click.UsageError("--ids and the options for the output exclude each other")
        # Without prefetching, only the printed pages are requested.
        chosen = [choose for name, choose in (choices or {}).items() if given.pop(name)]
        page_size = LARGEST_PAGE if chosen else min(LARGEST_PAGE, most)
        options = {"page_size": page_size, "prefetch": 0, **given_options(given)}

        async def work() -> int:
            async with connect(session.settings) as client:
                listed = kind.call(client, method, **options)
                found: _LimitedItems | _ChosenItems = _LimitedItems(listed, most)
                if chosen:
                    found = _ChosenItems(chosen[0](client, aiter(listed)), most)
                if only_ids:
                    async for item in found:
                        session.terminal.result(columns(getattr(item, kind.columns[0])))
                else:
                    await _write(session.terminal, kind, found, output)
            return 0

        return run(session.terminal, work())

    outputs = [
        click.Option(
            ["--limit"],
            type=click.IntRange(min=1),
            help=f"Maximum number of {kind.plural}. Default: {DEFAULT_LIMIT}, with --ids all.",
        ),
        *output_options(kind.known()),
        click.Option(["--ids", "only_ids"], is_flag=True, help="Print only the ids."),
    ]
    return click.Command(
        name,
        callback=click.pass_obj(command),
        params=[*kind.id_arguments()[:-1], *filters, *outputs],
        help=f"{summary or f'List {kind.plural}.'} The output is a table or, in a pipe, lines with "
        "tabs.",
        epilog=epilog or _examples(kind, name),
    )


def _examples(kind: ObjectType, name: str) -> str:
    parents = kind.example_ids.split()[: len(kind.ids) - 1]
    words = " ".join(["apivideo", kind.group, name, *parents])
    chosen = ",".join(column.name for column in kind.listed()[:2])
    return examples(words, f"{words} --output csv --columns {chosen}")


@define
class _LimitedItems:
    """Yields at most ``limit`` objects without their secret fields, and counts the rest."""

    _paginator: Paginator[Any]
    _limit: int
    rest: int = 0

    async def __aiter__(self) -> AsyncIterator[Any]:
        count = 0
        async for page in self._paginator.pages():
            for item in page.data[: self._limit - count]:
                count += 1
                yield without_secrets(item)
            if count >= self._limit:
                # `items_total` counts all matching objects at the server.
                self.rest = max(0, (page.pagination.items_total or count) - count)
                return


@define
class _ChosenItems:
    """Yields at most ``limit`` of the objects that a function chose, without secret fields."""

    _items: AsyncIterator[Any]
    _limit: int
    rest: int = 0
    """Unknown, because the other objects are not examined."""

    async def __aiter__(self) -> AsyncIterator[Any]:
        count = 0
        async for item in self._items:
            count += 1
            yield without_secrets(item)
            if count == self._limit:
                return


async def _write(
    terminal: Terminal,
    kind: ObjectType,
    found: _LimitedItems | _ChosenItems,
    output: Output,
) -> None:
    if output.plain:
        # A table needs all items to compute the widths of its columns.
        items = [item async for item in found]
        _write_rows(terminal, _with_columns(kind, output), items)
    else:
        writer = Writer(terminal, output, kind.listed())
        async for item in found:
            writer.add(item)
        writer.end()
    if found.rest:
        terminal.say(f"{found.rest} more: raise --limit to see them")


def _with_columns(kind: ObjectType, output: Output) -> ObjectType:
    if output.columns is None:
        return kind
    paths = [column.path for column in output.columns]
    shrinkable = tuple(path for path in paths if not path.endswith("_id"))
    names = tuple(column.name for column in output.columns)
    return evolve(kind, columns=tuple(paths), shrinkable=shrinkable, names=names)


def _write_rows(terminal: Terminal, kind: ObjectType, items: Sequence[Any]) -> None:
    if sys.stdout is None or not sys.stdout.isatty():
        terminal.results(columns(*kind.cells(item)) for item in items)
    elif not items:
        terminal.say(f"no {kind.plural}")
    else:
        terminal.draw(lambda width: table(kind, items, width))


def table(kind: ObjectType, models: Sequence[Any], width: int) -> Table:
    """Return a table of at most ``width`` columns of the screen.

    Texts in the columns ``kind.shrinkable`` are shortened. If that does not suffice, the last
    columns are left out.
    """
    rows = [[printable(cell) for cell in kind.cells(model)] for model in models]
    headings = kind.headings()
    wanted = [max(map(cell_len, column)) for column in zip(headings, *rows, strict=True)]
    widths = _fit(wanted, [column in kind.shrinkable for column in kind.columns], width)
    result = Table(box=None, header_style="bold", pad_edge=False, padding=(0, COLUMN_GAP, 0, 0))
    # There are fewer widths than headings if columns were left out.
    for heading, max_width in zip(headings, widths, strict=False):
        result.add_column(heading, no_wrap=True, overflow="ellipsis", max_width=max_width)
    for row in rows:
        result.add_row(*(Text(cell) for cell in row[: len(widths)]))
    return result


def _fit(wanted: list[int], shrinkable: list[bool], width: int) -> list[int]:
    """Choose the widths of the columns that fit; ``wanted`` are those of the longest texts."""
    widths = [
        min(column, MIN_COLUMN_WIDTH) if may_shrink else column
        for column, may_shrink in zip(wanted, shrinkable, strict=True)
    ]
    # Drop columns from the right until the rest fits; always keep the first.
    while len(widths) > 1 and sum(widths) + COLUMN_GAP * len(widths) > width:
        widths.pop()
    room = width - sum(widths) - COLUMN_GAP * len(widths)
    # Distribute the remaining width evenly, the narrowest columns first. A column that needs
    # less than its share leaves the rest to the wider ones.
    flexible = sorted((at for at in range(len(widths)) if shrinkable[at]), key=wanted.__getitem__)
    for number, at in enumerate(flexible):
        extra = max(0, min(wanted[at] - widths[at], room // (len(flexible) - number)))
        widths[at] += extra
        room -= extra
    return widths
