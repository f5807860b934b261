"""Windows of the rate limit, one per class of operations (service.md#rate-limits). Pure.

The assumed window is a fixed one. The other kinds are the values of the quirk ``rate-window``.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Literal, Protocol, get_args

from attrs import define, field, frozen

__all__ = [
    "PRESETS",
    "ROUNDING",
    "UNREACHED",
    "FixedWindow",
    "RateClass",
    "RateLimiter",
    "SlidingWindow",
    "TokenBucket",
    "Use",
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
# The limit of a class that is not limited: the headers state it, and no client reaches it.
UNREACHED = 1_000_000
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


@define(eq=False)
class SlidingWindow:
    """A budget for the last ``window`` seconds. A place is free when its request is older."""

    _limit: int
    _window: float
    _starts: deque[float] = field(factory=deque, init=False)

    def take(self, now: float) -> Verdict:
        """Count one request. ``resets_in`` is the time until the next place is free."""
        while self._starts and now - self._starts[0] >= self._window - ROUNDING:
            self._starts.popleft()
        allowed = len(self._starts) < self._limit
        if allowed:
            self._starts.append(now)
        remaining = self._limit - len(self._starts)
        # With a limit of 0 there is no request, and no place is ever free.
        resets_in = self._starts[0] + self._window - now if self._starts else self._window
        return Verdict(allowed, self._limit, remaining, resets_in, self._window)


@define(eq=False)
class TokenBucket:
    """A budget that is refilled evenly: the whole limit takes ``window`` seconds."""

    _limit: int
    _window: float
    _tokens: float = field(init=False)
    _filled: float | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._tokens = self._limit

    def take(self, now: float) -> Verdict:
        """Count one request. ``resets_in`` is the time until the next token."""
        rate = self._limit / self._window
        elapsed = 0.0 if self._filled is None else now - self._filled
        self._tokens = min(self._limit, self._tokens + elapsed * rate)
        self._filled = now
        allowed = self._tokens >= 1 - ROUNDING
        if allowed:
            self._tokens = max(0.0, self._tokens - 1)
        # Rounding errors must not hide a token that is complete.
        remaining = int(self._tokens + ROUNDING)
        missing = remaining + 1 - self._tokens
        resets_in = missing / rate if rate else self._window
        return Verdict(allowed, self._limit, remaining, resets_in, self._window)


class _Window(Protocol):
    def take(self, now: float) -> Verdict: ...


_KINDS: dict[str | None, Callable[[int, float], _Window]] = {
    None: FixedWindow,
    "sliding": SlidingWindow,
    "token-bucket": TokenBucket,
}


@frozen
class Use:
    """What is left of one class, None without a request so far. ``refused`` counts 429s."""

    remaining: int | None = None
    resets_in: float | None = None
    refused: int = 0


class RateLimiter:
    """The windows of one API key. A class without a limit has the limit ``UNREACHED``."""

    def __init__(self, limits: Mapping[RateClass, int] | None, window: float) -> None:
        self._limits = limits or {}
        self._window = window
        self._kind: str | None = None
        self._windows: dict[RateClass, _Window] = {}
        self._last: dict[RateClass, tuple[Verdict, float]] = {}
        self._refused: Counter[RateClass] = Counter()

    def take(self, rate_class: RateClass, now: float, kind: str | None = None) -> Verdict:
        """Count one request of a class. All windows start again when ``kind`` changes."""
        if kind != self._kind:
            self._kind, self._windows = kind, {}
        if rate_class not in self._windows:
            limit = self._limits.get(rate_class, UNREACHED)
            self._windows[rate_class] = _KINDS[kind](limit, self._window)
        verdict = self._windows[rate_class].take(now)
        self._last[rate_class] = verdict, now
        self._refused[rate_class] += not verdict.allowed
        return verdict

    def use(self, rate_class: RateClass, now: float) -> Use:
        """Return what is left of a class, as its last request found it."""
        refused = self._refused[rate_class]
        if rate_class not in self._last:
            return Use(refused=refused)
        verdict, moment = self._last[rate_class]
        resets_in = verdict.resets_in - (now - moment)
        if resets_in <= 0:
            return Use(verdict.limit, None, refused)
        return Use(verdict.remaining, math.ceil(resets_in), refused)


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
