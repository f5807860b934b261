"""The command ``apivideo videos list``."""

import click

from ...crud.listing import list_command
from .filters import FILTERS
from .shown import VIDEO

__all__ = ["command"]

command: click.Command = list_command(VIDEO, FILTERS)
