"""The commands ``apivideo distributed``."""

import click

from ...app import LazyGroup
from ...examples import examples

__all__ = ["command"]

COMMANDS = {
    "Commands": {
        "init": (".commands:init", "Create the tables in the database."),
        "migrate": (".commands:migrate", "Change the ledger's tables to this version."),
        "enqueue": (".commands:enqueue", "Add sources to the ledger and the queue."),
        "worker": (".commands:worker", "Ingest enqueued items until interrupted."),
        "status": (".commands:status", "Show the items, the jobs and the live workers."),
        "retry": (".commands:retry", "Enqueue failed items again."),
        "report": (".commands:report", "Write a report about all items."),
    }
}
EXTRA_PACKAGES = ("procrastinate", "psycopg", "psycopg_pool")


class _Group(LazyGroup):
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        try:
            return super().get_command(ctx, cmd_name)
        except ModuleNotFoundError as error:
            if error.name not in EXTRA_PACKAGES:
                raise
            # `apivideo_async.distributed` reports a missing extra with the pip command to run.
            raise click.ClickException(str(error)) from error


@click.group(
    cls=_Group,
    modules=COMMANDS,
    package=__package__,
    name="distributed",
    no_args_is_help=True,
    epilog=examples(
        "apivideo distributed init",
        "apivideo distributed enqueue s3://archive/2025/",
        "apivideo distributed worker --items 8",
    ),
)
def command() -> None:
    """Ingest with workers on many machines, which share one PostgreSQL database."""
