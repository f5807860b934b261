"""The first word decides: ``status``, ``retry`` and ``report`` are commands, everything else is a source."""

from typing import Any

import click

from .report import report
from .retry import retry
from .start import start
from .status import status

__all__ = ["command"]


class FirstWord(click.Group):
    """A group that is another command, unless the first word names one of its own."""

    def __init__(self, otherwise: click.Command, commands: list[click.Command]) -> None:
        super().__init__(otherwise.name, commands, help=otherwise.help)
        self._otherwise = otherwise

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Choose by the first word."""
        if args and args[0] in self.commands:
            return super().make_context(info_name, args, parent, **extra)
        return self._otherwise.make_context(info_name, args, parent, **extra)


class Start(click.Command):
    """Names the commands beside it in its help."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands after the options."""
        super().format_options(ctx, formatter)
        with formatter.section("Commands (a source of such a name is written ./status)"):
            formatter.write_dl([(name, each.get_short_help_str(60)) for name, each in command.commands.items()])


command: FirstWord = FirstWord(
    Start(name="ingest", callback=start.callback, params=start.params, help=start.help), [status, retry, report]
)
