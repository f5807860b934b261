"""Writes reports: HTML for people, JSON for programs, CSV with one line per item."""

import csv
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

from attrs import asdict

from ...errors import ApiVideoError, ConfigurationError
from ...masking import masked, shown
from ..items import Record, State
from ..ledger.ledger import Ledger, Usage
from .cells import cell
from .collected import Report, collect, seconds_of
from .html import page

__all__ = ["check_report", "to_document", "write_report"]

COLUMNS: Final = (
    *("uri", "state", "video_id", "size", "seconds", "way", "attempts", "cause", "message", "sent"),
    *("added_at", "started_at", "finished_at", "key"),
)
"""Columns of the CSV report."""


def check_report(path: Path) -> None:
    """Raise ``ConfigurationError`` when a report cannot be written to this path.

    Commands call this before the ingestion starts.
    """
    if path.suffix.lower() not in (".html", ".json", ".csv"):
        raise ConfigurationError(f"a report ends in .html, .json or .csv, not as {path} does")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ConfigurationError(f"the folder of the report does not exist: {folder}")
    if path.is_dir() or not os.access(folder, os.W_OK):
        raise ConfigurationError(f"the report {path} cannot be written")


async def write_report(ledger: Ledger, path: Path) -> None:
    """Write a report in the format of the suffix: ``.html``, ``.json`` or ``.csv``.

    An existing file is kept until the new one is complete. A report contains no secrets and is
    meant to be shared, so the umask determines the permissions of the file. Raises ``LedgerError``.
    Raises ``ConfigurationError`` for another suffix, and ``ApiVideoError`` if the file cannot be
    written, for example because the disk is full.
    """
    check_report(path)
    suffix = path.suffix.lower()
    try:
        with _replacing(path) as file:
            if suffix == ".csv":
                await _write_rows(ledger, file)
            elif suffix == ".json":
                # A program may embed the document in a web page. Escaping ``<`` prevents text in it
                # from ending a script element.
                file.write(
                    json.dumps(to_document(await collect(ledger)), indent=2).replace("<", "\\u003c")
                )
            else:
                file.write(page(await collect(ledger)))
    except OSError as error:
        raise ApiVideoError(
            f"the report {path} cannot be written: {error.strerror or error}"
        ) from error


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """Open a temporary file in the same folder, and rename it to ``path`` on success."""
    # The same folder, because a rename is atomic only within one file system.
    fresh = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    file = fresh.open("x", encoding="utf-8", errors="backslashreplace", newline="")
    try:
        with file:
            yield file
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise


async def _write_rows(ledger: Ledger, file: TextIO) -> None:
    rows = csv.writer(file)
    rows.writerow(COLUMNS)
    async for record in ledger.records():
        rows.writerow(_cells(record))


def _cells(record: Record) -> list[Any]:
    """Return the cells of a row, in the order of ``COLUMNS``."""
    item, seconds = record.item, seconds_of(record)
    cells = [
        *(shown(item.uri), record.state, record.video_id, item.size),
        *(
            None if seconds is None else round(seconds, 3),
            record.transfer,
            record.attempts,
            record.cause,
        ),
        *(masked(record.message or ""), record.sent),
        *(_moment(at) for at in (record.added_at, record.started_at, record.finished_at)),
        item.key,
    ]
    return [cell(each) for each in cells]


def _moment(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def to_document(report: Report) -> dict[str, Any]:
    """Return the report as a JSON document; times are in ISO 8601."""
    totals = report.totals
    states: list[State] = sorted(totals.items)
    return {
        "made_at": _moment(report.made_at),
        "started": _moment(report.started),
        "ended": _moment(report.ended),
        "seconds": round(report.seconds, 3),
        "states": {
            state: {"items": totals.items[state], "bytes": totals.bytes.get(state, 0)}
            for state in states
        },
        "sent": totals.sent,
        "bucket_seconds": report.width,
        "throughput": [
            {"start": _moment(each.start), "items": each.items, "bytes": each.bytes}
            for each in report.timeline
        ],
        "usage": [_usage(usage) for usage in report.usage],
        "failures": [asdict(failure) for failure in report.failures],
        "slowest": [asdict(slow) for slow in report.slowest],
        "waiting": [asdict(waiting) for waiting in report.waiting],
    }


def _usage(usage: Usage) -> dict[str, Any]:
    """Return the usage of a minute with the share of the limit that it is."""
    share = None if not usage.allowed else round(usage.requests / usage.allowed, 4)
    return {**asdict(usage), "minute": _moment(usage.minute * 60.0), "share": share}
