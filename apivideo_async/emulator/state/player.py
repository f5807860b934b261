"""Player themes: colours, switches and a logo.

See service.md#player-operations, service.md#player-record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..rules.file_rules import StoredFile
from .items import Item

_WHITE, _SHADE = "rgba(255, 255, 255, 1)", "rgba(0, 0, 0, .7)"
# The defaults of the service (service.md#player-record).
COLOURS = {
    "text": _WHITE,
    "link": _WHITE,
    "linkHover": _WHITE,
    "linkActive": _WHITE,
    "trackPlayed": "rgba(88, 131, 255, .95)",
    "trackUnplayed": "rgba(255, 255, 255, .35)",
    "trackBackground": "rgba(255, 255, 255, .2)",
    "backgroundTop": _SHADE,
    "backgroundBottom": _SHADE,
    "backgroundText": _WHITE,
}
SWITCHES = {
    "enableApi": True,
    "enableControls": True,
    "forceAutoplay": False,
    "hideTitle": False,
    "forceLoop": False,
}


@dataclass(slots=True, eq=False, kw_only=True)
class Player(Item):
    """A theme. Attributes that were never set have the defaults of the service."""

    attributes: dict[str, Any]
    logo: StoredFile | None = None
    logo_link: str | None = None

    def as_json(self, logo_url: str) -> dict[str, Any]:
        """Return the ``player-theme`` schema. Without a logo the values in ``assets`` are null.

        See service.md#player-record.
        """
        return {
            "playerId": self.key,
            **self.dates(),
            **COLOURS,
            **SWITCHES,
            **self.attributes,
            "assets": {"logo": logo_url if self.logo else None, "link": self.logo_link},
        }
