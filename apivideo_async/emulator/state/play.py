"""Plays: one visit of a player each. All analytics are computed from them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from attrs import field, fields_dict, frozen

__all__ = ["Play", "play_from_json", "with_time_zone"]


def with_time_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


@frozen(kw_only=True)
class Play:
    """A player that was loaded at ``at`` (UTC if it has no time zone), and perhaps started.

    ``watched`` is in seconds, ``loading`` (until the first frame) in milliseconds. Plays with the
    same ``viewer`` belong to one unique viewer; without ``viewer`` each play has its own.
    ``metadata`` is the metadata of the session.
    """

    media_id: str
    at: datetime = field(converter=with_time_zone)
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
    metadata: Mapping[str, str] = field(factory=dict)

    @property
    def until(self) -> datetime:
        """The moment at which the viewer left."""
        return self.at + timedelta(seconds=self.watched if self.played else 0)

    @property
    def viewer_key(self) -> object:
        """The identity of the viewer, for unique counts."""
        return id(self) if self.viewer is None else self.viewer


# The JSON types of the fields that are not text.
_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "played": bool,
    "ended": bool,
    "watched": (int, float),
    "loading": int,
    "metadata": dict,
    "city": (str, type(None)),
    "viewer": (str, type(None)),
}


def play_from_json(payload: Any) -> Play:
    """Build a play from JSON (``at`` in ISO 8601). Raises ``TypeError`` or ``ValueError``."""
    known = fields_dict(Play)
    if not isinstance(payload, dict) or not known.keys() >= payload.keys():
        raise ValueError(f"a play is an object with some of {', '.join(sorted(known))}")
    for name, value in payload.items():
        if not isinstance(value, _JSON_TYPES.get(name, str)):
            raise TypeError(f"{name} has the wrong type")
    return Play(**{**payload, "at": datetime.fromisoformat(payload.get("at", ""))})
