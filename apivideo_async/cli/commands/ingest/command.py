"""The command ``apivideo ingest SOURCE...``, which is also the group of the ledger commands."""

from pathlib import Path
from typing import Any

import click
from attrs import evolve
from click.shell_completion import CompletionItem

from ....ingest.items import Strategy
from ....ingest.listing.fields import COLUMNS
from ....ingest.options import IngestOptions, OnChange
from ....ingest.reports.files import check_report
from ...examples import examples
from ...groups import NO_LIMIT
from ...limit_rate import limit_rate_option
from ...parameters import json_option
from ...running import run
from ...session import Session
from ..monitoring import listen_option
from ..options import (
    drain_option,
    former_chunks_option,
    items_and_upload,
    items_option,
    manifest_option,
    on_change_option,
    outage_option,
    redirects_option,
    reserve_option,
    sending_options,
    strategy_option,
)
from ..sources import CHOICE, take_choice
from .dry_run import DryRun
from .ingest_run import IngestRun
from .item_commands import forget, items, prune, show, skip
from .ledger_commands import find_ledger, ledger_argument, ledger_option, report, retry, status
from .request import IngestRequest

__all__ = ["command"]

SUBCOMMANDS: dict[str, click.Command] = {
    command.name or "": command
    for command in (status, items, show, retry, skip, forget, prune, report)
}


class _IngestCommand(click.Command):
    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("Manifest columns (JSON members)"):
            formatter.write_dl(list(COLUMNS.items()))
        with formatter.section("Commands (write a source with such a name as ./status)"):
            formatter.write_dl(
                [(name, each.get_short_help_str(NO_LIMIT)) for name, each in SUBCOMMANDS.items()]
            )


class _IngestGroup(click.Group):
    """Runs a subcommand if the first word is its name, otherwise ``ingest_command``."""

    def __init__(self, ingest_command: click.Command) -> None:
        super().__init__(
            "ingest", SUBCOMMANDS, help=ingest_command.help, epilog=ingest_command.epilog
        )
        self.default_command: click.Command = ingest_command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        if args and args[0] in SUBCOMMANDS:
            return super().make_context(info_name, args, parent, **extra)
        return self.default_command.make_context(info_name, args, parent, **extra)


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    names = [] if ctx.params.get("sources") else list(SUBCOMMANDS)
    offered = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return [*offered, CompletionItem(incomplete, type="file")]


@click.command(
    name="ingest",
    cls=_IngestCommand,
    params=[*CHOICE],
    epilog=examples(
        "apivideo ingest 'videos/**/*.mp4' --dry-run",
        "apivideo ingest s3://archive/2025/ --strategy pull --report report.html",
        "apivideo ingest --manifest videos.csv --items 8",
        "apivideo ingest incoming/ --watch",
        "apivideo ingest status",
    ),
)
@click.argument("sources", nargs=-1, metavar="SOURCE...", shell_complete=_complete)
@manifest_option
@strategy_option
@on_change_option
@sending_options
@items_option
@former_chunks_option
@reserve_option
@limit_rate_option
@redirects_option
@outage_option
@listen_option
@drain_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="List the items and the requests that they need. No item is ingested.",
)
@click.option(
    "--watch", is_flag=True, help="Watch folders: ingest existing and new files until interrupted."
)
@click.option(
    "--settle",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="Ingest a file only when it has not been written to for so long. Default: 5 with --watch, "
    "otherwise 0.",
)
@click.option(
    "--keep-key/--drop-key",
    default=True,
    help="Whether videos keep the metadata pairs ingestKey and ingestLedger.",
)
@click.option(
    "--update",
    is_flag=True,
    help="Change the videos of known items whose fields in the manifest were changed: one write "
    "request for each.",
)
@click.option(
    "--report",
    "reports",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Write a report at the end, as .html, .json or .csv; repeat for more.",
)
@ledger_option
@json_option
@click.option("--jsonl", "as_lines", is_flag=True, help="Print one JSON object for each result.")
@click.pass_obj
def ingest(
    session: Session,
    /,
    strategy: Strategy,
    keep_key: bool,
    update: bool,
    on_change: OnChange,
    dry_run: bool,
    ledger: Path | None,
    outage_timeout: float | None,
    **given: Any,
) -> int:
    """Upload many files to api.video, each exactly once.

    SOURCE is a file, a folder, a pattern such as 'videos/**/*.mp4', or an address: s3://, gs://,
    az://, http(s)://. A ledger records every source. After an interruption, even a crash, the same
    command continues. Without any SOURCE, the open items of the ledger are ingested.

    Exit code 1 if an item of the ledger has failed, or if api.video is unavailable for too long;
    143 after SIGTERM if items are open (--drain), but 0 with --watch.
    """
    items, upload = items_and_upload(given)
    options = IngestOptions(
        strategy=strategy,
        concurrency=items,
        keep_key=keep_key,
        on_change=on_change,
        update=update,
        upload=upload,
    )
    if outage_timeout is not None or given["watch"]:
        options = evolve(options, outage_timeout=outage_timeout)
    # The remaining options have the names of the fields.
    request = IngestRequest(
        options=options,
        choice=take_choice(given),
        ledger=find_ledger(session, ledger),
        ledger_argument=ledger_argument(ledger),
        **given,
    )
    _check(request, dry_run=dry_run)
    if dry_run:
        listing = DryRun(session, request).run()
        return run(session.terminal, listing, "interrupted; nothing was sent")
    work = IngestRun(session, request)
    return run(session.terminal, work.run(), work.interrupted, work.drain)


command: _IngestGroup = _IngestGroup(ingest)


def _check(request: IngestRequest, *, dry_run: bool) -> None:
    if request.as_json and request.as_lines:
        raise click.UsageError("--json prints one document, --jsonl prints lines: choose one")
    if request.watch and not request.sources:
        raise click.UsageError("--watch needs a folder as SOURCE")
    if request.continues and (dry_run or not request.ledger.exists()):
        raise click.UsageError(
            "name a SOURCE or a --manifest: there are no open items to continue with"
        )
    for path in request.reports:
        check_report(path)
