"""The ``upload`` command of captions and chapters: one WebVTT file per language of a video."""

from pathlib import Path

import click

from ..crud.answers import AS_JSON, tell
from ..crud.noun import Noun
from ..session import Session

__all__ = ["upload_command"]


def upload_command(noun: Noun) -> click.Command:
    """Make a command that uploads a WebVTT file in one language."""

    def command(
        session: Session, /, video_id: str, language: str, file: Path, as_document: bool
    ) -> int:
        return tell(
            session,
            noun,
            lambda client: noun.call(client, "upload", video_id, language, file),
            as_document=as_document,
        )

    arguments = [
        click.Argument(["video_id"], metavar="VIDEO_ID"),
        click.Argument(["language"], metavar="LANGUAGE"),
        click.Argument(["file"], type=click.Path(path_type=Path), metavar="FILE"),
    ]
    help_text = f"Add {noun.resource}: a WebVTT file in UTF-8, its name ending in .vtt. LANGUAGE is a tag such as fr."
    return click.Command(
        "upload", callback=click.pass_obj(command), params=[*arguments, AS_JSON], help=help_text
    )
