"""Summaries: abstract and takeaways of a video (service.md#summaries)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from .items import Item

SourceStatus = Literal["missing", "waiting", "failed", "completed", "unprocessable"]
STATUSES: tuple[SourceStatus, ...] = get_args(SourceStatus)
PARTS = ("abstract", "takeaways")


@dataclass(slots=True, eq=False, kw_only=True)
class Summary(Item):
    """One summary.

    With the origin ``"auto"`` the service writes the ``parts`` once the video is encoded.
    """

    video_id: str
    origin: Literal["auto", "api"]
    status: SourceStatus
    parts: tuple[str, ...] = PARTS
    source: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the ``summary`` schema."""
        return {
            "summaryId": self.key,
            **self.dates(),
            "videoId": self.video_id,
            "origin": self.origin,
            "sourceStatus": self.status,
        }
