"""Command groups that suggest a name for one that does not exist, and show whole summaries."""

from difflib import get_close_matches

import click

__all__ = ["NO_LIMIT", "Group"]

NO_LIMIT: int = 10_000
"""Characters: a summary of any length is shown whole."""


class Group(click.Group):
    """A group whose error for an unknown command names similar commands.

    Its help shows the whole first sentence of each command.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of ``args``. Raises ``UsageError`` with suggestions."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            similar = get_close_matches(args[0], self.list_commands(ctx), cutoff=0.7)
            if not similar:
                raise
            meant = " or ".join(similar)
            text = f"No such command {args[0]!r}. Did you mean {meant}?"
            raise click.UsageError(text, ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their summaries, which click would cut at 45 characters."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, command.get_short_help_str(NO_LIMIT))
            for name, command in commands
            if command is not None and not command.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
