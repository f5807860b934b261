"""Watermarks: images that are burnt into videos at their creation (service.md#watermarks)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

__all__ = ["Watermark"]


@frozen(kw_only=True)
class Watermark:
    """An uploaded image; the API tells no more of it than this."""

    watermark_id: str = ""
    """Identifies it, for ``VideoWatermark(id=…)``; begins with ``watermark_``."""
    created_at: datetime | None = None
    """When it was uploaded."""
    extra: Mapping[str, Any] = field(factory=dict)
