"""Conversion between items and rows of the ledger's table."""

import json
from collections.abc import Sequence
from typing import Any, Final

from ...errors import LedgerError, SourceError
from ..items import Item, Record
from ..stored_text import decode, encode

__all__ = ["COLUMNS", "ITEM_COLUMNS", "record_of", "row_of", "stored", "unstorable"]

ITEM_COLUMNS: Final = ("key", "uri", "size", "version", "fields", "strategy")
_RECORD_FIELDS: Final = (
    "number",
    "state",
    "transfer",
    "video_id",
    "contested",
    "owner",
    "fence",
    "due",
    "attempts",
    "cause",
    "message",
    "sent",
    "added_at",
    "started_at",
    "created_at",
    "finished_at",
)
_FIELDS: Final = ITEM_COLUMNS + _RECORD_FIELDS
COLUMNS: Final = ", ".join(_FIELDS).replace("transfer", "way")
"""The columns of a record. The transfer is in the column ``way``, as in version 0.1."""
_TEXTS: Final = ("uri", "version", "video_id", "owner", "cause", "message")
"""Columns whose text comes from outside and is therefore stored encoded (``stored_text``)."""


def unstorable(error: Exception) -> SourceError:
    """Return the error for a value that the database refuses. ``error`` is the database's own."""
    # Further lines of a database's message may quote the value.
    reason = str(error).strip().split("\n", 1)[0]
    return SourceError(
        f"the ledger cannot store a value of this source ({reason})", cause="unsupported"
    )


def stored(text: str | None) -> str | None:
    """Return the stored form of a text."""
    return None if text is None else encode(text)


def row_of(item: Item) -> dict[str, Any]:
    """Return the columns of an item. Raises ``SourceError`` when its fields are not JSON."""
    try:
        fields = json.dumps(item.fields)
    except (TypeError, ValueError, RecursionError) as error:
        raise SourceError(
            f"{item.shown}: its fields are not JSON: {error}", cause="unsupported"
        ) from None
    row = {name: getattr(item, name) for name in ITEM_COLUMNS}
    return {**row, "uri": stored(item.uri), "version": stored(item.version), "fields": fields}


def record_of(row: Sequence[Any]) -> Record:
    """Return the record of a row. Raises ``LedgerError`` when the row is not a valid record."""
    columns = dict(zip(_FIELDS, row, strict=True))
    try:
        for name in _TEXTS:
            columns[name] = None if columns[name] is None else decode(columns[name])
        columns["contested"] = bool(columns["contested"])
        item = {name: columns.pop(name) for name in ITEM_COLUMNS}
        # Version 0.1 did not validate sizes; negative ones may be stored.
        item["size"] = None if item["size"] is None or item["size"] < 0 else item["size"]
        return Record(item=Item(**{**item, "fields": json.loads(item["fields"])}), **columns)
    except (ValueError, TypeError, AttributeError) as error:
        number = row[len(ITEM_COLUMNS)]
        raise LedgerError(
            f"the ledger is damaged: item {number} cannot be read ({error}). Restore the ledger "
            "from a copy, or begin with another one: videos that exist are found by their keys"
        ) from error
