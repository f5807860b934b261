"""The command ``apivideo distributed worker``."""

import click

from ....client import ApiVideoClient
from ....config import resolve_config
from ....distributed import Worker
from ....errors import ConfigurationError
from ....ingest.item_run import IngestResult
from ....ingest.options import IngestOptions
from ....ingest.stores.redirects import Redirects
from ....ingest.stores.stores import Stores
from ....rate_limit.limiter import Limiter
from ...console.messages import explain
from ...console.terminal import columns
from ...redirects import redirects_option
from ...running import run
from ...session import Session
from .database import database_option

__all__ = ["command"]

SECONDS = click.FloatRange(0, min_open=True)


@click.command(name="worker")
@click.option(
    "--concurrency", type=click.IntRange(1), default=16, show_default=True, help="Items at once."
)
@click.option(
    "--lease",
    type=SECONDS,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long its items stay with a worker that gives no sign of life.",
)
@click.option(
    "--reserve",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    show_default=True,
    metavar="SHARE",
    help="Of the request budget, left to others by all workers together.",
)
@click.option(
    "--sweep",
    type=SECONDS,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Between two searches for items that were lost with a worker.",
)
@redirects_option
@database_option
@click.pass_obj
def command(
    session: Session,
    /,
    concurrency: int,
    lease: float,
    reserve: float,
    sweep: float,
    redirects: Redirects,
    dsn: str,
) -> int:
    """Ingest the enqueued items; any number of workers can run at once.

    Each finished item is printed on one line: video id and source. An interrupt returns the items
    in progress to the queue at once.
    """

    def make_client(limiter: Limiter) -> ApiVideoClient:
        given = session.settings
        return ApiVideoClient(
            given.api_key,
            environment=given.environment,
            base_url=given.base_url,
            auth=given.auth,
            limiter=limiter,
        )

    def told(result: IngestResult) -> None:
        if result.outcome == "done":
            session.terminal.report(columns(result.video_id, result.item.shown))
        elif result.outcome in ("failed", "quarantined") and result.error is not None:
            session.terminal.fail(explain(result.error, session.base_url), prefix=result.item.shown)

    async def work() -> int:
        options = IngestOptions(concurrency=concurrency, lease=lease)
        async with Stores(redirects=redirects) as stores:
            await Worker(
                dsn,
                make_client,
                options=options,
                sweep=sweep,
                reserve=reserve,
                stores=stores,
                on_result=told,
            ).run()
        return 0

    # Report a missing key before the database is opened.
    _check_key(session)
    return run(session.terminal, work(), interrupted=None)


def _check_key(session: Session) -> None:
    given = session.settings
    if (
        resolve_config(
            api_key=given.api_key, environment=given.environment, base_url=given.base_url
        ).api_key
        is None
    ):
        raise ConfigurationError(
            "no API key: set APIVIDEO_API_KEY or give --api-key (before the command)"
        )
