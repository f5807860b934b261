"""Player themes: appearance and behaviour of the player (service.md#player-record)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from ._model import Model

__all__ = ["PlayerTheme", "PlayerThemeAssets"]


@frozen(kw_only=True)
class PlayerThemeAssets(Model):
    """The logo of a theme."""

    logo: str | None = None
    """URL of the image."""
    link: str | None = None
    """URL that a click on the logo opens."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerTheme(Model):
    """A player theme. Colours are texts such as ``rgba(88, 131, 255, .95)``."""

    player_id: str = ""
    """Identifier; begins with ``pl``."""
    name: str | None = None
    """Name of the theme, at most 100 characters."""
    text: str | None = None
    """Colour of timer and text."""
    link: str | None = None
    """Colour of the controls."""
    link_hover: str | None = None
    """Colour of a control under the pointer."""
    link_active: str | None = None
    """Colour of an active control."""
    track_played: str | None = None
    """Colour of the played part of the progress bar."""
    track_unplayed: str | None = None
    """Colour of the loaded part of the progress bar that is not played."""
    track_background: str | None = None
    background_top: str | None = None
    """Colour behind the controls, at the top."""
    background_bottom: str | None = None
    """Colour behind the controls, at the bottom."""
    background_text: str | None = None
    """Colour behind the title."""
    enable_api: bool | None = None
    """Whether scripts of the page can control the player. The default is True."""
    enable_controls: bool | None = None
    """Whether the player shows controls. The default is True."""
    force_autoplay: bool | None = None
    """Whether the player starts automatically. The default is False."""
    hide_title: bool | None = None
    """Whether the title is hidden. The default is False."""
    force_loop: bool | None = None
    """Whether the player starts again at the end. The default is False."""
    assets: PlayerThemeAssets | None = None
    """The logo. Its members are None if the theme has no logo."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: Mapping[str, Any] = field(factory=dict)
