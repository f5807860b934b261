"""The command ``apivideo ingest retry``."""

import os
from pathlib import Path

import click

from ....errors import LedgerError
from ....ingest.items import State
from ....ingest.ledger.ledger import Ledger
from ....ingest.uris import shown
from ...running import run
from ...session import Session
from .ledgers import ledger_option, open_ledger

__all__ = ["retry"]


@click.command(name="retry")
@click.argument("names", nargs=-1, metavar="[KEY|URI]...")
@click.option(
    "--quarantined",
    is_flag=True,
    help="Also those that several videos claim; delete the wrong ones first.",
)
@ledger_option
@click.pass_obj
def retry(
    session: Session, /, names: tuple[str, ...], quarantined: bool, ledger: Path | None
) -> int:
    """Mark failed items to be tried again: all of them, or the named ones.

    The next ingestion processes them. If api.video could not fetch the file of a video and the
    video is still empty, the video is created again.
    """
    states: tuple[State, ...] = ("failed", "quarantined") if quarantined else ("failed",)

    async def work() -> int:
        async with open_ledger(session, ledger) as opened:
            keys = await _keys(opened, names, states) if names else set()
            again = await opened.retry(states, keys)
        session.terminal.report(f"{len(again):,} items will be tried again")
        if again:
            session.terminal.say("apivideo ingest, without a source, goes on with them")
        return 0

    return run(session.terminal, work(), lambda: "interrupted")


async def _keys(ledger: Ledger, names: tuple[str, ...], states: tuple[State, ...]) -> set[str]:
    """Find the keys of the named items. Raises ``LedgerError`` before any item is changed.

    The error is raised if a name matches no item in one of the states.
    """
    # One pass over the ledger for all names: it may hold a million items.
    wanted = _aliases(names)
    keys, found = set(), set()
    async for record in ledger.records(states):
        # A name may be a key, an address, an address as displayed (with masked secrets), or a path.
        for alias in (record.item.key, record.item.uri, shown(record.item.uri)):
            if alias in wanted:
                keys.add(record.item.key)
                found.add(wanted[alias])
    if missing := [name for name in names if name not in found]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise LedgerError(
            f"no {' or '.join(states)} item is {shown(missing[0])}{more}: nothing was changed"
        )
    return keys


def _aliases(names: tuple[str, ...]) -> dict[str, str]:
    return {alias: name for name in names for alias in (name, shown(name), os.path.realpath(name))}
