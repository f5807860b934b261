"""The commands ``apivideo players``."""

import click

from ...models import PlayerTheme
from ..crud.bulk import delete_command, update_command
from ..crud.commands import FILE, action_command, call_command, show_command
from ..crud.listing import list_command, sorting
from ..crud.object_type import ObjectType
from ..examples import examples
from ..groups import Group

__all__ = ["command"]

PLAYER = ObjectType(
    singular="player theme",
    plural="player themes",
    model=PlayerTheme,
    section="players",
    group="players",
    example_ids="pl123",
    columns=("player_id", "name", "created_at", "updated_at"),
    shrinkable=("name",),
)

COLOURS = {
    "--text": "Colour of the timer and other text.",
    "--link": "Colour of the controls.",
    "--link-hover": "Colour of a control under the pointer.",
    "--link-active": "Colour of an active control.",
    "--track-played": "Colour of the played part of the progress bar.",
    "--track-unplayed": "Colour of the part of the progress bar that is loaded and not played.",
    "--track-background": "Background colour of the progress bar.",
    "--background-top": "Background colour of the controls, at the top.",
    "--background-bottom": "Background colour of the controls, at the bottom.",
    "--background-text": "Background colour of the title.",
}
SWITCHES = {
    "--enable-api/--no-enable-api": "Whether scripts of the web page can control the player.",
    "--enable-controls/--no-enable-controls": "Whether the player shows controls.",
    "--force-autoplay/--no-force-autoplay": "Whether playback starts automatically.",
    "--hide-title/--no-hide-title": "Whether the title is hidden.",
    "--force-loop/--no-force-loop": "Whether playback restarts at the end.",
}
FIELDS: list[click.Parameter] = [
    click.Option(["--name"], help="Name of the theme, at most 100 characters."),
    *(click.Option([name], metavar="COLOUR", help=text) for name, text in COLOURS.items()),
    *(click.Option([name], default=None, help=text) for name, text in SWITCHES.items()),
]


command: click.Group = Group(
    "players",
    help="Player themes. Videos and live streams refer to a theme by its id.",
    epilog=examples(
        "apivideo players create --name Blue --link blue",
        "apivideo videos update --where-tag trailer --player-id pl123",
    ),
    commands=[
        list_command(PLAYER, sorting("name", "createdAt", "updatedAt")),
        show_command(PLAYER),
        call_command(
            PLAYER,
            "create",
            FIELDS,
            summary="Create a player theme. COLOUR is a CSS colour, such as red or "
            "rgba(88, 131, 255, 0.95). Fields that are not given have the defaults of api.video.",
            epilog=examples(
                "apivideo players create --name Blue --link blue --no-force-loop",
                "apivideo players create --text 'rgba(255, 255, 255, 1)' --hide-title",
            ),
        ),
        update_command(
            PLAYER,
            FIELDS,
            summary="Change the given fields. Viewers may see the change up to ten minutes later.",
            epilog=examples(PLAYER.example("update", "--link red --hide-title")),
        ),
        delete_command(PLAYER),
        call_command(
            PLAYER,
            "upload-logo",
            [
                *PLAYER.id_arguments(),
                FILE,
                click.Option(
                    ["--link"], metavar="URL", help="Page that a click on the logo opens."
                ),
            ],
            summary="Set the logo: a JPEG or PNG file of at most 200x100 pixels and 100 KiB.",
            epilog=examples(PLAYER.example("upload-logo", "logo.png --link https://example.com")),
        ),
        action_command(
            PLAYER, "delete-logo", done="deleted the logo of", summary="Delete the logo."
        ),
    ],
)
