"""Writes reports: HTML for people, JSON for programs, CSV with one line per item."""

import csv
import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO, cast

from attrs import asdict

from ...cells import cell
from ...errors import ApiVideoError, ConfigurationError
from ...masking import masked, shown
from ...private_files import replacing
from ..failures import advice_for
from ..items import Record
from ..ledger.ledger import Ledger, Usage
from .data import Report, collect, duration
from .html import check_packages, pieces

__all__ = ["check_report", "to_document", "write_report"]


def check_report(path: Path) -> None:
    """Raise ``ConfigurationError`` when a report cannot be written to this path."""
    if path.suffix.lower() == ".html":
        check_packages()
    if path.suffix.lower() not in (".html", ".json", ".csv"):
        raise ConfigurationError(f"a report ends in .html, .json or .csv, which {path} does not")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ConfigurationError(f"the folder of the report does not exist: {folder}")
    if path.is_dir() or not os.access(folder, os.W_OK):
        raise ConfigurationError(f"the report {path} cannot be written")


async def write_report(
    ledger: Ledger, path: Path, *, base_url: str = "https://ws.api.video"
) -> None:
    """Write a report in the format of the suffix: ``.html``, ``.json`` or ``.csv``.

    ``base_url`` is that of the API: a report in HTML links the players of its videos. An existing
    file is kept until the new one is complete. A report contains no secrets and is meant to be
    shared, so the umask determines the permissions of the file. Raises ``LedgerError``,
    ``ConfigurationError`` as ``check_report``, and ``ApiVideoError`` if writing fails.
    """
    check_report(path)
    suffix = path.suffix.lower()
    try:
        with replacing(path) as file:
            if suffix == ".csv":
                await _write_rows(ledger, file)
            elif suffix == ".json":
                document = json.dumps(to_document(await collect(ledger)), indent=2)
                # A ``</script>`` in a text would end a script element that embeds the document.
                file.write(document.replace("<", "\\u003c"))
            else:
                report = await collect(ledger)
                async for piece in pieces(report, ledger.records(), base_url):
                    file.write(piece)
    except OSError as error:
        reason = error.strerror or error
        raise ApiVideoError(f"the report {path} cannot be written: {reason}") from error


async def _write_rows(ledger: Ledger, file: TextIO) -> None:
    rows = csv.writer(file)
    rows.writerow(_COLUMNS)
    async for record in ledger.records():
        rows.writerow([cell(value(record)) for value in _COLUMNS.values()])


def _seconds(record: Record) -> float | None:
    seconds = duration(record)
    return None if seconds is None else round(seconds, 3)


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


_COLUMNS: Final[dict[str, Callable[[Record], Any]]] = {
    "uri": lambda record: shown(record.item.uri),
    "state": lambda record: record.state,
    "video_id": lambda record: record.video_id,
    "size": lambda record: record.item.size,
    "seconds": _seconds,
    "way": lambda record: record.transfer,
    "attempts": lambda record: record.attempts,
    "cause": lambda record: record.cause,
    "message": lambda record: masked(record.message or ""),
    "sent": lambda record: record.sent,
    "added_at": lambda record: _iso(record.added_at),
    "started_at": lambda record: _iso(record.started_at),
    "finished_at": lambda record: _iso(record.finished_at),
    "key": lambda record: record.item.key,
}


def to_document(report: Report) -> dict[str, Any]:
    """Return the report as a JSON document with names in camelCase; times are in ISO 8601."""
    totals = report.totals
    document = {
        "made_at": _iso(report.made_at),
        "started": _iso(report.started),
        "ended": _iso(report.ended),
        "seconds": round(report.seconds, 3),
        "states": {
            state: {"items": items, "bytes": totals.bytes.get(state, 0)}
            for state, items in sorted(totals.items.items())
        },
        "sent": totals.sent,
        "bucket_seconds": report.width,
        "throughput": [
            {"start": _iso(each.start), "items": each.items, "bytes": each.bytes}
            for each in report.timeline
        ],
        "usage": [_usage(usage) for usage in report.usage],
        "failures": [
            {**asdict(failure), "advice": advice_for(failure.cause)} for failure in report.failures
        ],
        "slowest": [asdict(item) for item in report.slowest],
        "waiting": [asdict(item) for item in report.waiting],
    }
    return cast("dict[str, Any]", _in_camel_case(document))


def _in_camel_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            re.sub("_([a-z])", lambda match: match[1].upper(), name): _in_camel_case(each)
            for name, each in value.items()
        }
    return [_in_camel_case(each) for each in value] if isinstance(value, list | tuple) else value


def _usage(usage: Usage) -> dict[str, Any]:
    share = round(usage.requests / usage.allowed, 4) if usage.allowed else None
    return {**asdict(usage), "minute": _iso(usage.minute * 60.0), "share": share}
