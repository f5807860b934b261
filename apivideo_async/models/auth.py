"""The token pair of ``/auth/*`` (service.md#access-tokens)."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ._convert import wire

__all__ = ["AccessToken"]


@frozen(kw_only=True)
class AccessToken:
    """What ``/auth/api-key`` and ``/auth/refresh`` answer; the only snake_case object of the API."""

    access_token: str = wire("access_token", default="", repr=False)
    """Sent as ``Authorization: Bearer …``."""
    refresh_token: str | None = wire("refresh_token", default=None, repr=False)
    """Buys the next pair, once."""
    token_type: str = wire("token_type", default="Bearer")
    """``Bearer``, in any case."""
    expires_in: int | None = wire("expires_in", default=None)
    """Seconds until the access token ends, usually 3600."""
    extra: Mapping[str, Any] = field(factory=dict, repr=False)
