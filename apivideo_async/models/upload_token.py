"""Upload tokens (service.md#upload-token-record)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

__all__ = ["UploadToken"]


@frozen(kw_only=True)
class UploadToken:
    """Permission to upload without an API key; a secret, so ``repr`` leaves the token out."""

    token: str = field(default="", repr=False)
    """The token itself; begins with ``to``."""
    ttl: int | None = None
    """Lifetime in seconds; 0 never expires."""
    created_at: datetime | None = None
    """When it was created."""
    expires_at: datetime | None = None
    """None when it never expires."""
    extra: Mapping[str, Any] = field(factory=dict, repr=False)
