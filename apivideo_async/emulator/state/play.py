"""Plays: one visit of a player each. All analytics are computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A player that was loaded at ``at``, and perhaps started.

    ``at`` is in UTC if it has no time zone. ``watched`` is in seconds. ``loading`` is the time
    until the first frame in milliseconds. Plays with the same ``viewer`` belong to one unique
    viewer; without ``viewer`` each play has its own. ``metadata`` is the metadata of the session.
    """

    media_id: str
    at: datetime
    media_type: Literal["video", "live-stream"] = "video"
    played: bool = True
    watched: float = 30.0
    ended: bool = False
    loading: int = 500
    viewer: str | None = None
    continent: str = "EU"
    country: str = "FR"
    city: str | None = "Paris"
    device_type: str = "computer"
    operating_system: str = "windows"
    browser: str = "firefox"
    referrer: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            object.__setattr__(self, "at", self.at.replace(tzinfo=UTC))

    @property
    def until(self) -> datetime:
        """The moment at which the viewer left."""
        return self.at + timedelta(seconds=self.watched if self.played else 0)

    @property
    def who(self) -> object:
        """The identity of the viewer, for unique counts."""
        return id(self) if self.viewer is None else self.viewer


_KINDS: dict[str, type | tuple[type, ...]] = {
    "played": bool,
    "ended": bool,
    "watched": (int, float),
    "loading": int,
    "metadata": dict,
    "city": (str, type(None)),
    "viewer": (str, type(None)),
}


def play_from_json(payload: Any) -> Play:
    """Build a play from JSON. ``at`` is in ISO 8601.

    Raises ``TypeError`` or ``ValueError`` if the payload is not a valid play.
    """
    known = {each.name for each in fields(Play)}
    if not isinstance(payload, dict) or not known.issuperset(payload):
        raise ValueError(f"a play is an object with some of {', '.join(sorted(known))}")
    for name, value in payload.items():
        if not isinstance(value, _KINDS.get(name, str)):
            raise TypeError(f"{name} has the wrong type")
    return Play(**{**payload, "at": datetime.fromisoformat(payload.get("at", ""))})
