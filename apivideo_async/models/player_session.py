"""Viewer sessions, from an older version of the API (service.md#viewer-sessions).

An unknown value is the text ``unknown``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from ._convert import wire

__all__ = [
    "PlayerSession",
    "PlayerSessionClient",
    "PlayerSessionDetails",
    "PlayerSessionDevice",
    "PlayerSessionEvent",
    "PlayerSessionEventType",
    "PlayerSessionLocation",
    "PlayerSessionOs",
    "PlayerSessionReferrer",
]

PlayerSessionEventType: TypeAlias = (
    Literal["ready", "play", "pause", "resume", "end", "seek.backward", "seek.forward"] | str
)
"""Actions of a viewer. Values that this version does not know are kept as text."""


@frozen(kw_only=True)
class PlayerSessionDetails:
    """Times and metadata of a session."""

    session_id: str | None = None
    """Identifier for ``analytics.list_session_events``; begins with ``ps``."""
    loaded_at: datetime | None = None
    """When the player was loaded."""
    ended_at: datetime | None = None
    """When the viewer left."""
    metadata: dict[str, str] = wire(pairs=True, factory=dict)
    """Metadata about the viewer that the page gave to the player; never set for live streams."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionLocation:
    """Location of the viewer."""

    country: str | None = None
    """Name of the country."""
    city: str | None = None
    """Name of the city."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionReferrer:
    """How the viewer reached the page."""

    url: str | None = None
    """URL of the previous page."""
    medium: str | None = None
    """Such as ``organic``."""
    source: str | None = None
    """The previous site, such as a search engine."""
    search_term: str | None = None
    """Search term of the viewer."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionDevice:
    """Device of the viewer."""

    type: str | None = None
    """Such as ``desktop``."""
    vendor: str | None = None
    """Manufacturer."""
    model: str | None = None
    """Model of the device."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionOs:
    """Operating system of the viewer."""

    name: str | None = None
    """Such as ``Microsoft Windows``."""
    shortname: str | None = None
    """Such as ``W10``."""
    version: str | None = None
    """Such as ``Windows10``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionClient:
    """Program in which the viewer watched."""

    type: str | None = None
    """Such as ``browser``."""
    name: str | None = None
    """Such as ``Firefox``."""
    version: str | None = None
    """Such as ``67.0``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSession:
    """The session of one viewer with one video or live stream."""

    session: PlayerSessionDetails | None = None
    """Times and metadata."""
    location: PlayerSessionLocation | None = None
    """Location of the viewer."""
    referrer: PlayerSessionReferrer | None = None
    """How the viewer reached the page."""
    device: PlayerSessionDevice | None = None
    """Device of the viewer."""
    os: PlayerSessionOs | None = None
    """Operating system of the viewer."""
    client: PlayerSessionClient | None = None
    """Program in which the viewer watched."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionEvent:
    """One action of a viewer."""

    type: PlayerSessionEventType | None = None
    """Type of the action."""
    emitted_at: datetime | None = None
    """Time of the action."""
    at: float | None = None
    """Position in the video, in seconds. Set for all types except the two seeks."""
    from_: float | None = wire("from", default=None)
    """Position before a seek, in seconds."""
    to: float | None = None
    """Position after a seek, in seconds."""
    extra: Mapping[str, Any] = field(factory=dict)
