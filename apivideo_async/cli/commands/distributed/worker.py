"""The command ``apivideo distributed worker``."""

from typing import Any

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
from ...running import run
from ...session import Session
from ..options import redirects_option, reserve_option
from .database import database_option

__all__ = ["command"]

SECONDS = click.FloatRange(0, min_open=True)


@click.command(name="worker")
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    default=16,
    help="Number of items processed at the same time.",
)
@click.option(
    "--lease",
    type=SECONDS,
    default=60.0,
    metavar="SECONDS",
    help="Time after which other workers may take over the items of a worker that stopped "
    "responding.",
)
@reserve_option
@click.option(
    "--sweep",
    type=SECONDS,
    default=60.0,
    metavar="SECONDS",
    help="Interval between two searches for items that have no job in the queue.",
)
@redirects_option
@database_option
@click.pass_obj
def command(
    session: Session,
    /,
    concurrency: int,
    lease: float,
    redirects: Redirects,
    dsn: str,
    **given: Any,
) -> int:
    """Ingest the enqueued items. Any number of workers can run at once.

    Each finished item is printed on one line: video id and source. An interrupted worker returns
    its unfinished items to the queue at once.
    """
    settings = session.settings
    config = resolve_config(
        api_key=settings.api_key, environment=settings.environment, base_url=settings.base_url
    )
    # Report a missing key before the database is opened.
    if config.api_key is None:
        raise ConfigurationError(
            "no API key: set APIVIDEO_API_KEY or give --api-key (before the command)"
        )

    def make_client(limiter: Limiter) -> ApiVideoClient:
        return ApiVideoClient(
            settings.api_key,
            environment=settings.environment,
            base_url=settings.base_url,
            auth=settings.auth,
            limiter=limiter,
        )

    def write_result(result: IngestResult) -> None:
        if result.outcome == "done":
            session.terminal.report(columns(result.video_id, result.item.shown))
        elif result.outcome in ("failed", "quarantined") and result.error is not None:
            session.terminal.fail(explain(result.error, session.base_url), prefix=result.item.shown)

    async def work() -> int:
        async with Stores(redirects=redirects) as stores:
            worker = Worker(
                dsn,
                make_client,
                options=IngestOptions(concurrency=concurrency, lease=lease),
                stores=stores,
                on_result=write_result,
                **given,  # `reserve` and `sweep`
            )
            await worker.run()
        return 0

    return run(session.terminal, work(), interrupted=None)
