"""Sessions of viewers, of the older index. What is not known comes as the text ``unknown``.

See service.md#viewer-sessions.
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
"""What a viewer did; values that do not exist yet are kept as text."""


@frozen(kw_only=True)
class PlayerSessionDetails:
    """When it was, and with what metadata."""

    session_id: str | None = None
    """Identifies it, for ``analytics.list_session_events``; begins with ``ps``."""
    loaded_at: datetime | None = None
    """When the player was loaded."""
    ended_at: datetime | None = None
    """When the viewer left."""
    metadata: dict[str, str] = wire(pairs=True, factory=dict)
    """What the page said about the viewer; never there for live streams."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionLocation:
    """Where the viewer was."""

    country: str | None = None
    """Name of the country."""
    city: str | None = None
    """Name of the city."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionReferrer:
    """How the viewer got there."""

    url: str | None = None
    """The page before."""
    medium: str | None = None
    """Such as ``organic``."""
    source: str | None = None
    """The site before, such as a search engine."""
    search_term: str | None = None
    """What was searched for."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionDevice:
    """What it was watched on."""

    type: str | None = None
    """Such as ``desktop``."""
    vendor: str | None = None
    """Who made it."""
    model: str | None = None
    """Which one."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionOs:
    """The operating system."""

    name: str | None = None
    """Such as ``Microsoft Windows``."""
    shortname: str | None = None
    """Such as ``W10``."""
    version: str | None = None
    """Such as ``Windows10``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionClient:
    """The program it was watched with."""

    type: str | None = None
    """Such as ``browser``."""
    name: str | None = None
    """Such as ``Firefox``."""
    version: str | None = None
    """Such as ``67.0``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSession:
    """One viewer's stay with a video or a live stream."""

    session: PlayerSessionDetails | None = None
    """When it was."""
    location: PlayerSessionLocation | None = None
    """Where the viewer was."""
    referrer: PlayerSessionReferrer | None = None
    """How the viewer got there."""
    device: PlayerSessionDevice | None = None
    """What it was watched on."""
    os: PlayerSessionOs | None = None
    """The operating system."""
    client: PlayerSessionClient | None = None
    """The program it was watched with."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PlayerSessionEvent:
    """One thing that a viewer did."""

    type: PlayerSessionEventType | None = None
    """What it was."""
    emitted_at: datetime | None = None
    """When it was."""
    at: float | None = None
    """Second of the video; of every type but the two seeks."""
    from_: float | None = wire("from", default=None)
    """Second of the video that a seek left."""
    to: float | None = None
    """Second of the video that a seek went to."""
    extra: Mapping[str, Any] = field(factory=dict)
