"""The account, of the older index (service.md#account-record)."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

__all__ = ["Account", "AccountQuota"]


@frozen(kw_only=True)
class AccountQuota:
    """What the plan includes; in which unit is not documented."""

    quota_used: float | None = None
    """Used so far."""
    quota_remaining: float | None = None
    """Left."""
    quota_total: float | None = None
    """In all."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Account:
    """Plan and environment of the key's owner; every field has been deprecated since 2021."""

    quota: AccountQuota | None = None
    """What the plan includes."""
    features: list[str] = field(factory=list)
    """What is switched on, such as ``app.event_log``."""
    environment: str | None = None
    """``production`` or ``sandbox``."""
    extra: Mapping[str, Any] = field(factory=dict)
