"""The command ``apivideo videos upload-thumbnail``."""

from pathlib import Path

import click

from ...crud.answers import json_option, tell
from ...session import Session
from .shown import VIDEO

__all__ = ["command"]


@click.command(name="upload-thumbnail")
@click.argument("video_id", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@json_option
@click.pass_obj
def command(session: Session, /, video_id: str, file: Path, as_document: bool) -> int:
    """Set the thumbnail: a JPEG, PNG or WebP of at most 8 MiB."""
    return tell(
        session,
        VIDEO,
        lambda client: client.videos.upload_thumbnail(video_id, file),
        as_document=as_document,
    )
