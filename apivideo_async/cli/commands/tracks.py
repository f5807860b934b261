"""The commands ``apivideo captions`` and ``apivideo chapters``: WebVTT files of a video."""

import click

from ...models import Caption, Chapter
from ..crud.bulk import delete_command
from ..crud.commands import FILE, call_command, show_command
from ..crud.listing import list_command
from ..crud.object_type import ObjectType
from ..examples import examples
from ..groups import Group

__all__ = ["captions", "chapters"]

CAPTION = ObjectType(
    singular="caption track",
    plural="caption tracks",
    model=Caption,
    section="captions",
    group="captions",
    example_ids="vi123 fr",
    ids=("video_id", "language"),
    columns=("srclang", "language_name", "default", "src"),
    shrinkable=("src",),
)
CHAPTER = ObjectType(
    singular="chapter track",
    plural="chapter tracks",
    model=Chapter,
    section="chapters",
    group="chapters",
    example_ids="vi123 fr",
    ids=("video_id", "language"),
    columns=("language", "src"),
    shrinkable=("src",),
)
DEFAULT = click.Option(
    ["--default/--no-default"], required=True, help="Whether players show this track by default."
)


def _common_commands(kind: ObjectType) -> list[click.Command]:
    upload = call_command(
        kind,
        "upload",
        [*kind.id_arguments(), FILE],
        summary=f"Upload {kind.section} in one language. FILE is a WebVTT file in UTF-8 with the "
        "extension .vtt. LANGUAGE is a language tag such as fr.",
        epilog=examples(kind.example("upload", "words.vtt")),
    )
    return [list_command(kind), show_command(kind), upload, delete_command(kind)]


captions: click.Group = Group(
    "captions",
    help="Captions of a video, one WebVTT file per language.",
    epilog=examples(CAPTION.example("upload", "words.vtt")),
    commands=[
        *_common_commands(CAPTION),
        call_command(
            CAPTION,
            "update",
            [*CAPTION.id_arguments(), DEFAULT],
            summary="Choose whether players show the captions by default.",
            epilog=examples(CAPTION.example("update", "--default")),
        ),
    ],
)
chapters: click.Group = Group(
    "chapters",
    help="Chapters of a video, one WebVTT file per language. To change a track, upload it again.",
    epilog=examples(CHAPTER.example("upload", "chapters.vtt")),
    commands=_common_commands(CHAPTER),
)
