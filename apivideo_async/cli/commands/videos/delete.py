"""The command ``apivideo videos delete``."""

import click

from ...crud.deletion import delete_command
from .shown import VIDEO

__all__ = ["command"]

command: click.Command = delete_command(
    VIDEO, summary="Delete videos, for good unless the account has Video Restore."
)
