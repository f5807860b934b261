"""The commands ``apivideo tags``."""

import click

from ..crud.listing import list_command, sorting
from ..crud.noun import Noun

__all__ = ["command"]

TAG = Noun(
    one="tag", many="tags", resource="tags", columns=("value", "video_count"), cut=("value",)
)

FILTERS = [click.Option(["--value"], help="A part of the tag."), *sorting("value", "videoCount")]

command: click.Group = click.Group(
    "tags",
    help="Tags in use, each with its number of videos.",
    commands=[list_command(TAG, FILTERS)],
)
