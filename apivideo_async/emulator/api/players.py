"""``/players``: player themes and their logos (service.md#player-operations)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ..operations import Call, Operation, answer, answer_page, api, no_content, open_asset
from ..rules.forms import JPEG, PNG, FileRule
from ..rules.payloads import Check, boolean, longest, text, validate
from ..rules.problems import not_found
from ..state.items import BY_DATES, sort_items
from ..state.records import PLAYER_COLOURS, PLAYER_SWITCHES, Player

_THEME: dict[str, Check] = {
    "name": longest(100),
    **dict.fromkeys(PLAYER_COLOURS, text),
    **dict.fromkeys(PLAYER_SWITCHES, boolean),
}
_LOGO = FileRule({**JPEG, **PNG}, "['jpg', 'JPG', 'jpeg', 'JPEG', 'png', 'PNG']", 100 * 1024)
_KEYS = {**BY_DATES, "name": lambda player: str(player.attributes.get("name", "")).casefold()}


def _show(call: Call, player: Player) -> dict[str, Any]:
    return player.as_json(f"{call.request.url.origin()}/player/{player.key}/logo.png")


def _player(call: Call) -> Player:
    return call.state.players.find(call.path("playerId"))


async def list_players(call: Call) -> web.StreamResponse:
    """List the themes, newest first."""
    ordered = sort_items(call.state.players.values(), call.query, _KEYS)
    return answer_page(call, ordered, lambda player: _show(call, player))


async def create(call: Call) -> web.StreamResponse:
    """Create a theme. The payload may be ``{}`` (service.md#player-operations)."""
    attributes = validate(await call.json(), _THEME)
    player = Player(**call.state.item_fields("pl"), attributes=attributes)
    return answer(_show(call, call.state.players.add(player)), 201)


async def get(call: Call) -> web.StreamResponse:
    """Return one theme."""
    return answer(_show(call, _player(call)))


async def update(call: Call) -> web.StreamResponse:
    """Change the given attributes and keep the others."""
    player = _player(call)
    player.attributes.update(validate(await call.json(), _THEME))
    player.touch(call.state.today)
    return answer(_show(call, player))


async def delete(call: Call) -> web.StreamResponse:
    """Delete a theme."""
    call.state.players.remove(call.path("playerId"))
    return no_content()


async def upload_logo(call: Call) -> web.StreamResponse:
    """Store a logo and its link. The link is not checked. The response is 201.

    See service.md#player-operations.
    """
    player = _player(call)
    player.logo, form = await call.body.file(_LOGO)
    player.logo_link = form.fields.get("link")
    player.touch(call.state.today)
    return answer(_show(call, player), 201)


async def delete_logo(call: Call) -> web.StreamResponse:
    """Remove the logo and its link. Succeeds also if there is no logo."""
    player = _player(call)
    player.logo = player.logo_link = None
    player.touch(call.state.today)
    return no_content()


async def serve_logo(call: Call) -> web.StreamResponse:
    """Send the logo, as the delivery hosts do."""
    logo = _player(call).logo
    if logo is None:
        raise not_found("playerId")
    return web.Response(body=logo.data, content_type=logo.content_type)


OPERATIONS: tuple[Operation, ...] = (
    api("players.list", "GET", "/players", list_players),
    api("players.create", "POST", "/players", create),
    api("players.get", "GET", "/players/{playerId}", get),
    api("players.update", "PATCH", "/players/{playerId}", update),
    api("players.delete", "DELETE", "/players/{playerId}", delete),
    api("players.upload_logo", "POST", "/players/{playerId}/logo", upload_logo),
    api("players.delete_logo", "DELETE", "/players/{playerId}/logo", delete_logo),
    open_asset("assets.logo", "/player/{playerId}/logo.png", serve_logo),
)
