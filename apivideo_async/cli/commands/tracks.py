"""The commands ``apivideo captions`` and ``apivideo chapters``: WebVTT files of a video."""

import click

from ..crud.answers import FILE, call_command, show_command
from ..crud.deletion import delete_command
from ..crud.listing import list_command
from ..crud.noun import Noun

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


TRACK: list[click.Parameter] = [
    click.Argument(["video_id"], metavar="VIDEO_ID"),
    click.Argument(["language"], metavar="LANGUAGE"),
]


def _upload_command(noun: Noun) -> click.Command:
    return call_command(
        noun,
        "upload",
        [*TRACK, FILE],
        summary=f"Upload {noun.resource} in one language. FILE is a WebVTT file in UTF-8 with the "
        "extension .vtt. LANGUAGE is a language tag such as fr.",
    )


captions: click.Group = click.Group(
    "captions",
    help="Captions of a video, one WebVTT file per language.",
    commands=[
        list_command(CAPTION),
        show_command(CAPTION),
        _upload_command(CAPTION),
        call_command(
            CAPTION,
            "update",
            [
                *TRACK,
                click.Option(
                    ["--default/--no-default"],
                    required=True,
                    help="Whether players show this track by default.",
                ),
            ],
            summary="Choose whether players show the captions by default.",
        ),
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
