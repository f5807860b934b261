"""The command ``apivideo plan``: computes the costs of uploads. Nothing is sent.

Local files are planned one by one. With any other source, only totals are computed.
"""

import asyncio
import os
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal

import click
from attrs import frozen

from ...config import UploadOptions
from ...errors import SourceError
from ...ingest.listing.selection import has_wildcard
from ...uploads.plan import Plan, make_plan
from ..console.formatting import bytes_text
from ..console.terminal import Terminal, columns
from ..crud.columns import Column, named_columns
from ..crud.output import Output, Writer, take_output, with_output
from ..examples import examples
from ..parameters import SIZE
from ..running import run
from ..session import Session
from .costs import Costs, documented_limits, minimum_seconds, minimum_text
from .options import chunk_size_option, concurrency_option

__all__ = ["command"]


@frozen(kw_only=True)
class PlanRequest:
    """The arguments and options of one command line."""

    sources: tuple[str, ...]
    upload: UploadOptions
    limits: dict[str, int]
    bandwidth: int | None
    output: Output


COLUMNS = named_columns(("file", "bytes", "chunks", "chunkSize"))
"""Columns of local files."""
TOTALS = named_columns(
    ("strategy", "uploads", "writes", "reads", "bytes", "earliestSeconds", "bound")
)
"""Columns of other sources: one row for each strategy."""


@click.command(
    name="plan",
    epilog=examples(
        "apivideo plan movie.mp4 other.mp4 --uploads-per-minute 100",
        "apivideo plan s3://archive/2025/ --bandwidth 12MiB",
        "apivideo plan movie.mp4 --output csv",
    ),
)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=click.Path())
@chunk_size_option
@concurrency_option
@click.option(
    "--uploads-per-minute",
    type=click.IntRange(1),
    help="Upload requests per minute of your account. Default: 100 for production, 40 for the "
    "sandbox.",
)
@click.option(
    "--bandwidth",
    type=SIZE,
    metavar="SIZE",
    help="Bytes per second of your connection, such as 12MiB. Default: not taken into account.",
)
@with_output((*COLUMNS, *(each for each in TOTALS if each.name != "bytes")))
@click.pass_obj
def command(
    session: Session,
    /,
    chunk_size: int | None,
    concurrency: int | Literal["auto"],
    uploads_per_minute: int | None,
    **given: Any,
) -> int:
    """Show chunks, requests and the minimum time of uploads. Nothing is sent.

    No API key is needed. SOURCE is a file or, as for `apivideo ingest`, a folder, a pattern such as
    'videos/**/*.mp4', or an address: s3://, gs://, az://, http(s)://. For sources other than files
    the totals are shown, once for sending from this machine and once for fetching by api.video.
    JSON lines, CSV and --columns have a row for each file, or for each strategy.
    """
    output = take_output(given)
    limits = documented_limits(session)
    if uploads_per_minute is not None:
        limits["uploads"] = uploads_per_minute
    upload = UploadOptions(chunk_size=chunk_size, concurrency=concurrency)
    request = PlanRequest(upload=upload, limits=limits, output=output, **given)
    if all(map(_is_file, request.sources)):
        _plan_files(session.terminal, request)
        return 0
    planning = _plan_sources(session, request)
    return run(session.terminal, planning, "interrupted; nothing was sent")


def _is_file(source: str) -> bool:
    """True for a local file, including a missing one. False for folders, patterns and addresses."""
    if "://" in source or Path(source).is_dir():
        return False
    return os.path.lexists(source) or not has_wildcard(source)


def _has_rows(output: Output, known: tuple[Column, ...]) -> bool:
    """Return whether the output has rows. Raises ``UsageError`` for a column that they lack."""
    for column in output.columns or ():
        if column not in known:
            names = ", ".join(each.name for each in known)
            raise click.UsageError(f"no column {column.name} for these sources; columns: {names}")
    return output.columns is not None or output.format in ("jsonl", "csv")


def _plan_files(terminal: Terminal, request: PlanRequest) -> None:
    has_rows = _has_rows(request.output, COLUMNS)
    plans = _plans(request)
    requests = sum(plan.parts for _, plan in plans)
    size = sum(plan.total for _, plan in plans)
    seconds, bound = _minimum(requests, size, request)
    if has_rows:
        rows = (_file_document(file, plan) for file, plan in plans)
        Writer(terminal, request.output, COLUMNS).add_all(rows)
        return
    if request.output.format == "json":
        document = {
            "files": [_file_document(file, plan) for file, plan in plans],
            "requests": requests,
            "bytes": size,
            "earliestSeconds": seconds,
            "bound": bound,
        }
        terminal.json(document)
        return
    for file, plan in plans:
        chunks = f"{plan.parts} chunks of {bytes_text(plan.chunk_size)}"
        chunks = "one request" if plan.mode == "whole" else chunks
        terminal.result(columns(file, bytes_text(plan.total), chunks))
    minimum = minimum_text(seconds, bound)
    terminal.result(f"{requests} upload requests, {bytes_text(size)}: {minimum}")


def _file_document(file: str, plan: Plan) -> dict[str, Any]:
    size = plan.chunk_size
    return {"file": file, "bytes": plan.total, "chunks": plan.parts, "chunkSize": size}


def _plans(request: PlanRequest) -> list[tuple[str, Plan]]:
    plans = []
    # The chunk size of a file depends on the requests that the earlier files leave in the window.
    spare = request.limits["uploads"]
    for file in request.sources:
        try:
            size = Path(file).stat().st_size
        except OSError as error:
            raise SourceError(f"cannot read {file}: {error.strerror}") from error
        plan = make_plan(size, request.upload, spare)
        spare = max(0, spare - plan.parts)
        plans.append((file, plan))
    return plans


def _minimum(requests: int, size: int, request: PlanRequest) -> tuple[float, str]:
    per_minute = request.limits["uploads"]
    budget = f"the request budget ({per_minute} a minute)"
    bounds = {budget: minimum_seconds(requests, per_minute)}
    if request.bandwidth:
        bounds[f"the bandwidth ({bytes_text(request.bandwidth)}/s)"] = size / request.bandwidth
    bound = max(bounds, key=lambda name: bounds[name])
    return bounds[bound], bound if bounds[bound] else "the connection"


async def _plan_sources(session: Session, request: PlanRequest) -> int:
    # Planning local files does not need these modules.
    from ...ingest.stores.stores import Stores
    from .sources import check_path, list_all

    terminal = session.terminal
    has_rows = _has_rows(request.output, TOTALS)
    for source in request.sources:
        if "://" not in source:
            await asyncio.to_thread(check_path, source)
    costs = Costs(request.upload, keep_key=True)
    count = 0
    async with (
        Stores(**session.settings.network_arguments()) as stores,
        aclosing(list_all(request.sources, stores, terminal.note)) as items,
    ):
        async for item in items:
            costs.add(item)
            count += 1
    totals = costs.document(request.limits, request.bandwidth)
    if has_rows:
        rows = [{"strategy": name, **totals[name]} for name in ("stream", "pull") if totals[name]]
        Writer(terminal, request.output, TOTALS).add_all(rows)
    elif request.output.format == "json":
        document = {"sources": count, "bytes": costs.bytes, **totals}
        terminal.json(document)
    else:
        terminal.result(f"{count:,} sources, {bytes_text(costs.bytes)}")
        costs.write(terminal, request.limits, request.bandwidth)
    return 0
