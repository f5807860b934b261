"""Records that are mostly data: live streams, players, summaries and upload tokens. No I/O.

See service.md#live-stream-record, service.md#player-record, service.md#summaries,
service.md#upload-token-record.
"""

from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from attrs import define, field

from .items import Item, StoredFile, timestamp

__all__ = [
    "PLAYER_COLOURS",
    "PLAYER_SWITCHES",
    "SUMMARY_PARTS",
    "SUMMARY_STATUSES",
    "LiveStream",
    "Player",
    "Summary",
    "UploadToken",
]

# The fields of a restream in responses. Other fields of a payload are dropped.
_RESTREAM = ("name", "serverUrl", "streamKey")
_WHITE = "rgba(255, 255, 255, 1)"
_DARK = "rgba(0, 0, 0, .7)"
# The defaults of the service (service.md#player-record).
PLAYER_COLOURS = {
    "text": _WHITE,
    "link": _WHITE,
    "linkHover": _WHITE,
    "linkActive": _WHITE,
    "trackPlayed": "rgba(88, 131, 255, .95)",
    "trackUnplayed": "rgba(255, 255, 255, .35)",
    "trackBackground": "rgba(255, 255, 255, .2)",
    "backgroundTop": _DARK,
    "backgroundBottom": _DARK,
    "backgroundText": _WHITE,
}
PLAYER_SWITCHES = {
    "enableApi": True,
    "enableControls": True,
    "forceAutoplay": False,
    "hideTitle": False,
    "forceLoop": False,
}
SummaryStatus = Literal["missing", "waiting", "failed", "completed", "unprocessable"]
SUMMARY_STATUSES: tuple[SummaryStatus, ...] = get_args(SummaryStatus)
SUMMARY_PARTS = ("abstract", "takeaways")


@define(eq=False, kw_only=True)
class LiveStream(Item):
    """A live stream. ``media`` is the content of its last recording, None before a broadcast."""

    attributes: dict[str, Any]
    stream_key: str
    broadcasting: bool = False
    media: bytes | None = None
    thumbnail: StoredFile | None = None

    @property
    def public(self) -> bool:
        """Whether assets need no token. The documentation states no default."""
        return bool(self.attributes.get("public", True))

    def as_json(self, assets: dict[str, str]) -> dict[str, Any]:
        """Return the ``live-stream`` schema. ``playerId`` is absent if it is not set."""
        player = {"playerId": self.attributes["playerId"]} if "playerId" in self.attributes else {}
        restreams = self.attributes.get("restreams", [])
        return {
            "liveStreamId": self.id,
            **self.dates(),
            "streamKey": self.stream_key,
            "name": self.attributes["name"],
            **player,
            "public": self.public,
            "broadcasting": self.broadcasting,
            "restreams": [{name: restream[name] for name in _RESTREAM} for restream in restreams],
            "assets": assets,
        }


@define(eq=False, kw_only=True)
class Player(Item):
    """A theme. Attributes that were never set have the defaults of the service."""

    attributes: dict[str, Any]
    logo: StoredFile | None = None
    logo_link: str | None = None

    def as_json(self, logo_url: str) -> dict[str, Any]:
        """Return the ``player-theme`` schema. Without a logo the values in ``assets`` are null."""
        return {
            "playerId": self.id,
            **self.dates(),
            **PLAYER_COLOURS,
            **PLAYER_SWITCHES,
            **self.attributes,
            "assets": {"logo": logo_url if self.logo else None, "link": self.logo_link},
        }


@define(eq=False, kw_only=True)
class Summary(Item):
    """The abstract and takeaways of a video. With the origin ``auto`` the service writes them."""

    video_id: str
    origin: Literal["auto", "api"]
    status: SummaryStatus
    parts: tuple[str, ...] = SUMMARY_PARTS
    source: dict[str, Any] = field(factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "summaryId": self.id,
            **self.dates(),
            "videoId": self.video_id,
            "origin": self.origin,
            "sourceStatus": self.status,
        }


@define(eq=False, kw_only=True)
class UploadToken(Item):
    """A token for delegated uploads (service.md#upload-tokens). ``ttl`` is in seconds."""

    ttl: int

    @property
    def expires_at(self) -> datetime | None:
        """The moment at which the token stops working. None if ``ttl`` is 0."""
        return self.created + timedelta(seconds=self.ttl) if self.ttl else None

    def active(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at

    def as_json(self) -> dict[str, Any]:
        """Return the ``upload-token`` schema. ``expiresAt`` is absent if it does not expire."""
        token = {"token": self.id, "ttl": self.ttl, "createdAt": timestamp(self.created)}
        if self.expires_at is not None:
            token["expiresAt"] = timestamp(self.expires_at)
        return token
