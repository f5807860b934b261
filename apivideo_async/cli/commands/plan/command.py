"""The command ``apivideo plan``: computes the costs of uploads. Nothing is sent.

Local files are planned one by one, with their chunks. All other sources are planned by
:mod:`.sources`, which gives the totals of each ingestion strategy.
"""

import json
import os
from pathlib import Path
from typing import Any, Literal

import click

from ....config import UploadOptions
from ....errors import SourceError
from ....ingest.listing.selection import has_wildcard
from ....uploads.plan import Plan, make_plan
from ...console.formatting import bytes_text, time_text
from ...console.terminal import columns
from ...parameters import Concurrency, Size
from ...running import run
from ...session import Session
from .costs import documented_limits, windows

__all__ = ["command"]


@click.command(name="plan")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=click.Path())
@click.option("--chunk-size", type=Size(), metavar="SIZE", help="Of every chunk but the last.")
@click.option(
    "--concurrency", type=Concurrency(), default="auto", show_default=True, help="Chunks in flight."
)
@click.option(
    "--uploads-per-minute",
    type=click.IntRange(1),
    help="The account's limit, when it has another than is documented: production 100, sandbox 40.",
)
@click.option(
    "--bandwidth",
    type=Size(),
    metavar="SIZE",
    help="Bytes a second that the line carries, such as 12MiB.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def command(
    session: Session,
    /,
    sources: tuple[str, ...],
    chunk_size: int | None,
    concurrency: int | Literal["auto"],
    uploads_per_minute: int | None,
    bandwidth: int | None,
    as_json: bool,
) -> int:
    """Show chunks, requests and the earliest possible end of uploads. Nothing is sent.

    No key is needed. SOURCE is a file or, as for ingest, a folder, a pattern such as
    'videos/**/*.mp4', or an address: s3://, gs://, az://, http(s)://. For sources other than files
    the totals are shown, for sending from this machine and for fetching by api.video. To leave out
    items that a ledger holds, use apivideo ingest --dry-run.
    """
    options = UploadOptions(chunk_size=chunk_size, concurrency=concurrency)
    limits = documented_limits(session)
    if uploads_per_minute is not None:
        limits["uploads"] = uploads_per_minute
    if not all(_is_file(source) for source in sources):
        from .sources import plan_sources

        planning = plan_sources(
            session.terminal, sources, options, limits, bandwidth, as_json=as_json
        )
        return run(session.terminal, planning, lambda: "interrupted; nothing was sent")
    plans = _plans([Path(source) for source in sources], options, limits["uploads"])
    totals = _totals([plan for _, plan in plans], limits["uploads"], bandwidth)
    if as_json:
        rows = [_row(file, plan) for file, plan in plans]
        session.terminal.result(json.dumps({"files": rows, **totals}, indent=2))
        return 0
    for file, plan in plans:
        chunks = (
            "one request"
            if plan.mode == "whole"
            else f"{plan.parts} chunks of {bytes_text(plan.chunk_size)}"
        )
        session.terminal.result(columns(file, bytes_text(plan.total), chunks))
    seconds = time_text(totals["earliest_seconds"])
    session.terminal.result(
        f"{totals['requests']} upload requests, {bytes_text(totals['bytes'])}: "
        f"not before {seconds} from now, bounded by {totals['bound']}"
    )
    return 0


def _is_file(source: str) -> bool:
    """True for a local file, including a missing one. False for folders, patterns and addresses."""
    if "://" in source or Path(source).is_dir():
        return False
    return os.path.lexists(source) or not has_wildcard(source)


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror}") from error


def _plans(files: list[Path], options: UploadOptions, per_minute: int) -> list[tuple[Path, Plan]]:
    """Plan the files in the order in which an upload sends them.

    The chunk size of a file depends on the upload requests that the earlier files leave in the
    first rate window.
    """
    plans: list[tuple[Path, Plan]] = []
    spare = per_minute
    for file in files:
        plan = make_plan(_size_of(file), options, spare)
        spare = max(0, spare - plan.parts)
        plans.append((file, plan))
    return plans


def _row(file: Path, plan: Plan) -> dict[str, Any]:
    return {
        "file": str(file),
        "bytes": plan.total,
        "chunks": plan.parts,
        "chunkSize": plan.chunk_size,
    }


def _totals(plans: list[Plan], per_minute: int, bandwidth: int | None) -> dict[str, Any]:
    """Compute requests, bytes and the earliest end in seconds, with the bound that sets it."""
    requests, size = sum(plan.parts for plan in plans), sum(plan.total for plan in plans)
    bounds = {f"the request budget ({per_minute} a minute)": windows(requests, per_minute)}
    if bandwidth:
        bounds[f"the bandwidth ({bytes_text(bandwidth)}/s)"] = size / bandwidth
    bound = max(bounds, key=lambda name: bounds[name])
    if not bounds[bound]:
        bound = "nothing but the line"
    return {
        "requests": requests,
        "bytes": size,
        "earliest_seconds": max(bounds.values()),
        "bound": bound,
    }
