"""The commands ``apivideo ingest items``, ``show``, ``skip``, ``forget`` and ``prune``."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ....ingest.failures import advice_for
from ....ingest.items import ALL_STATES, OPEN_STATES, Record, State
from ....ingest.ledger.ledger import Ledger
from ....masking import masked, shown
from ...crud.columns import named_columns
from ...crud.output import Writer, take_output, with_output
from ...examples import examples
from ...parameters import Choice
from ...running import run
from ...session import Session
from .ledger_commands import find_keys, ledger_option, open_ledger

__all__ = ["forget", "items", "prune", "show", "skip"]

COLUMNS = named_columns(
    ("key", "state", "uri", "bytes", "videoId", "attempts", "cause", "message", "finishedAt")
)
REASONS = ("failed", "quarantined", "skipped")
"""States whose items are listed with cause and message."""
DAY = 24 * 3600.0
"""Seconds."""


def _document(record: Record) -> dict[str, Any]:
    return {
        "key": record.key,
        "state": record.state,
        "uri": shown(record.item.uri),
        "bytes": record.item.size,
        "videoId": record.video_id,
        "attempts": record.attempts,
        "cause": record.cause,
        "message": None if record.message is None else masked(record.message),
        "finishedAt": _iso(record.finished_at),
    }


def _details(record: Record) -> dict[str, Any]:
    return {
        **_document(record),
        "advice": advice_for(record.cause) if record.cause and record.state == "failed" else None,
        "version": record.item.version,
        "fields": record.item.fields,
        "transfer": record.transfer,
        "sent": record.sent,
        "worker": record.owner,
        "dueAt": _iso(record.due),
        "addedAt": _iso(record.added_at),
        "startedAt": _iso(record.started_at),
        "createdAt": _iso(record.created_at),
    }


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


@click.command(
    name="items",
    epilog=examples(
        "apivideo ingest items --state failed --cause empty",
        "apivideo ingest items --state open --output csv",
    ),
)
@click.option(
    "--state",
    "state",
    type=Choice([*ALL_STATES, "open"]),
    metavar="STATE",
    help=f"Only items in this state: {', '.join(ALL_STATES)}; or open, which are not finished.",
)
@click.option("--cause", metavar="CAUSE", help="Only items whose last failure has this cause.")
@ledger_option
@with_output(COLUMNS)
@click.pass_obj
def items(
    session: Session, /, state: str | None, cause: str | None, ledger: Path | None, **given: Any
) -> int:
    """List the items of an ingestion. No request is sent."""
    output = take_output(given)
    chosen: tuple[State, ...] = OPEN_STATES
    if state != "open":
        chosen = tuple(known for known in ALL_STATES if state in (None, known))

    async def work() -> int:
        # The reason is what matters about items without success.
        writer = Writer(session.terminal, output, COLUMNS[:8] if state in REASONS else COLUMNS[:6])
        async with open_ledger(session, ledger) as opened:
            async for record in opened.records(chosen):
                if cause in (None, record.cause):
                    writer.add(_document(record))
        writer.end()
        return 0

    return run(session.terminal, work())


@click.command(name="show", epilog=examples("apivideo ingest show videos/a.mp4"))
@click.argument("name", metavar="KEY|URI")
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(session: Session, /, name: str, ledger: Path | None, as_json: bool) -> int:
    """Show everything that the ledger knows about the items of a source. No request is sent."""

    async def work() -> int:
        async with open_ledger(session, ledger) as opened:
            keys = await find_keys(opened, (name,))
            records = [record for key in sorted(keys) if (record := await opened.record(key))]
        details = [_details(record) for record in sorted(records, key=lambda each: each.number)]
        if as_json:
            session.terminal.json(details)
            return 0
        for number, each in enumerate(details):
            lines = [f"{label:<11} {value}" for label, value in each.items() if value is not None]
            session.terminal.results(["", *lines] if number else lines)
        return 0

    return run(session.terminal, work())


def _change(
    session: Session,
    names: tuple[str, ...],
    ledger: Path | None,
    change: Callable[[Ledger, set[str]], Awaitable[list[str]]],
    done: str,
) -> int:
    """Change the named items, and say how many were changed and how many were not."""

    async def work() -> int:
        async with open_ledger(session, ledger) as opened:
            keys = await find_keys(opened, names)
            changed = await change(opened, keys)
        session.terminal.report(f"{len(changed):,} item{'s' * (len(changed) != 1)} {done}")
        if unchanged := len(keys) - len(changed):
            session.terminal.note(
                f"{unchanged:,} unchanged: done or skipped already, or in progress in a run"
            )
        return 1 if unchanged else 0

    return run(session.terminal, work())


@click.command(name="skip", epilog=examples("apivideo ingest skip videos/broken.mp4"))
@click.argument("names", nargs=-1, required=True, metavar="KEY|URI...")
@ledger_option
@click.pass_obj
def skip(session: Session, /, names: tuple[str, ...], ledger: Path | None) -> int:
    """Skip items: they are not ingested, and no longer count as failures.

    Their videos, if any, are kept. `apivideo ingest retry KEY|URI` takes it back.
    """
    return _change(session, names, ledger, lambda opened, keys: opened.skip(keys), "skipped")


@click.command(name="forget", epilog=examples("apivideo ingest forget videos/old.mp4"))
@click.argument("names", nargs=-1, required=True, metavar="KEY|URI...")
@ledger_option
@click.pass_obj
def forget(session: Session, /, names: tuple[str, ...], ledger: Path | None) -> int:
    """Delete items from the ledger. Their videos are kept.

    A source that is listed again becomes a new item, which finds its video by the key in the
    metadata, unless --drop-key was used.
    """
    return _change(session, names, ledger, lambda opened, keys: opened.forget(keys), "forgotten")


@click.command(name="prune", epilog=examples("apivideo ingest prune --done --older-than 90"))
@click.option("--done", is_flag=True, help="Items whose video is complete.")
@click.option("--skipped", is_flag=True, help="Items that were skipped.")
@click.option(
    "--older-than",
    "days",
    type=click.FloatRange(0),
    required=True,
    metavar="DAYS",
    help="Only items that were finished so many days ago or longer.",
)
@ledger_option
@click.pass_obj
def prune(session: Session, /, done: bool, skipped: bool, days: float, ledger: Path | None) -> int:
    """Delete old items from the ledger, to keep it small. Their videos are kept.

    A source that is listed again becomes a new item, which finds its video by the key in the
    metadata, unless --drop-key was used.
    """
    chosen: dict[State, bool] = {"done": done, "skipped": skipped}
    states = [state for state, is_chosen in chosen.items() if is_chosen]
    if not states:
        raise click.UsageError("name what to delete: --done, --skipped or both")

    async def work() -> int:
        async with open_ledger(session, ledger) as opened:
            count = await opened.prune(states, days * DAY)
        session.terminal.report(f"{count:,} item{'s' * (count != 1)} deleted from the ledger")
        return 0

    return run(session.terminal, work())
