"""The commands ``apivideo tokens``."""

import click

from ..crud.answers import json_option, show_command, tell
from ..crud.deletion import delete_command
from ..crud.listing import list_command, sorting
from ..crud.noun import Noun
from ..parameters import Duration
from ..session import Session

__all__ = ["command"]

TOKEN = Noun(
    one="upload token",
    many="upload tokens",
    resource="upload_tokens",
    names=("upload_token",),
    columns=("token", "ttl", "created_at", "expires_at"),
)


@click.command(name="create")
@click.option(
    "--ttl",
    type=Duration(),
    default="0",
    metavar="DURATION",
    help="How long it is good: 90, 15m, 2h, 7d.",
)
@json_option
@click.pass_obj
def create(session: Session, /, ttl: int, as_document: bool) -> int:
    """Create a token for any number of uploads. Without --ttl it never expires."""
    return tell(
        session, TOKEN, lambda client: client.upload_tokens.create(ttl=ttl), as_document=as_document
    )


command: click.Group = click.Group(
    "tokens",
    help="Upload tokens. Whoever has one can upload, and the token is its only name: every command prints it.",
    commands=[
        list_command(TOKEN, sorting("createdAt", "ttl")),
        show_command(TOKEN),
        create,
        delete_command(TOKEN, summary="Revoke upload tokens."),
    ],
)
