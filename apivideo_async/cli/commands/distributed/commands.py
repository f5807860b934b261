"""The commands ``apivideo distributed``. All but the worker only use the database."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import click

from ....distributed import Distributed, Worker, init_database, migrate_database
from ....distributed.dsn import secrets_of
from ....errors import SourceError
from ....ingest.item_run import IngestResult
from ....ingest.items import Item, State, Strategy
from ....ingest.ledger.database import SCHEMA_VERSION
from ....ingest.listing.manifest import check_manifest, open_manifest, read_manifest
from ....ingest.options import IngestOptions, OnChange
from ....ingest.reports.files import check_report, write_report
from ....ingest.stores.redirects import Redirects
from ....ingest.stores.stores import Stores
from ...console.formatting import bytes_text
from ...console.messages import explain
from ...console.terminal import columns
from ...crud.formatting import field_lines
from ...crud.output import take_output, with_output
from ...examples import examples
from ...limit_rate import RateSchedule, limit_rate_option, limiting
from ...running import run
from ...session import Session
from ..monitoring import Address, Monitor, listen_option, monitoring
from ..options import (
    drain_option,
    items_and_upload,
    items_option,
    manifest_option,
    on_change_option,
    outage_option,
    quarantined_option,
    redirects_option,
    reserve_option,
    sending_options,
    strategy_option,
)
from ..sources import CHOICE, Choice, list_all, take_choice
from ..telemetry import tracing
from ..totals import COLUMNS, totals_document, workers_document, write_totals

__all__ = ["enqueue", "init", "migrate", "report", "retry", "status", "worker"]

SECONDS = click.FloatRange(0, min_open=True)


def _require_dsn(ctx: click.Context, parameter: click.Parameter, dsn: str | None) -> str:
    if not dsn:
        raise click.UsageError("no database: set APIVIDEO_DATABASE_URL or give --database", ctx)
    ctx.ensure_object(Session).terminal.hide(dsn, *secrets_of(dsn))
    return dsn


database_option: Callable[[Any], Any] = click.option(
    "--database",
    "dsn",
    metavar="DSN",
    envvar="APIVIDEO_DATABASE_URL",
    callback=_require_dsn,
    help="Database, such as postgresql://user:password@host/name. Default: APIVIDEO_DATABASE_URL.",
)


def _with_database(
    session: Session, dsn: str, work: Callable[[Distributed], Awaitable[None]]
) -> int:
    async def connected() -> int:
        async with tracing(session), Distributed(dsn) as database:
            await work(database)
        return 0

    return run(session.terminal, connected())


@click.command(
    name="init", epilog=examples("apivideo distributed init --database postgresql://host/videos")
)
@database_option
@click.pass_obj
def init(session: Session, /, dsn: str) -> int:
    """Create the ledger's and Procrastinate's tables. Existing tables are kept."""

    async def work() -> int:
        await init_database(dsn)
        session.terminal.report("the database is ready")
        return 0

    return run(session.terminal, work())


@click.command(
    name="migrate",
    epilog=examples("apivideo distributed migrate --database postgresql://host/videos"),
)
@database_option
@click.pass_obj
def migrate(session: Session, /, dsn: str) -> int:
    """Change the ledger's tables to the layout of this version. Its items are kept.

    Workers of the former version may go on until they are replaced.
    """

    async def work() -> int:
        former = await migrate_database(dsn)
        known = former == SCHEMA_VERSION
        text = "has the present layout" if known else f"was changed from the layout {former}"
        session.terminal.report(f"the database {text}")
        return 0

    return run(session.terminal, work())


@click.command(
    name="enqueue",
    params=[*CHOICE],
    epilog=examples(
        "apivideo distributed enqueue s3://archive/2025/ --strategy auto",
        "apivideo distributed enqueue --manifest videos.csv",
    ),
)
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@manifest_option
@strategy_option
@database_option
@click.pass_obj
def enqueue(
    session: Session,
    /,
    sources: Sequence[str],
    manifest: Path | None,
    strategy: Strategy,
    dsn: str,
    **given: Any,
) -> int:
    """Add sources to the ledger and the queue. Known sources are not added again.

    SOURCE is a file, a folder, a pattern, or an address such as s3://bucket/folder/.
    """
    if not sources and manifest is None:
        raise click.UsageError("name a SOURCE or a --manifest")
    items = _items(session, sources, manifest, strategy, take_choice(given))

    async def work(database: Distributed) -> None:
        count = new = refused = 0
        try:
            async for added in database.deferring(items):
                count += len(added.keys)
                new += len(added.new)
                refused += len(added.refused)
                for item, error in added.refused:
                    session.terminal.fail(f"{item.shown} is left out: {error}")
        finally:
            # Report also after an error: the batches entered so far remain in the ledger.
            session.terminal.report(f"{count} items, {new} of them new")
        if refused:
            raise SourceError(
                f"{refused} items were left out, as reported above; the others were enqueued"
            )

    return _with_database(session, dsn, work)


async def _items(
    session: Session,
    sources: Sequence[str],
    manifest: Path | None,
    strategy: Strategy,
    choice: Choice,
) -> AsyncGenerator[Item, None]:
    on_problem = session.terminal.note
    async with Stores(**session.settings.network_arguments()) as stores:
        if manifest is not None:
            async with open_manifest(manifest) as opened:
                await check_manifest(opened)
                listing = choice.defaults.over(read_manifest(opened, strategy=strategy))
                async with aclosing(listing) as items:
                    async for item in items:
                        yield item
        found = list_all(sources, stores, on_problem, choice=choice, strategy=strategy)
        async with aclosing(choice.defaults.over(found)) as items:
            async for item in items:
                yield item


@click.command(
    name="status",
    epilog=examples("apivideo distributed status", "apivideo distributed status --output csv"),
)
@with_output(COLUMNS)
@database_option
@click.pass_obj
def status(session: Session, /, dsn: str, **given: Any) -> int:
    """Show the items in each state, the jobs in the queue, and the live workers.

    JSON lines, CSV and --columns have a row for each state of the items.
    """
    output = take_output(given)

    async def work(database: Distributed) -> None:
        totals = await database.totals()
        if write_totals(session.terminal, output, totals):
            return
        jobs = await database.jobs()
        live, workers = await database.queue.live_workers(), await database.ledger.workers()
        if output.format == "json":
            with_items = workers_document(workers)
            document = {**totals_document(totals), "jobs": attrs.asdict(jobs)}
            session.terminal.json({**document, "liveWorkers": live, "workers": with_items})
            return
        rows: list[tuple[str, object]] = [("items", totals.count())]
        for state, count in totals.items.items():
            rows.append((state, f"{count} ({bytes_text(totals.bytes[state])})"))
        rows.append(("sent", bytes_text(totals.sent)))
        queue = f"{jobs.waiting} waiting, {jobs.running} running"
        rows += [("jobs", queue), ("workers", f"{live} live")]
        rows += [(f"worker {name}", f"{count} items") for name, count in workers.items()]
        session.terminal.results(field_lines(rows))

    return _with_database(session, dsn, work)


@click.command(
    name="retry",
    epilog=examples(
        "apivideo distributed retry", "apivideo distributed retry s3://archive/2025/a.mp4"
    ),
)
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@quarantined_option
@database_option
@click.pass_obj
def retry(session: Session, /, keys: tuple[str, ...], quarantined: bool, dsn: str) -> int:
    """Enqueue failed items again: all of them, or those with the given keys."""
    states: list[State] = ["failed", "quarantined"] if quarantined else ["failed"]

    async def work(database: Distributed) -> None:
        again = await database.retry(states, keys)
        session.terminal.report(f"{len(again)} items enqueued again")

    return _with_database(session, dsn, work)


@click.command(name="report", epilog=examples("apivideo distributed report report.html"))
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@database_option
@click.pass_obj
def report(session: Session, /, path: Path, dsn: str) -> int:
    """Write a report about all items. The extension of FILE selects .html, .csv or .json."""
    check_report(path)

    async def work(database: Distributed) -> None:
        await write_report(database.ledger, path, base_url=session.base_url)
        session.terminal.result(str(path))

    return _with_database(session, dsn, work)


@asynccontextmanager
async def _monitoring(
    session: Session, listen: Address | None, dsn: str, workers: list[Worker]
) -> AsyncIterator[Monitor]:
    """Serve the metrics with a connection of their own, so that they never wait for the worker."""
    if listen is None:
        yield lambda client: client
        return
    async with (
        Distributed(dsn, connections=1, outage_timeout=5.0) as database,
        monitoring(
            session,
            listen,
            database.ledger,
            live_workers=database.queue.live_workers,
            draining=lambda: any(worker.draining for worker in workers),
        ) as monitor,
    ):
        yield monitor


@click.command(
    name="worker",
    epilog=examples(
        "apivideo distributed worker",
        "apivideo distributed worker --items 8 --reserve 0.2 --limit-rate 20M",
    ),
)
@sending_options
@items_option
@click.option(
    "--lease",
    type=SECONDS,
    default=60.0,
    metavar="SECONDS",
    help="Time after which other workers may take over the items of a silent worker.",
)
@on_change_option
@reserve_option
@limit_rate_option
@redirects_option
@outage_option
@listen_option
@drain_option
@database_option
@click.pass_obj
def worker(
    session: Session,
    /,
    lease: float,
    on_change: OnChange,
    limit_rate: RateSchedule | None,
    redirects: Redirects,
    outage_timeout: float | None,
    listen: Address | None,
    drain: float,
    dsn: str,
    **given: Any,
) -> int:
    """Ingest the enqueued items. Any number of workers can run at once.

    Each finished item is printed on one line: video id and source. Ctrl-C returns unfinished items
    to the queue at once; SIGTERM first waits for them (--drain). The exit code is then 0.
    """
    items, upload = items_and_upload(given)
    options = IngestOptions(concurrency=items, lease=lease, on_change=on_change, upload=upload)
    if outage_timeout is not None:
        options = attrs.evolve(options, outage_timeout=outage_timeout)
    settings = session.settings
    settings.resolve()  # Report a missing key before the database is opened.

    def write_result(result: IngestResult) -> None:
        if result.outcome in ("done", "known"):
            session.terminal.report(columns(result.video_id, result.item.shown))
        elif result.outcome in ("failed", "quarantined", "skipped") and result.error is not None:
            session.terminal.fail(explain(result.error, session.base_url), prefix=result.item.shown)

    running: list[Worker] = []

    def start_drain() -> bool:
        for one in running:
            session.terminal.say(f"SIGTERM: items in progress have {drain:g} s to finish")
            one.drain(drain)
        return bool(running)

    async def work() -> int:
        async with (
            tracing(session),
            _monitoring(session, listen, dsn, running) as monitor,
            Stores(redirects=redirects, **settings.network_arguments()) as stores,
            limiting(limit_rate) as limit,
        ):
            instance = Worker(
                dsn,
                lambda limiter: monitor(limit(settings.make_client(limiter=limiter))),
                options=options,
                stores=stores,
                on_result=write_result,
                **given,  # `reserve`
            )
            running.append(instance)
            await instance.run()
        return 0

    return run(session.terminal, work(), interrupted=None, drain=start_drain)
