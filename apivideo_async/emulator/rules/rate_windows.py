"""Fixed windows of the rate limit, one per class of operations (service.md#rate-limits). Time is an argument."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

RateClass = Literal["uploads", "writes", "reads"]
RATE_CLASSES: tuple[RateClass, ...] = ("uploads", "writes", "reads")
PRESETS: dict[str, dict[RateClass, int]] = {
    "sandbox": {"uploads": 40, "writes": 40, "reads": 100},
    "production": {"uploads": 100, "writes": 200, "reads": 500},
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one request fits its window, and what its answer says about the window."""

    allowed: bool
    limit: int
    remaining: int
    resets_in: float
    window: float

    def headers(self) -> dict[str, str]:
        """Return the three headers of every answer (service.md#rate-limit-headers)."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Retry-After": format_wait(self.resets_in, self.window),
        }


ROUNDING = 1e-6
"""Rounding error of the clock, in seconds: it must neither lengthen a wait by a second nor end it too early."""


def format_wait(seconds: float, window: float) -> str:
    """Write a wait that never ends too early: whole seconds, or milliseconds in a window below 10 s."""
    if window >= 10:
        return str(math.ceil(seconds - ROUNDING))
    return f"{math.ceil(seconds * 1000) / 1000:.3f}"


class FixedWindow:
    """A budget of `limit` requests that is full again `window` seconds after the first of them."""

    def __init__(self, limit: int, window: float) -> None:
        self._limit = limit
        self._window = window
        self._used = 0
        self._ends: float | None = None

    def take(self, now: float) -> Verdict:
        """Count one request at time `now`; a refused one costs nothing."""
        if self._ends is None or now >= self._ends - ROUNDING:
            self._used = 0
            self._ends = now + self._window
        allowed = self._used < self._limit
        self._used += allowed
        return Verdict(allowed, self._limit, self._limit - self._used, self._ends - now, self._window)


class RateLimiter:
    """The windows of one API key; without limits it has no opinion at all."""

    def __init__(self, limits: Mapping[RateClass, int] | None, window: float) -> None:
        self._windows = {name: FixedWindow(limit, window) for name, limit in (limits or {}).items()}

    def take(self, rate_class: RateClass, now: float) -> Verdict | None:
        """Count one request of a class; None when that class has no limit."""
        window = self._windows.get(rate_class)
        return None if window is None else window.take(now)


def rate_limits(setting: str | Mapping[str, int]) -> dict[RateClass, int] | None:
    """Read the setting: "off", the name of an environment, or a number per class."""
    if isinstance(setting, str):
        if setting == "off":
            return None
        if setting not in PRESETS:
            raise ValueError(f'rate_limits is "off", "production", "sandbox" or a mapping, not {setting!r}')
        return dict(PRESETS[setting])
    unknown = set(setting) - set(RATE_CLASSES)
    if unknown:
        raise ValueError(f"unknown rate limit class: {', '.join(sorted(unknown))}")
    return {name: setting[name] for name in RATE_CLASSES if name in setting}
