"""The group ``apivideo ingest``, which is also a command.

If the first word is ``status``, ``retry`` or ``report``, the group runs that command. Otherwise
all words are sources and options of the command ``start``.
"""

from typing import Any

import click

from .report import report
from .retry import retry
from .start import start
from .status import status

__all__ = ["command"]


class FirstWord(click.Group):
    """A group that runs ``otherwise`` unless the first word names one of its commands."""

    def __init__(self, otherwise: click.Command, commands: list[click.Command]) -> None:
        super().__init__(otherwise.name, commands, help=otherwise.help)
        self._otherwise = otherwise

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Make the context of the command that the first word selects."""
        if args and args[0] in self.commands:
            return super().make_context(info_name, args, parent, **extra)
        return self._otherwise.make_context(info_name, args, parent, **extra)


class Start(click.Command):
    """The command that ingests; its help also lists the commands of the group."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, followed by the commands of the group."""
        super().format_options(ctx, formatter)
        # `command` is the group defined below.
        with formatter.section("Commands (a source of such a name is written ./status)"):
            formatter.write_dl(
                [(name, each.get_short_help_str(60)) for name, each in command.commands.items()]
            )


command: FirstWord = FirstWord(
    Start(name="ingest", callback=start.callback, params=start.params, help=start.help),
    [status, retry, report],
)
