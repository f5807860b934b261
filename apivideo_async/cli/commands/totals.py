"""The totals of a ledger as JSON and as rows, the same in every command."""

from collections.abc import Mapping
from typing import Any

from ...ingest.items import OPEN_STATES, State, Totals
from ..console.terminal import Terminal
from ..crud.columns import named_columns
from ..crud.output import Output, Writer

__all__ = ["COLUMNS", "rows", "totals_document", "workers_document", "write_totals"]

COLUMNS = named_columns(("state", "items", "bytes"))
"""Columns of the rows: one for each state."""

STATES: tuple[State, ...] = (*OPEN_STATES, "done", "failed", "quarantined", "skipped")


def rows(totals: Totals) -> list[tuple[str, int, int]]:
    """Return state, number of items and bytes of each state that has items."""
    return [
        (state, totals.count(state), totals.bytes.get(state, 0))
        for state in STATES
        if totals.count(state)
    ]


def totals_document(totals: Totals) -> dict[str, Any]:
    """Return the JSON members for the totals."""
    return {
        "items": totals.count(),
        "states": {state: {"items": items, "bytes": size} for state, items, size in rows(totals)},
        "sent": totals.sent,
    }


def workers_document(workers: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the JSON value for the workers that have items."""
    return [{"name": name, "items": items} for name, items in workers.items()]


def write_totals(terminal: Terminal, output: Output, totals: Totals) -> bool:
    """Write a row for each state if the output has rows. False: it is text or a JSON document."""
    if output.columns is None and output.format in ("table", "json"):
        return False
    Writer(terminal, output, COLUMNS).add_all(
        {"state": state, "items": items, "bytes": size} for state, items, size in rows(totals)
    )
    return True
