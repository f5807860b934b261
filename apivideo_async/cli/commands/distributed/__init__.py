"""The commands ``apivideo distributed``, one module each."""

import click

from ...app import LazyGroup

__all__ = ["command"]

COMMANDS = {
    "init": (".init", "Make the tables in the database."),
    "enqueue": (".enqueue", "Hand sources to the workers."),
    "worker": (".worker", "Ingest what is handed in, until interrupted."),
    "status": (".status", "Show how far everything is."),
    "retry": (".retry", "Hand in again what failed."),
    "report": (".report", "Write a report about everything."),
}


class _Group(LazyGroup):
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        try:
            return super().get_command(ctx, cmd_name)
        except ModuleNotFoundError as error:
            # The subpackage reports a missing extra with the pip command to run.
            if "pip install" not in str(error):
                raise
            raise click.ClickException(str(error)) from error


@click.group(
    cls=_Group, modules=COMMANDS, package=__package__, name="distributed", no_args_is_help=True
)
def command() -> None:
    """Ingest with workers on many machines.

    The ledger and the queue are in one PostgreSQL database: set --database or
    APIVIDEO_DATABASE_URL.
    """
