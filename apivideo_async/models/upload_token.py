"""Upload tokens (service.md#upload-token-record)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

__all__ = ["UploadToken"]


@frozen(kw_only=True)
class UploadToken:
    """Permission to upload without an API key."""

    token: str = field(default="", repr=False)
    """The token; begins with ``to``. It is a secret, so ``repr`` leaves it out."""
    ttl: int | None = None
    """Lifetime in seconds; 0 means that the token does not expire."""
    created_at: datetime | None = None
    """Time of creation."""
    expires_at: datetime | None = None
    """Time of expiry; None if the token does not expire."""
    extra: Mapping[str, Any] = field(factory=dict, repr=False)
