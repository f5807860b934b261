"""The commands ``apivideo ingest status``, ``retry`` and ``report``, which only use the ledger."""

import os
import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from ....errors import ApiVideoError, LedgerError
from ....ingest.failures import advice_for
from ....ingest.ingestion import default_ledger
from ....ingest.items import State, Totals
from ....ingest.ledger.ledger import Ledger
from ....ingest.ledger.run_lock import is_locked
from ....ingest.ledger.sqlite import open_sqlite_ledger
from ....ingest.reports.data import Failure, Failures
from ....ingest.reports.files import check_report, write_report
from ....masking import shown
from ...console.formatting import bytes_text, time_text
from ...crud.output import take_output, with_output
from ...examples import examples
from ...running import run
from ...session import Session
from ..options import quarantined_option
from ..totals import COLUMNS, rows, totals_document, workers_document, write_totals

__all__ = [
    "find_keys",
    "find_ledger",
    "ledger_argument",
    "ledger_option",
    "open_ledger",
    "report",
    "retry",
    "status",
]

ledger_option: Callable[[Any], Any] = click.option(
    "--ledger",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Ledger of the ingestion, an SQLite file. Default: a file in your state folder, one for "
    "each server and API key.",
)


def ledger_argument(given: Path | None) -> str:
    """Return the option of a command that uses the same ledger."""
    return "" if given is None else f" --ledger {shlex.quote(str(given))}"


def find_ledger(session: Session, given: Path | None) -> Path:
    """Return the given path, or that of the default ledger for this server and key."""
    return default_ledger(session.settings.resolve()) if given is None else given


@asynccontextmanager
async def open_ledger(session: Session, given: Path | None) -> AsyncIterator[Ledger]:
    """Open an existing ledger. Raises ``LedgerError``."""
    path = find_ledger(session, given)
    if not path.exists():
        raise LedgerError(f"the ledger {path} does not exist: no ingestion has used it yet")
    ledger = await open_sqlite_ledger(path)
    try:
        yield ledger
    finally:
        await ledger.aclose()


@click.command(
    name="status",
    epilog=examples(
        "apivideo ingest status",
        "apivideo ingest status --ledger archive.db --output csv",
    ),
)
@ledger_option
@with_output(COLUMNS)
@click.pass_obj
def status(session: Session, /, ledger: Path | None, **given: Any) -> int:
    """Show the progress of an ingestion, which may be running. No request is sent.

    JSON lines, CSV and --columns have a row for each state. JSON also has the failures.
    """
    output = take_output(given)

    async def work() -> int:
        async with open_ledger(session, ledger) as opened:
            totals = await opened.totals()
            due = await opened.next_due()
            failures = await _failures(opened, totals)
            running = await is_locked(find_ledger(session, ledger))
            workers = await opened.workers()
        if write_totals(session.terminal, output, totals):
            return 0
        if output.format == "json":
            document = _status_document(totals, failures, due)
            session.terminal.json(
                {**document, "running": running, "workers": workers_document(workers)}
            )
        else:
            session.terminal.results(_status_lines(totals, failures))
            for name, count in workers.items():
                session.terminal.result(f"worker {name}: {count:,} items in progress")
            session.terminal.result(_next_step(totals, due, ledger, running=running))
            session.terminal.say(f"ledger: {find_ledger(session, ledger)}")
        return 0

    return run(session.terminal, work())


async def _failures(ledger: Ledger, totals: Totals) -> tuple[Failure, ...]:
    failures = Failures()
    if totals.count("failed", "quarantined"):
        async for record in ledger.records(("failed", "quarantined")):
            failures.add(record)
    return failures.ordered()


def _status_document(
    totals: Totals, failures: tuple[Failure, ...], due: float | None
) -> dict[str, Any]:
    return {
        **totals_document(totals),
        "nextDueSeconds": None if due is None else round(due, 3),
        "failures": [
            {
                "cause": failure.cause,
                "items": failure.count,
                "message": failure.message,
                "advice": advice_for(failure.cause),
                "uris": list(failure.uris),
            }
            for failure in failures
        ],
    }


def _next_step(totals: Totals, due: float | None, ledger: Path | None, *, running: bool) -> str:
    """Return the line that says whether a run is active, and what continues the ingestion."""
    argument = ledger_argument(ledger)
    if running:
        when = "" if due is None else f"; the next item is due in {time_text(max(0.0, due))}"
        return f"a run is active{when}"
    if totals.open:
        return f"no run is active: `apivideo ingest{argument}` continues"
    if totals.count("failed"):
        retry = f"apivideo ingest retry{argument} && apivideo ingest{argument}"
        return f"no run is active: `{retry}` tries the failed items again"
    return "no run is active"


def _status_lines(totals: Totals, failures: tuple[Failure, ...]) -> list[str]:
    amounts = [*rows(totals), ("all", totals.count(), sum(totals.bytes.values()))]
    lines = [f"{name:<12}{count:>12,}  {bytes_text(size):>12}" for name, count, size in amounts]
    for failure in failures:
        count = f"failed by {failure.cause}: {failure.count:,}"
        lines.append(f"{count}, such as: {failure.message}")
        lines.append(f"  what to do: {advice_for(failure.cause)}")
        lines += [f"  {uri}" for uri in failure.uris]
        if more := failure.count - len(failure.uris):
            lines.append(f"  and {more:,} more: `apivideo ingest report` lists all of them")
    return lines


@click.command(
    name="retry",
    epilog=examples("apivideo ingest retry", "apivideo ingest retry videos/a.mp4 --quarantined"),
)
@click.argument("names", nargs=-1, metavar="[KEY|URI]...")
@quarantined_option
@ledger_option
@click.pass_obj
def retry(
    session: Session, /, names: tuple[str, ...], quarantined: bool, ledger: Path | None
) -> int:
    """Mark failed items to be tried again: all of them, or the named ones.

    Named items may also be skipped ones.

    The next ingestion processes them. If api.video could not fetch the file of a video and the
    video is still empty, the video is created again.
    """
    states: tuple[State, ...] = ("failed", "quarantined") if quarantined else ("failed",)
    if names:
        states = (*states, "skipped")

    async def work() -> int:
        async with open_ledger(session, ledger) as opened:
            keys = await find_keys(opened, names, states) if names else set()
            again = await opened.retry(states, keys)
        session.terminal.report(f"{len(again):,} item{'s' * (len(again) != 1)} will be tried again")
        if again:
            hint = (
                f"run `apivideo ingest{ledger_argument(ledger)}` without a SOURCE to process them"
            )
            session.terminal.say(hint)
        return 0

    return run(session.terminal, work())


async def find_keys(
    ledger: Ledger, names: tuple[str, ...], states: tuple[State, ...] = ()
) -> set[str]:
    """Find the keys of the named items. Raises ``LedgerError`` for a name that matches none.

    ``states`` limits the items to these states.
    """
    wanted = _aliases(names)
    keys = set()
    found = set()
    # One pass over the ledger for all names: it may hold a million items.
    async for record in ledger.records(states):
        for alias in (record.item.key, record.item.uri, shown(record.item.uri)):
            if alias in wanted:
                keys.add(record.item.key)
                found.add(wanted[alias])
    if missing := [name for name in names if name not in found]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        kind = f"not a {' or '.join(states)} item" if states else "no such item"
        raise LedgerError(f"{kind}: {shown(missing[0])}{more}; nothing was changed")
    return keys


def _aliases(names: tuple[str, ...]) -> dict[str, str]:
    # A name may be a key, an address, an address as displayed (with masked secrets), or a path.
    return {alias: name for name in names for alias in (name, shown(name), os.path.realpath(name))}


@click.command(name="report", epilog=examples("apivideo ingest report report.html items.csv"))
@click.argument("out", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="OUT...")
@ledger_option
@click.pass_obj
def report(session: Session, /, out: tuple[Path, ...], ledger: Path | None) -> int:
    """Write reports about an ingestion, which may be running. No request is sent.

    The extension of OUT selects the format: .html, .json or .csv.
    """
    for path in out:
        check_report(path)

    async def work() -> int:
        failed = 0
        async with open_ledger(session, ledger) as opened:
            for path in out:
                try:
                    await write_report(opened, path, base_url=session.base_url)
                except LedgerError:
                    # An unreadable ledger affects all reports; other errors affect one file.
                    raise
                except ApiVideoError as error:
                    session.terminal.fail(str(error))
                    failed += 1
                else:
                    session.terminal.result(str(path))
        return 1 if failed else 0

    return run(session.terminal, work())
