"""The command ``apivideo ingest status``."""

import json
from pathlib import Path
from typing import Any

import click

from ....ingest.items import OPEN_STATES, State, Totals
from ....ingest.ledger.ledger import Ledger
from ....ingest.reports.data import Failure, Failures
from ...console.formatting import bytes_text, printable, time_text
from ...running import run
from ...session import Session
from .ledgers import ledger_option, open_ledger

__all__ = ["status"]

STATES: tuple[State, ...] = (*OPEN_STATES, "done", "failed", "quarantined")


@click.command(name="status")
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def status(session: Session, /, ledger: Path | None, as_json: bool) -> int:
    """Show the progress of an ingestion. Nothing is sent. The ingestion may be running."""

    async def work() -> int:
        async with open_ledger(session, ledger) as opened:
            totals, due = await opened.totals(), await opened.next_due()
            failures = await _failures(opened, totals)
        if as_json:
            session.terminal.result(json.dumps(_document(totals, failures, due), indent=2))
        else:
            session.terminal.results(_lines(totals, failures, due))
        return 0

    return run(session.terminal, work(), lambda: "interrupted")


async def _failures(ledger: Ledger, totals: Totals) -> tuple[Failure, ...]:
    failures = Failures()
    if totals.count("failed", "quarantined"):
        async for record in ledger.records(("failed", "quarantined")):
            failures.add(record)
    return failures.listed()


def _document(totals: Totals, failures: tuple[Failure, ...], due: float | None) -> dict[str, Any]:
    return {
        "items": totals.count(),
        "states": {
            state: {"items": totals.count(state), "bytes": totals.bytes.get(state, 0)}
            for state in STATES
            if totals.count(state)
        },
        "sent": totals.sent,
        "nextDueSeconds": None if due is None else round(due, 3),
        "failures": [
            {
                "cause": each.cause,
                "items": each.count,
                "message": each.message,
                "uris": list(each.uris),
            }
            for each in failures
        ],
    }


def _lines(totals: Totals, failures: tuple[Failure, ...], due: float | None) -> list[str]:
    lines = [
        f"{state:<12}{totals.count(state):>12,}  {bytes_text(totals.bytes.get(state, 0)):>12}"
        for state in STATES
        if totals.count(state)
    ]
    lines.append(f"{'all':<12}{totals.count():>12,}  {bytes_text(sum(totals.bytes.values())):>12}")
    lines += [
        printable(f"failed by {each.cause}: {each.count:,}, such as {each.uris[0]}: {each.message}")
        for each in failures
    ]
    if due is not None:
        lines.append(
            "something is due now" if due <= 0 else f"something is due in {time_text(due)}"
        )
    return lines
