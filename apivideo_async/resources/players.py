"""Player themes (service.md#player-operations)."""

from typing import Literal, TypeAlias, TypedDict, Unpack

from ..config import UNSET, Unset
from ..models import PlayerTheme
from ..paginator import Paginator
from ..protocol.json_body import check_names
from ..protocol.request import path_for
from ..uploads.sources.types import SourceLike
from ._resource import PageQuery, Resource, SortOrder

__all__ = ["PlayerFields", "Players"]

LARGEST_LOGO = 100 * 1024
"""In bytes (service.md#player-logos)."""

PlayerSort: TypeAlias = Literal["name", "createdAt", "updatedAt"]


class PlayerFields(TypedDict, total=False):
    """Fields of a theme. An absent field is not sent.

    Colours are texts such as ``rgba(88, 131, 255, .95)``.
    """

    name: str | Unset
    """Name of the theme, at most 100 characters."""
    text: str | Unset
    """Colour of timer and text."""
    link: str | Unset
    """Colour of the controls."""
    link_hover: str | Unset
    """Colour of a control under the pointer."""
    link_active: str | Unset
    """Colour of an active control."""
    track_played: str | Unset
    """Colour of the played part of the bar."""
    track_unplayed: str | Unset
    """Colour of the part of the bar that is loaded but not played."""
    track_background: str | Unset
    """Background colour of the bar."""
    background_top: str | Unset
    """Background colour of the controls, at the top."""
    background_bottom: str | Unset
    """Background colour of the controls, at the bottom."""
    background_text: str | Unset
    """Background colour of the title."""
    enable_api: bool | Unset
    """True (default) if scripts of the page may control the player."""
    enable_controls: bool | Unset
    """True (default) to show controls."""
    force_autoplay: bool | Unset
    """True to start automatically. The default is False."""
    hide_title: bool | Unset
    """True to hide the title. The default is False."""
    force_loop: bool | Unset
    """True to start again at the end. The default is False."""


class Players(Resource):
    """``client.players``: themes that videos and live streams use by ``player_id``.

    Methods with an id raise ``NotFoundError`` if the theme does not exist. A change may need ten
    minutes to reach all viewers.
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
        """Create a theme (``POST /players``, writes).

        Absent fields keep the defaults of the player.
        """
        return await self._write("players.create", "POST", "/players", fields)

    async def get(self, player_id: str) -> PlayerTheme:
        """Return a theme (``GET /players/{playerId}``, reads)."""
        path = path_for("/players/{player_id}", player_id=player_id)
        return await self._call("players.get", "GET", path, PlayerTheme)

    async def update(self, player_id: str, **fields: Unpack[PlayerFields]) -> PlayerTheme:
        """Change the given fields only (``PATCH /players/{playerId}``, writes)."""
        path = path_for("/players/{player_id}", player_id=player_id)
        return await self._write("players.update", "PATCH", path, fields)

    async def delete(self, player_id: str, *, missing_ok: bool = False) -> None:
        """Delete a theme (``DELETE /players/{playerId}``, writes).

        ``missing_ok`` suppresses ``NotFoundError`` if there is nothing to delete.
        """
        path = path_for("/players/{player_id}", player_id=player_id)
        await self._delete("players.delete", path, missing_ok=missing_ok)

    async def upload_logo(
        self,
        player_id: str,
        source: SourceLike,
        *,
        link: str | Unset = UNSET,
        filename: str | None = None,
    ) -> PlayerTheme:
        """Set the logo (``POST /players/{playerId}/logo``, writes).

        ``source`` is a JPEG or PNG of at most 200x100 pixels and 100 KiB, of any type that a video
        upload accepts. ``link`` is the address that a click on the logo opens. The service does not
        check it. Raises ``SourceError`` if the file is larger.
        """
        path = path_for("/players/{player_id}/logo", player_id=player_id)
        operation = "players.upload_logo"
        return await self._attach(
            operation, path, PlayerTheme, source, filename, LARGEST_LOGO, "logo", {"link": link}
        )

    async def delete_logo(self, player_id: str, *, missing_ok: bool = False) -> None:
        """Remove the logo (``DELETE /players/{playerId}/logo``, writes).

        ``missing_ok`` suppresses ``NotFoundError`` if there is nothing to delete.
        """
        path = path_for("/players/{player_id}/logo", player_id=player_id)
        await self._delete("players.delete_logo", path, missing_ok=missing_ok)

    async def _write(
        self, operation: str, method: str, path: str, fields: PlayerFields
    ) -> PlayerTheme:
        check_names("players have", fields, PlayerFields.__annotations__)
        return await self._call(operation, method, path, PlayerTheme, fields)
