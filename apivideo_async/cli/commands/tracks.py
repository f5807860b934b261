"""The commands ``apivideo captions`` and ``apivideo chapters``: WebVTT files of a video."""

from typing import Any

import click

from ..crud.answers import FILE, call_command, json_option, show_command, tell
from ..crud.deletion import delete_command
from ..crud.listing import list_command
from ..crud.noun import Noun
from ..session import Session

__all__ = ["captions", "chapters"]

CAPTION = Noun(
    one="caption track",
    many="caption tracks",
    resource="captions",
    names=("video_id", "language"),
    columns=("srclang", "language_name", "default", "src"),
    cut=("src",),
)
CHAPTER = Noun(
    one="chapter track",
    many="chapter tracks",
    resource="chapters",
    names=("video_id", "language"),
    columns=("language", "src"),
    cut=("src",),
)


def _upload_command(noun: Noun) -> click.Command:
    return call_command(
        noun,
        "upload",
        [
            click.Argument(["video_id"], metavar="VIDEO_ID"),
            click.Argument(["language"], metavar="LANGUAGE"),
            FILE,
        ],
        summary=f"Upload {noun.resource} in one language. FILE is a WebVTT file in UTF-8 with the "
        "extension .vtt. LANGUAGE is a language tag such as fr.",
    )


@click.command(name="update")
@click.argument("video_id", metavar="VIDEO_ID")
@click.argument("language", metavar="LANGUAGE")
@click.option("--default/--no-default", default=None, help="Whether players show this track.")
@json_option
@click.pass_obj
def update(session: Session, /, as_document: bool, default: bool | None, **names: Any) -> int:
    """Choose whether players show the captions by default."""
    if default is None:
        raise click.UsageError("there is nothing to change: give --default or --no-default")
    return tell(
        session,
        CAPTION,
        lambda client: client.captions.update(**names, default=default),
        as_document=as_document,
    )


captions: click.Group = click.Group(
    "captions",
    help="Captions of a video, one WebVTT file per language.",
    commands=[
        list_command(CAPTION),
        show_command(CAPTION),
        _upload_command(CAPTION),
        update,
        delete_command(CAPTION),
    ],
)

chapters: click.Group = click.Group(
    "chapters",
    help="Chapters of a video, one WebVTT file per language. To change a track, upload it again.",
    commands=[
        list_command(CHAPTER),
        show_command(CHAPTER),
        _upload_command(CHAPTER),
        delete_command(CHAPTER),
    ],
)
