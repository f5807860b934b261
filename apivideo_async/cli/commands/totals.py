"""The totals of a ledger as JSON, the same in every command."""

from typing import Any

from ...ingest.items import OPEN_STATES, State, Totals

__all__ = ["rows", "totals_document"]

STATES: tuple[State, ...] = (*OPEN_STATES, "done", "failed", "quarantined")


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
