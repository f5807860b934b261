"""The command ``apivideo videos create``."""

from typing import Any

import click

from ...crud.answers import chosen, json_option, tell
from ...session import Session
from .fields import fields
from .shown import VIDEO

__all__ = ["command"]


@click.command(name="create")
@click.option("--title", required=True, help="Its title.")
@click.option(
    "--source", metavar="URL|ID", help="An address to fetch the file from, or a video to copy."
)
@fields
@click.option(
    "--idempotency-key",
    metavar="KEY",
    help="Called again with the same key, the same video comes back.",
)
@json_option
@click.pass_obj
def command(session: Session, /, as_document: bool, **given: Any) -> int:
    """Create an empty video for a later upload, or a video from an address.

    `apivideo upload` creates a video and uploads its file.
    """
    options = chosen(given)
    return tell(
        session, VIDEO, lambda client: client.videos.create(**options), as_document=as_document
    )
