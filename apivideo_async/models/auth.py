"""The token pair of ``/auth/*`` (service.md#access-tokens)."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ._convert import wire

__all__ = ["AccessToken"]


@frozen(kw_only=True)
class AccessToken:
    """The response of ``/auth/api-key`` and ``/auth/refresh``.

    It is the only object of the API with names in snake_case.
    """

    access_token: str = wire("access_token", default="", repr=False)
    """The access token, which is sent as ``Authorization: Bearer …``."""
    refresh_token: str | None = wire("refresh_token", default=None, repr=False)
    """The refresh token. It can be exchanged for a new pair once."""
    token_type: str = wire("token_type", default="Bearer")
    """``Bearer``, in upper or lower case."""
    expires_in: int | None = wire("expires_in", default=None)
    """Seconds until the access token expires, usually 3600."""
    extra: Mapping[str, Any] = field(factory=dict, repr=False)
