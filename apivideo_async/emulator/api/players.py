"""``/players``: player themes and their logos (service.md#player-operations)."""

from aiohttp import web

from ..operations import Call, empty_response, json_response
from ..rules.forms import JPEG, PNG, FileRule
from ..rules.payloads import boolean, max_length, text, validate
from ..rules.problems import not_found
from ..state.items import BY_DATES
from ..state.records import PLAYER_COLOURS, PLAYER_SWITCHES, Player
from .items import EditableItems

__all__ = ["PLAYERS", "create", "delete_logo", "serve_logo", "upload_logo"]

_LOGO = FileRule({**JPEG, **PNG}, "['jpg', 'JPG', 'jpeg', 'JPEG', 'png', 'PNG']", 100 * 1024)

PLAYERS = EditableItems[Player](
    collection=lambda state: state.players,
    parameter="playerId",
    as_json=lambda call, player: player.as_json(
        f"{call.request.url.origin()}/player/{player.id}/logo.png"
    ),
    sort_keys={
        **BY_DATES,
        "name": lambda player: str(player.attributes.get("name", "")).casefold(),
    },
    checks={
        "name": max_length(100),
        **dict.fromkeys(PLAYER_COLOURS, text),
        **dict.fromkeys(PLAYER_SWITCHES, boolean),
    },
)


async def create(call: Call) -> web.StreamResponse:
    """Create a theme. The payload may be ``{}`` (service.md#player-operations)."""
    attributes = validate(await call.json(), PLAYERS.checks)
    player = Player(**call.state.item_fields("pl"), attributes=attributes)
    return json_response(PLAYERS.as_json(call, call.state.players.add(player)), 201)


async def upload_logo(call: Call) -> web.StreamResponse:
    """Store a logo and its link, which is not checked (service.md#player-operations)."""
    player = PLAYERS.find(call)
    player.logo, form = await call.body.read_file(_LOGO)
    player.logo_link = form.fields.get("link")
    return PLAYERS.changed(call, player, 201)


async def delete_logo(call: Call) -> web.StreamResponse:
    """Remove the logo and its link. Succeeds also if there is no logo."""
    player = PLAYERS.find(call)
    player.logo = player.logo_link = None
    player.touch(call.state.utc_now)
    return empty_response()


async def serve_logo(call: Call) -> web.StreamResponse:
    logo = PLAYERS.find(call).logo
    if logo is None:
        raise not_found("playerId")
    return web.Response(body=logo.data, content_type=logo.content_type)
