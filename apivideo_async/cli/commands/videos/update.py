"""The command ``apivideo videos update``."""

from typing import Any

import click

from ...crud.answers import changes, json_option, tell
from ...session import Session
from .fields import fields
from .shown import VIDEO

__all__ = ["command"]

CLEARED: dict[str, Any] = {
    "description": "",
    "tags": [],
    "metadata": {},
    "player-id": None,
    "language": None,
}


@click.command(name="update")
@click.argument("video_id", metavar="ID")
@click.option("--title", help="Its title.")
@fields
@click.option(
    "--clear",
    multiple=True,
    type=click.Choice(list(CLEARED)),
    help="Take it away; repeat for more.",
)
@json_option
@click.pass_obj
def command(
    session: Session, /, video_id: str, as_document: bool, clear: tuple[str, ...], **given: Any
) -> int:
    """Change the given fields. --tag and --metadata replace all existing tags and pairs."""
    options = changes(given, {name.replace("-", "_"): CLEARED[name] for name in clear})
    return tell(
        session,
        VIDEO,
        lambda client: client.videos.update(video_id, **options),
        as_document=as_document,
    )
