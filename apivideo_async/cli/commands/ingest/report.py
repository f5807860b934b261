"""The command ``apivideo ingest report``."""

from pathlib import Path

import click

from ....errors import ApiVideoError, LedgerError
from ....ingest.reports.files import check_report, write_report
from ...running import run
from ...session import Session
from .ledgers import ledger_option, open_ledger

__all__ = ["report"]


@click.command(name="report")
@click.argument("out", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="OUT...")
@ledger_option
@click.pass_obj
def report(session: Session, /, out: tuple[Path, ...], ledger: Path | None) -> int:
    """Write reports. OUT ends in .html, .json or .csv.

    Nothing is sent. The ingestion may be running.
    """
    for path in out:
        check_report(path)

    async def work() -> int:
        async with open_ledger(session, ledger) as opened:
            failed = 0
            for path in out:
                try:
                    await write_report(opened, path)
                except LedgerError:
                    # An unreadable ledger affects all reports; other errors affect one file.
                    raise
                except ApiVideoError as error:
                    session.terminal.fail(str(error))
                    failed += 1
                else:
                    session.terminal.result(str(path))
        return 1 if failed else 0

    return run(session.terminal, work(), lambda: "interrupted")
