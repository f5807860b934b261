"""Fixed windows of the rate limit, one per class of operations (service.md#rate-limits). Pure."""

import math
from collections.abc import Mapping
from typing import Literal, get_args

from attrs import define, field, frozen

__all__ = [
    "PRESETS",
    "ROUNDING",
    "FixedWindow",
    "RateClass",
    "RateLimiter",
    "Verdict",
    "format_wait",
    "parse_rate_limits",
]

RateClass = Literal["uploads", "writes", "reads"]
# Requests per window for each environment.
PRESETS: dict[str, dict[RateClass, int]] = {
    "sandbox": {"uploads": 40, "writes": 40, "reads": 100},
    "production": {"uploads": 100, "writes": 200, "reads": 500},
}
# Rounding error of the clock in seconds. It must not lengthen a wait by a whole second.
ROUNDING = 1e-6


@frozen
class Verdict:
    """The decision on one request, and the state of its window. Times are in seconds."""

    allowed: bool
    limit: int
    remaining: int
    resets_in: float
    window: float

    def headers(self) -> dict[str, str]:
        """Return the three rate limit headers of a response (service.md#rate-limit-headers)."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Retry-After": format_wait(self.resets_in, self.window),
        }


def format_wait(seconds: float, window: float) -> str:
    """Format a wait, rounded up, in whole seconds (milliseconds if ``window`` is below 10 s)."""
    if window >= 10:
        return str(math.ceil(seconds - ROUNDING))
    return f"{math.ceil(seconds * 1000) / 1000:.3f}"


@define(eq=False)
class FixedWindow:
    """A budget of requests, which is full again ``window`` seconds after the first request."""

    _limit: int
    _window: float
    _used: int = field(default=0, init=False)
    _ends: float = field(default=-math.inf, init=False)

    def take(self, now: float) -> Verdict:
        """Count one request. A refused request does not use the budget."""
        # The first request after the end of a window starts the next one. Windows do not follow a
        # fixed schedule.
        if now >= self._ends - ROUNDING:
            self._used = 0
            self._ends = now + self._window
        allowed = self._used < self._limit
        if allowed:
            self._used += 1
        remaining = self._limit - self._used
        return Verdict(allowed, self._limit, remaining, self._ends - now, self._window)


class RateLimiter:
    """The windows of one API key. ``limits`` of None means no limits."""

    def __init__(self, limits: Mapping[RateClass, int] | None, window: float) -> None:
        self._windows = {name: FixedWindow(limit, window) for name, limit in (limits or {}).items()}

    def take(self, rate_class: RateClass, now: float) -> Verdict | None:
        """Count one request of a class. Returns None if the class has no limit."""
        window = self._windows.get(rate_class)
        return None if window is None else window.take(now)


def parse_rate_limits(setting: str | Mapping[str, int]) -> dict[RateClass, int] | None:
    """Parse ``"off"`` (None), an environment, or a number per class. Raises ``ValueError``."""
    if setting == "off":
        return None
    if isinstance(setting, str):
        if setting not in PRESETS:
            raise ValueError(
                f'rate_limits is "off", "production", "sandbox" or a mapping, not {setting!r}'
            )
        return dict(PRESETS[setting])
    classes: tuple[RateClass, ...] = get_args(RateClass)
    unknown = set(setting).difference(classes)
    if unknown:
        raise ValueError(f"unknown rate limit class: {', '.join(sorted(unknown))}")
    return {name: setting[name] for name in classes if name in setting}
