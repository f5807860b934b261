"""The account, from an older version of the API (service.md#account-record)."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

__all__ = ["Account", "AccountQuota"]


@frozen(kw_only=True)
class AccountQuota:
    """The quota of the plan. Its unit is not documented."""

    quota_used: float | None = None
    """Used part of the quota."""
    quota_remaining: float | None = None
    """Remaining part of the quota."""
    quota_total: float | None = None
    """The whole quota."""
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Account:
    """The plan and environment of an API key. Every field has been deprecated since 2021."""

    quota: AccountQuota | None = None
    """The quota of the plan."""
    features: list[str] = field(factory=list)
    """Enabled features, such as ``app.event_log``."""
    environment: str | None = None
    """``production`` or ``sandbox``."""
    extra: Mapping[str, Any] = field(factory=dict)
