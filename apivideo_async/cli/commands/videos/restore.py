"""The command ``apivideo videos restore``."""

import click

from ...crud.answers import json_option, tell
from ...session import Session
from .shown import VIDEO

__all__ = ["command"]


@click.command(name="restore")
@click.argument("video_id", metavar="ID")
@json_option
@click.pass_obj
def command(session: Session, /, video_id: str, as_document: bool) -> int:
    """Restore a discarded video."""
    return tell(
        session, VIDEO, lambda client: client.videos.restore(video_id), as_document=as_document
    )
