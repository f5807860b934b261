"""Player themes: how the player looks and behaves (service.md#player-record)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

__all__ = ["PlayerTheme", "PlayerThemeAssets"]


@frozen(kw_only=True)
class PlayerThemeAssets:
    """The logo of a theme."""

    logo: str | None = None
    """Address of the image."""
    link: str | None = None
    """Where a click on it leads."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerTheme:
    """A theme. Colours are texts such as ``rgba(88, 131, 255, .95)``."""

    player_id: str = ""
    """Identifies it; begins with ``pl``."""
    name: str | None = None
    """Name of the theme, 100 characters at most."""
    text: str | None = None
    """Colour of timer and text."""
    link: str | None = None
    """Colour of the controls."""
    link_hover: str | None = None
    """Colour of a control that the pointer is on."""
    link_active: str | None = None
    """Colour of an active control."""
    track_played: str | None = None
    """Colour of the bar where it was played."""
    track_unplayed: str | None = None
    """Colour of the bar where it is loaded and not played."""
    track_background: str | None = None
    """Colour behind the bar."""
    background_top: str | None = None
    """Colour behind the controls, at the top."""
    background_bottom: str | None = None
    """Colour behind the controls, at the bottom."""
    background_text: str | None = None
    """Colour behind the title."""
    enable_api: bool | None = None
    """Whether scripts of the page may steer the player."""
    enable_controls: bool | None = None
    """Whether the player shows controls."""
    force_autoplay: bool | None = None
    """Whether it starts by itself."""
    hide_title: bool | None = None
    """Whether the title stays hidden."""
    force_loop: bool | None = None
    """Whether it starts again at the end."""
    assets: PlayerThemeAssets | None = None
    """The logo; its members are None where there is none."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """When it was last changed."""
    extra: Mapping[str, Any] = field(factory=dict)
