"""The commands ``apivideo watermarks``."""

from pathlib import Path

import click

from ..crud.answers import json_option, tell
from ..crud.deletion import delete_command
from ..crud.listing import list_command, sorting
from ..crud.noun import Noun
from ..session import Session

__all__ = ["command"]

WATERMARK = Noun(
    one="watermark",
    many="watermarks",
    resource="watermarks",
    columns=("watermark_id", "created_at"),
)


@click.command(name="upload")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@json_option
@click.pass_obj
def upload(session: Session, /, file: Path, as_document: bool) -> int:
    """Upload a watermark: a JPEG or PNG. The service cannot show it later."""
    return tell(
        session, WATERMARK, lambda client: client.watermarks.upload(file), as_document=as_document
    )


command: click.Group = click.Group(
    "watermarks",
    help="Images to burn into videos.",
    commands=[
        list_command(WATERMARK, sorting("createdAt")),
        upload,
        delete_command(WATERMARK, summary="Delete watermarks; videos keep them."),
    ],
)
