"""The commands ``apivideo captions``."""

import click

from ..crud.answers import json_option, show_command, tell
from ..crud.deletion import delete_command
from ..crud.listing import list_command
from ..crud.noun import Noun
from ..session import Session
from .tracks import upload_command

__all__ = ["command"]

CAPTION = Noun(
    one="caption track",
    many="caption tracks",
    resource="captions",
    names=("video_id", "language"),
    columns=("srclang", "language_name", "default", "src"),
    cut=("src",),
)


@click.command(name="update")
@click.argument("video_id", metavar="VIDEO_ID")
@click.argument("language", metavar="LANGUAGE")
@click.option("--default/--no-default", default=None, help="Whether players show it unasked.")
@json_option
@click.pass_obj
def update(
    session: Session, /, video_id: str, language: str, default: bool | None, as_document: bool
) -> int:
    """Choose whether players show the captions by default."""
    if default is None:
        raise click.UsageError("there is nothing to change: give --default or --no-default")
    return tell(
        session,
        CAPTION,
        lambda client: client.captions.update(video_id, language, default=default),
        as_document=as_document,
    )


command: click.Group = click.Group(
    "captions",
    help="Subtitles of a video, one WebVTT file per language.",
    commands=[
        list_command(CAPTION),
        show_command(CAPTION),
        upload_command(CAPTION),
        update,
        delete_command(CAPTION),
    ],
)
