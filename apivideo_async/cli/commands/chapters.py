"""The commands ``apivideo chapters``."""

import click

from ..crud.answers import show_command
from ..crud.deletion import delete_command
from ..crud.listing import list_command
from ..crud.noun import Noun
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
    commands=[
        list_command(CHAPTER),
        show_command(CHAPTER),
        upload_command(CHAPTER),
        delete_command(CHAPTER),
    ],
)
