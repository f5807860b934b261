"""Formats lists as tables that fit the screen. The ids of objects are never shortened."""

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ..console.formatting import printable
from ..console.terminal import columns
from .noun import Noun

__all__ = ["line", "table"]

GAP = 2
NARROWEST = 8


def line(noun: Noun, model: Any) -> str:
    """Return a row for programs: texts separated by tabs."""
    return columns(*noun.cells(model))


def table(noun: Noun, models: Sequence[Any], width: int) -> Table:
    """Return a table of at most ``width`` columns.

    Texts in the columns of ``Noun.cut`` are shortened. If that does not suffice, the last columns
    are left out.
    """
    rows = [[printable(cell) for cell in noun.cells(model)] for model in models]
    heads = noun.heads()
    wanted = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    widths = _fitting(wanted, [column in noun.cut for column in noun.columns], width)
    shown = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    # There are fewer widths than heads if columns were left out.
    for head, most in zip(heads, widths, strict=False):
        shown.add_column(head, no_wrap=True, overflow="ellipsis", max_width=most)
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row[: len(widths)]))
    return shown


def _fitting(wanted: list[int], cut: list[bool], width: int) -> list[int]:
    """Choose the widths of the columns.

    ``wanted`` has the width of the longest text of each column. ``cut`` is True for columns whose
    texts may be shortened.
    The result is shorter than ``wanted`` if the screen is too narrow for all columns.
    """
    # Start with the smallest acceptable width of each column.
    least = [
        min(columns, NARROWEST) if may else columns
        for columns, may in zip(wanted, cut, strict=True)
    ]
    # Drop columns from the right until the rest fits; always keep the first.
    while len(least) > 1 and sum(least) + GAP * len(least) > width:
        least.pop()
    chosen, room = list(least), width - sum(least) - GAP * len(least)
    # Distribute the remaining width evenly, the narrowest columns first. A column that needs
    # less than its share leaves the rest to the wider ones.
    flexible = sorted((at for at in range(len(least)) if cut[at]), key=lambda at: wanted[at])
    for number, at in enumerate(flexible):
        more = min(wanted[at] - chosen[at], room // (len(flexible) - number))
        chosen[at] += max(0, more)
        room -= max(0, more)
    return chosen
