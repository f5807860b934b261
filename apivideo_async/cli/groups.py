"""Command groups that suggest a name for one that does not exist."""

from difflib import get_close_matches

import click

__all__ = ["Group"]


class Group(click.Group):
    """A group whose error for an unknown command names similar commands."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of ``args``. Raises ``UsageError`` with suggestions."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            similar = get_close_matches(args[0], self.list_commands(ctx), cutoff=0.7)
            if similar:
                error.message = f"{error.message.rstrip('.')}. Did you mean {' or '.join(similar)}?"
            raise
