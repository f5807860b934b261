"""Conversion between items and rows of the ledger's table."""

import json
from collections.abc import Sequence
from typing import Any, Final

from ...errors import LedgerError, SourceError
from ..items import Item, Record
from ..stored_text import decode, encode

__all__ = ["COLUMNS", "ITEM_COLUMNS", "record_of", "row_of", "stored", "unstorable"]

ITEM_COLUMNS: Final = ("key", "uri", "size", "version", "fields", "strategy")
_REST: Final = (
    *(
        "number",
        "state",
        "way",
        "video_id",
        "contested",
        "owner",
        "fence",
        "due",
        "attempts",
        "cause",
        "message",
    ),
    *("sent", "added_at", "started_at", "created_at", "finished_at"),
)
COLUMNS: Final = ", ".join(ITEM_COLUMNS + _REST)


_TEXTS: Final = ("uri", "version", "video_id", "owner", "cause", "message")
"""Columns whose text comes from outside and is therefore stored encoded (``stored_text``)."""


def unstorable(error: Exception) -> SourceError:
    """Return the error for a value that the database refuses. ``error`` is the database's own."""
    # Further lines of a database's message may quote the value.
    reason = str(error).strip().split("\n", 1)[0]
    return SourceError(
        f"the ledger cannot store a value of this source ({reason})", cause="unsupported"
    )


def stored(value: Any) -> Any:
    """Return the stored form of a value: text is encoded, other values stay unchanged."""
    return encode(value) if isinstance(value, str) else value


def _read(value: str | None) -> str | None:
    return None if value is None else decode(value)


def row_of(item: Item) -> dict[str, Any]:
    """Return the columns of an item. Raises ``SourceError`` when its fields are not JSON."""
    try:
        fields = json.dumps(item.fields)
    except (TypeError, ValueError, RecursionError) as error:
        raise SourceError(
            f"{item.shown}: its fields are not JSON: {error}", cause="unsupported"
        ) from None
    return {**{name: stored(getattr(item, name)) for name in ITEM_COLUMNS}, "fields": fields}


def record_of(row: Sequence[Any]) -> Record:
    """Return the record of a row. Raises ``LedgerError`` when the row is not a valid record."""
    columns = dict(zip(ITEM_COLUMNS + _REST, row, strict=True))
    try:
        columns |= {name: _read(columns[name]) for name in _TEXTS}
        columns["contested"] = bool(columns["contested"])
        item = {name: columns.pop(name) for name in ITEM_COLUMNS}
        # Version 0.1 did not validate sizes; negative ones may be stored.
        item["size"] = None if item["size"] is None or item["size"] < 0 else item["size"]
        return Record(item=Item(**{**item, "fields": json.loads(item["fields"])}), **columns)
    except (ValueError, TypeError, AttributeError) as error:
        number = row[len(ITEM_COLUMNS)]
        raise LedgerError(
            f"the ledger is damaged: item {number} cannot be read ({error}). Restore the ledger from a copy, or begin "
            "with another one: videos that exist are found by their keys"
        ) from error
