"""Player themes (service.md#player-operations)."""

from typing import Literal, TypeAlias, TypedDict, Unpack

from ..config import UNSET, Unset
from ..models import PlayerTheme
from ..paginator import Paginator
from ..protocol.json_body import check_names
from ..protocol.request import path_for
from ..uploads.sources.opening import SourceLike
from ._resource import PageQuery, Resource, SortOrder

__all__ = ["PlayerFields", "Players"]

LARGEST_LOGO = 100 * 1024

PlayerSort: TypeAlias = Literal["name", "createdAt", "updatedAt"]


class PlayerFields(TypedDict, total=False):
    """What a theme can have; left out is not sent. Colours are texts such as ``rgba(88, 131, 255, .95)``."""

    name: str | Unset
    """100 characters at most."""
    text: str | Unset
    """Colour of timer and text."""
    link: str | Unset
    """Colour of the controls."""
    link_hover: str | Unset
    """Colour of a control that the pointer is on."""
    link_active: str | Unset
    """Colour of an active control."""
    track_played: str | Unset
    """Colour of the bar where it was played."""
    track_unplayed: str | Unset
    """Colour of the bar where it is loaded and not played."""
    track_background: str | Unset
    """Colour behind the bar."""
    background_top: str | Unset
    """Colour behind the controls, at the top."""
    background_bottom: str | Unset
    """Colour behind the controls, at the bottom."""
    background_text: str | Unset
    """Colour behind the title."""
    enable_api: bool | Unset
    """Whether scripts of the page may steer the player; true unless given."""
    enable_controls: bool | Unset
    """Whether the player shows controls; true unless given."""
    force_autoplay: bool | Unset
    """Whether it starts by itself; false unless given."""
    hide_title: bool | Unset
    """Whether the title stays hidden; false unless given."""
    force_loop: bool | Unset
    """Whether it starts again at the end; false unless given."""


class Players(Resource):
    """``client.players``: themes, which videos and live streams name by ``player_id``.

    Every method that takes an id raises ``NotFoundError`` when there is no such theme. A change may take ten minutes
    to reach every viewer.
    """

    def list(
        self,
        *,
        sort_by: PlayerSort | Unset = UNSET,
        sort_order: SortOrder | Unset = UNSET,
        **page: Unpack[PageQuery],
    ) -> Paginator[PlayerTheme]:
        """List themes (``GET /players``, reads)."""
        query = {"sortBy": sort_by, "sortOrder": sort_order}
        return self._list("players.list", "/players", PlayerTheme, page, query)

    async def create(self, **fields: Unpack[PlayerFields]) -> PlayerTheme:
        """Create a theme (``POST /players``, writes); what is not given takes the player's own looks."""
        return await self._write("players.create", "POST", "/players", fields)

    async def get(self, player_id: str) -> PlayerTheme:
        """Show a theme (``GET /players/{playerId}``, reads)."""
        path = path_for("/players/{player_id}", player_id=player_id)
        return await self._call("players.get", "GET", path, PlayerTheme)

    async def update(self, player_id: str, **fields: Unpack[PlayerFields]) -> PlayerTheme:
        """Change what is given and nothing else (``PATCH /players/{playerId}``, writes)."""
        path = path_for("/players/{player_id}", player_id=player_id)
        return await self._write("players.update", "PATCH", path, fields)

    async def delete(self, player_id: str, *, missing_ok: bool = False) -> None:
        """Delete a theme (``DELETE /players/{playerId}``, writes).

        ``missing_ok``: no ``NotFoundError`` when there is nothing to delete.
        """
        path = path_for("/players/{player_id}", player_id=player_id)
        await self._delete("players.delete", path, missing_ok=missing_ok)

    async def upload_logo(
        self, player_id: str, source: SourceLike, *, link: str | Unset = UNSET, filename: str | None = None
    ) -> PlayerTheme:
        """Set the logo (``POST /players/{playerId}/logo``, writes).

        ``source``: a JPEG or PNG of at most 200x100 pixels and 100 KiB, given as videos are; a larger file is a
        ``SourceError``. ``link``: where a click on it leads; the service does not check it.
        """
        path = path_for("/players/{player_id}/logo", player_id=player_id)
        operation = "players.upload_logo"
        return await self._attach(operation, path, PlayerTheme, source, filename, LARGEST_LOGO, "logo", {"link": link})

    async def delete_logo(self, player_id: str, *, missing_ok: bool = False) -> None:
        """Take the logo away (``DELETE /players/{playerId}/logo``, writes).

        ``missing_ok``: no ``NotFoundError`` when there is nothing to delete.
        """
        path = path_for("/players/{player_id}/logo", player_id=player_id)
        await self._delete("players.delete_logo", path, missing_ok=missing_ok)

    async def _write(self, operation: str, method: str, path: str, fields: PlayerFields) -> PlayerTheme:
        check_names("players have", fields, PlayerFields.__annotations__)
        return await self._call(operation, method, path, PlayerTheme, fields)
