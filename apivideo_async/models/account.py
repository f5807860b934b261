"""The account, and the tokens that replace its API key.

See service.md#account-record, service.md#access-tokens, service.md#upload-token-record.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from ._convert import wire
from ._model import Model

__all__ = [
    "AccessToken",
    "Account",
    "AccountQuota",
    "UploadToken",
]


@frozen(kw_only=True)
class AccountQuota(Model):
    """The quota of the plan. Its unit is not documented."""

    quota_used: float | None = None
    quota_remaining: float | None = None
    quota_total: float | None = None
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Account(Model):
    """The plan and environment of an API key. Every field has been deprecated since 2021."""

    quota: AccountQuota | None = None
    features: list[str] = field(factory=list)
    """Enabled features, such as ``app.event_log``."""
    environment: str | None = None
    """``production`` or ``sandbox``."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class AccessToken(Model):
    """The response of ``/auth/api-key`` and ``/auth/refresh``, the only object in snake_case."""

    access_token: str = wire("access_token", default="", repr=False)
    """The access token, which is sent as ``Authorization: Bearer …``."""
    refresh_token: str | None = wire("refresh_token", default=None, repr=False)
    """The refresh token. It can be exchanged for a new pair once."""
    token_type: str = wire("token_type", default="Bearer")
    """``Bearer``, in upper or lower case."""
    expires_in: int | None = wire("expires_in", default=None)
    """Seconds until the access token expires, usually 3600."""
    extra: Mapping[str, Any] = field(factory=dict, repr=False)


@frozen(kw_only=True)
class UploadToken(Model):
    """Permission to upload without an API key."""

    token: str = field(default="", repr=False)
    """The token; begins with ``to``. It is a secret, so ``repr`` leaves it out."""
    ttl: int | None = None
    """Lifetime in seconds; 0 means that the token does not expire."""
    created_at: datetime | None = None
    expires_at: datetime | None = None
    """Time of expiry; None if the token does not expire."""
    extra: Mapping[str, Any] = field(factory=dict, repr=False)
