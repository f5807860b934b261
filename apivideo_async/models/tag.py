"""Tags that videos carry (service.md#tags)."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

__all__ = ["Tag"]


@frozen(kw_only=True)
class Tag:
    """A tag and how often it is used."""

    value: str = ""
    """The tag itself."""
    video_count: int | None = None
    """How many videos carry it."""
    extra: Mapping[str, Any] = field(factory=dict)
