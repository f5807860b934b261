"""The command ``apivideo videos pick-thumbnail``."""

import click

from ...crud.answers import json_option, tell
from ...session import Session
from .shown import VIDEO

__all__ = ["command"]


@click.command(name="pick-thumbnail")
@click.argument("video_id", metavar="ID")
@click.argument("timecode", metavar="HH:MM:SS")
@json_option
@click.pass_obj
def command(session: Session, /, video_id: str, timecode: str, as_document: bool) -> int:
    """Set the thumbnail to a frame of the video.

    HH:MM:SS may end in milliseconds (.mmm) or a frame (:ff).
    """
    return tell(
        session,
        VIDEO,
        lambda client: client.videos.pick_thumbnail(video_id, timecode=timecode),
        as_document=as_document,
    )
