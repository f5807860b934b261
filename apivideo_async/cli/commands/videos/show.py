"""The command ``apivideo videos show``."""

import click

from ...crud.answers import json_option, tell
from ...session import Session
from .shown import VIDEO

__all__ = ["command"]


@click.command(name="show")
@click.argument("video_id", metavar="ID")
@click.option("--discarded", is_flag=True, help="One that was deleted and can be restored.")
@json_option
@click.pass_obj
def command(session: Session, /, video_id: str, discarded: bool, as_document: bool) -> int:
    """Show one video."""
    method = "get_discarded" if discarded else "get"
    return tell(
        session, VIDEO, lambda client: VIDEO.call(client, method, video_id), as_document=as_document
    )
