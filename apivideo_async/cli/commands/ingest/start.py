"""The command ``apivideo ingest SOURCE...``."""

from pathlib import Path
from typing import Any, Literal

import click
from click.shell_completion import CompletionItem

from ....config import UploadLimits, UploadOptions
from ....ingest.items import Strategy
from ....ingest.options import IngestOptions
from ....ingest.reports.files import check_report
from ...parameters import Concurrency, Size
from ...redirects import redirects_option
from ...running import run
from ...session import Session
from .asked import IngestRequest
from .dry_run import DryRun
from .ledgers import find_ledger, ledger_option
from .work import Work

__all__ = ["start"]

WORDS = ("status", "retry", "report")
"""Words that are commands if they come first; used by the completion."""


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete files and, for the first source, the commands of the group."""
    words = () if ctx.params.get("sources") else WORDS
    offered = [CompletionItem(word) for word in words if word.startswith(incomplete)]
    return [*offered, CompletionItem(incomplete, type="file")]


@click.command(name="ingest")
@click.argument("sources", nargs=-1, metavar="SOURCE...", shell_complete=_complete)
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A JSONL or CSV file with a source and the fields of its video on each line.",
)
@click.option(
    "--strategy",
    type=click.Choice(["stream", "pull", "auto"]),
    default="stream",
    show_default=True,
    help="Send the bytes from here, let api.video fetch them, or whichever works.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=16,
    show_default=True,
    help="Items at once.",
)
@click.option("--chunk-size", type=Size(), help="As for upload; chosen from the size otherwise.")
@click.option(
    "--chunks",
    type=Concurrency(),
    default="auto",
    show_default=True,
    help="Chunks at once, of all items.",
)
@click.option(
    "--smallest-chunk", type=Size(), hidden=True, help="For an emulator with other limits."
)
@click.option(
    "--reserve",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    metavar="SHARE",
    help="Share of the request budget, 0 to below 1, that is left to others.",
)
@redirects_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show what would be ingested and what it would take; send nothing.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Watch folders: ingest what is there and what arrives, until interrupted.",
)
@click.option(
    "--settle",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="Leave a file alone that was written to so lately; 5 with --watch, else 0.",
)
@click.option(
    "--keep-key/--drop-key",
    default=True,
    help="Leave the metadata pairs ingestKey and ingestLedger with the videos, or not.",
)
@click.option(
    "--report",
    "reports",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Write a report at the end: .html, .json or .csv; repeat for more.",
)
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON document.")
@click.option("--jsonl", "as_lines", is_flag=True, help="A line of JSON for each result.")
@click.pass_obj
def start(
    session: Session,
    /,
    strategy: Strategy,
    concurrency: int,
    chunk_size: int | None,
    chunks: int | Literal["auto"],
    smallest_chunk: int | None,
    keep_key: bool,
    dry_run: bool,
    **given: Any,
) -> int:
    """Upload many files to api.video, each exactly once.

    SOURCE is a file, a folder, a pattern such as 'videos/**/*.mp4', or an address: s3://, gs://,
    az://, http(s)://. A ledger records every source. After an interruption, even a crash, the same
    command continues. Without any SOURCE, the open items of the ledger are ingested.

    Exit code 0 if everything in the ledger is done, 1 if something failed. A watched folder ends
    with Ctrl-C and exit code 0.
    """
    limits = (
        UploadLimits() if smallest_chunk is None else UploadLimits(smallest_chunk=smallest_chunk)
    )
    upload = UploadOptions(chunk_size=chunk_size, concurrency=chunks, limits=limits)
    options = IngestOptions(
        strategy=strategy, concurrency=concurrency, keep_key=keep_key, upload=upload
    )
    # The other options have the names of the fields.
    request = IngestRequest(
        options=options, **{**given, "ledger": find_ledger(session, given["ledger"])}
    )
    _check(request, dry_run=dry_run)
    if dry_run:
        return run(
            session.terminal,
            DryRun(session, request).run(),
            lambda: "interrupted; nothing was sent",
        )
    work = Work(session, request)
    return run(session.terminal, work.run(), work.interrupted)


def _check(request: IngestRequest, *, dry_run: bool) -> None:
    """Raise ``UsageError`` for options that exclude each other."""
    if request.as_json and request.as_lines:
        raise click.UsageError("--json writes one document, --jsonl lines: choose one")
    if request.watch and not request.sources:
        raise click.UsageError("--watch needs a folder as SOURCE")
    if request.continues and (dry_run or not request.ledger.exists()):
        raise click.UsageError("name a SOURCE or a --manifest: there is nothing to continue")
    for path in request.reports:
        check_report(path)
