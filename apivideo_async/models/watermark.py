"""Watermarks: images that are added to videos when these are created (service.md#watermarks)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

__all__ = ["Watermark"]


@frozen(kw_only=True)
class Watermark:
    """An uploaded watermark. The API returns no other properties of it."""

    watermark_id: str = ""
    """Identifier for ``VideoWatermark(id=…)``; begins with ``watermark_``."""
    created_at: datetime | None = None
    """Time of the upload."""
    extra: Mapping[str, Any] = field(factory=dict)
