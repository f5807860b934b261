"""Player themes (service.md#player-operations)."""

from typing import Literal, TypeAlias, Unpack

from ..config import UNSET, Unset
from ..models import PlayerTheme
from ..paginator import Paginator
from ..protocol.json_body import check_names
from ..protocol.request import path_for
from ..protocol.writes import ExtraParameters, extra_only
from ..uploads.sources.types import SourceLike
from ._resource import FileKind, PageQuery, Resource, SortOrder

__all__ = ["PlayerFields", "Players"]

LOGO = FileKind("logo", 100 * 1024)
"""See service.md#player-logos."""

PlayerSort: TypeAlias = Literal["name", "createdAt", "updatedAt"]


class PlayerFields(ExtraParameters, total=False):
    """Fields of a theme, which ``PlayerTheme`` describes. An absent field is not sent."""

    name: str | Unset
    text: str | Unset
    link: str | Unset
    link_hover: str | Unset
    link_active: str | Unset
    track_played: str | Unset
    track_unplayed: str | Unset
    track_background: str | Unset
    background_top: str | Unset
    background_bottom: str | Unset
    background_text: str | Unset
    enable_api: bool | Unset
    enable_controls: bool | Unset
    force_autoplay: bool | Unset
    hide_title: bool | Unset
    force_loop: bool | Unset


class Players(Resource):
    """``client.players``: themes for ``player_id``. Changes may need ten minutes to take effect."""

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
        """Create a theme (``POST /players``, writes). Absent fields keep the player's defaults."""
        return await self._write_theme("players.create", "POST", "/players", fields)

    async def get(self, player_id: str) -> PlayerTheme:
        """Return a theme (``GET /players/{playerId}``, reads)."""
        path = path_for("/players/{player_id}", player_id=player_id)
        return await self._call("players.get", "GET", path, PlayerTheme)

    async def update(self, player_id: str, **fields: Unpack[PlayerFields]) -> PlayerTheme:
        """Change the given fields only (``PATCH /players/{playerId}``, writes)."""
        path = path_for("/players/{player_id}", player_id=player_id)
        return await self._write_theme("players.update", "PATCH", path, fields)

    async def delete(self, player_id: str, *, missing_ok: bool = False) -> None:
        """Delete a theme (``DELETE /players/{playerId}``, writes)."""
        path = path_for("/players/{player_id}", player_id=player_id)
        await self._delete("players.delete", path, missing_ok=missing_ok)

    async def upload_logo(
        self,
        player_id: str,
        source: SourceLike,
        *,
        link: str | Unset = UNSET,
        filename: str | None = None,
        **extra: Unpack[ExtraParameters],
    ) -> PlayerTheme:
        """Set the logo (``POST /players/{playerId}/logo``, writes).

        ``source`` is a JPEG or PNG of at most 200x100 pixels and 100 KiB. ``link`` is the address
        that a click on the logo opens. The service does not check it.
        """
        path = path_for("/players/{player_id}/logo", player_id=player_id)
        fields = {"link": link, **extra_only(extra)}
        return await self._upload_file(
            "players.upload_logo", path, PlayerTheme, source, filename, LOGO, fields
        )

    async def delete_logo(self, player_id: str, *, missing_ok: bool = False) -> None:
        """Remove the logo (``DELETE /players/{playerId}/logo``, writes)."""
        path = path_for("/players/{player_id}/logo", player_id=player_id)
        await self._delete("players.delete_logo", path, missing_ok=missing_ok)

    async def _write_theme(
        self, operation: str, method: str, path: str, fields: PlayerFields
    ) -> PlayerTheme:
        check_names("players have", fields, PlayerFields.__annotations__)
        return await self._write(
            operation, method, path, PlayerTheme, fields, PlayerFields.__annotations__
        )
