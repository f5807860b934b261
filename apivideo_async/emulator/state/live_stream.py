"""Live streams: a container with a secret stream key that is broadcasting or not.

See service.md#live-stream-operations, service.md#live-streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..rules.file_rules import StoredFile
from .items import Item

# The fields of a restream in responses. Other fields of a payload are dropped.
RESTREAM = ("name", "serverUrl", "streamKey")


@dataclass(slots=True, eq=False, kw_only=True)
class LiveStream(Item):
    """One live stream.

    ``media`` is the content of the recording that the broadcast leaves. It is None before the first
    broadcast.
    """

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
        """Return the ``live-stream`` schema. ``playerId`` is absent if it is not set.

        See service.md#live-stream-record.
        """
        player = {"playerId": self.attributes["playerId"]} if "playerId" in self.attributes else {}
        restreams = self.attributes.get("restreams", [])
        return {
            "liveStreamId": self.key,
            **self.dates(),
            "streamKey": self.stream_key,
            "name": self.attributes["name"],
            **player,
            "public": self.public,
            "broadcasting": self.broadcasting,
            "restreams": [{name: restream[name] for name in RESTREAM} for restream in restreams],
            "assets": assets,
        }
