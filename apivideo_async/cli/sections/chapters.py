"""``apivideo chapters``."""

import click

from ..answers import show_command
from ..deletion import delete_command
from ..listing import list_command
from ..noun import Noun
from .tracks import upload_command

__all__ = ["command"]

CHAPTER = Noun(
    one="chapter track",
    many="chapter tracks",
    resource="chapters",
    names=("video_id", "language"),
    columns=("language", "src"),
    cut=("src",),
)

command: click.Group = click.Group(
    "chapters",
    help="Chapters of a video, one WebVTT file per language. To change one, upload it again.",
    commands=[list_command(CHAPTER), show_command(CHAPTER), upload_command(CHAPTER), delete_command(CHAPTER)],
)
