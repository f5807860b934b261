"""Tags of videos (service.md#tags)."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

__all__ = ["Tag"]


@frozen(kw_only=True)
class Tag:
    """A tag and the number of its videos."""

    value: str = ""
    """The tag."""
    video_count: int | None = None
    """Number of videos that have the tag."""
    extra: Mapping[str, Any] = field(factory=dict)
