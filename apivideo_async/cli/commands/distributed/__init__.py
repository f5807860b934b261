"""The commands ``apivideo distributed``."""

import click

from ...app import LazyGroup

__all__ = ["command"]

COMMANDS = {
    "init": (".database:init", "Create the tables in the database."),
    "enqueue": (".database:enqueue", "Add sources to the ledger and the queue."),
    "worker": (".worker", "Ingest enqueued items until interrupted."),
    "status": (".database:status", "Show the number of items and jobs in each state."),
    "retry": (".database:retry", "Enqueue failed items again."),
    "report": (".database:report", "Write a report about all items."),
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
    cls=_Group, modules=COMMANDS, package=__package__, name="distributed", no_args_is_help=True
)
def command() -> None:
    """Ingest with workers on many machines.

    The ledger and the queue are in one PostgreSQL database: set --database or
    APIVIDEO_DATABASE_URL.
    """
