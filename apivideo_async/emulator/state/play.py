"""One visit of a player: what all analytics are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A player that was loaded at `at` (UTC unless it says otherwise) and perhaps started.

    `watched` counts seconds; `loading` the milliseconds until the first frame. Viewers with one name count once
    where unique viewers are asked for; without a name each visit is a viewer of its own. `metadata` belongs to
    the session.
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
        """When the viewer left."""
        return self.at + timedelta(seconds=self.watched if self.played else 0)

    @property
    def who(self) -> object:
        """Whatever tells one viewer from another."""
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
    """Read a play, its moment as ISO 8601; raises TypeError or ValueError when it is none."""
    known = {each.name for each in fields(Play)}
    if not isinstance(payload, dict) or not known.issuperset(payload):
        raise ValueError(f"a play is an object with some of {', '.join(sorted(known))}")
    for name, value in payload.items():
        if not isinstance(value, _KINDS.get(name, str)):
            raise TypeError(f"{name} has the wrong type")
    return Play(**{**payload, "at": datetime.fromisoformat(payload.get("at", ""))})
