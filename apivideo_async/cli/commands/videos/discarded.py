"""The command ``apivideo videos discarded``."""

import click
from attrs import evolve

from ...crud.listing import list_command
from .filters import FILTERS
from .shown import VIDEO

__all__ = ["command"]

DISCARDED = evolve(
    VIDEO,
    many="discarded videos",
    columns=("video_id", "title", "discarded_at", "deletes_at"),
    cut=("title",),
)

command: click.Command = list_command(
    DISCARDED,
    FILTERS,
    method="list_discarded",
    name="discarded",
    summary="List videos that can be restored",
)
