"""The commands ``apivideo players``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ...config import UNSET
from ..crud.answers import changes, chosen, json_option, show_command, tell, tell_done
from ..crud.deletion import delete_command
from ..crud.listing import list_command, sorting
from ..crud.noun import Noun
from ..session import Session

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])

PLAYER = Noun(
    one="player theme",
    many="player themes",
    resource="players",
    columns=("player_id", "name", "created_at", "updated_at"),
    cut=("name",),
)

COLOURS = {
    "--text": "Timer and text",
    "--link": "Controls",
    "--link-hover": "A control that the pointer is on",
    "--link-active": "An active control",
    "--track-played": "The bar where it was played",
    "--track-unplayed": "The bar where it is loaded and not played",
    "--track-background": "Behind the bar",
    "--background-top": "Behind the controls, at the top",
    "--background-bottom": "Behind the controls, at the bottom",
    "--background-text": "Behind the title",
}
SWITCHES = {
    "--enable-api/--no-enable-api": "Whether scripts of the page may steer it.",
    "--enable-controls/--no-enable-controls": "Whether it shows controls.",
    "--force-autoplay/--no-force-autoplay": "Whether it starts by itself.",
    "--hide-title/--no-hide-title": "Whether the title stays hidden.",
    "--force-loop/--no-force-loop": "Whether it starts again at the end.",
}


def fields(function: F) -> F:
    """Add the options for the fields of a player theme to a command."""
    for name, text in reversed(SWITCHES.items()):
        function = click.option(name, default=None, help=text)(function)
    for name, text in reversed(COLOURS.items()):
        function = click.option(name, metavar="COLOUR", help=f"{text}.")(function)
    return click.option("--name", help="100 characters at most.")(function)


@click.command(name="create")
@fields
@json_option
@click.pass_obj
def create(session: Session, /, as_document: bool, **given: Any) -> int:
    """Create a player theme.

    COLOUR is a text such as "rgba(88, 131, 255, .95)". Fields that are not given have the defaults
    of the service.
    """
    options = chosen(given)
    return tell(
        session, PLAYER, lambda client: client.players.create(**options), as_document=as_document
    )


@click.command(name="update")
@click.argument("player_id", metavar="ID")
@fields
@json_option
@click.pass_obj
def update(session: Session, /, player_id: str, as_document: bool, **given: Any) -> int:
    """Change the given fields. Viewers may see the change ten minutes later."""
    options = changes(given)
    return tell(
        session,
        PLAYER,
        lambda client: client.players.update(player_id, **options),
        as_document=as_document,
    )


@click.command(name="upload-logo")
@click.argument("player_id", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--link", metavar="URL", help="Where a click on it leads.")
@json_option
@click.pass_obj
def upload_logo(
    session: Session, /, player_id: str, file: Path, link: str | None, as_document: bool
) -> int:
    """Set the logo: a JPEG or PNG of at most 200x100 pixels and 100 KiB."""
    leads = UNSET if link is None else link
    return tell(
        session,
        PLAYER,
        lambda client: client.players.upload_logo(player_id, file, link=leads),
        as_document=as_document,
    )


@click.command(name="delete-logo")
@click.argument("player_id", metavar="ID")
@click.pass_obj
def delete_logo(session: Session, /, player_id: str) -> int:
    """Delete the logo."""
    return tell_done(
        session,
        lambda client: client.players.delete_logo(player_id),
        f"deleted the logo of {player_id}",
    )


command: click.Group = click.Group(
    "players",
    help="Themes of the player, which videos and live streams name by their id.",
    commands=[
        list_command(PLAYER, sorting("name", "createdAt", "updatedAt")),
        show_command(PLAYER),
        create,
        update,
        delete_command(PLAYER),
        upload_logo,
        delete_logo,
    ],
)
