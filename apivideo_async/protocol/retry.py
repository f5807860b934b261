"""Decides whether and when a failed attempt is repeated. All functions are pure.

The class of an error says whether a repetition may help (``retryable``) and what the server may
have done (``delivery``). A request that may have been executed is repeated only if executing it
twice does no harm, because api.video has no idempotency keys (service.md#repeated-requests). A 429
response means that the request was not executed. It uses no attempt, and the limiter delays the
next attempt until the window resets. Any other response may ask for a wait (``Retry-After``), which
is followed for ``LONGEST_WAIT`` at most.

A failure without a response is an outage: the number of attempts says nothing about how long it
lasts. It uses no attempt. The time since the first of these failures is limited instead, and the
pauses stay short, so that the call continues soon after the outage.
"""

from collections.abc import Iterator

from attrs import frozen

from ..config import RetryPolicy
from ..errors import ApiConnectionError, ApiStatusError, ApiVideoError, RateLimitError
from ..rate_limit.headers import LONGEST_WAIT

__all__ = ["Attempts", "backoff", "is_verdict", "may_repeat", "settle_delay", "settle_delays"]

LONGEST_OUTAGE_DELAY = 5.0
"""Upper bound of the pauses in an outage, in seconds."""
FIRST_SETTLE_DELAY = 0.5
"""Seconds before the first repetition of a query whose result may be out of date."""


def is_verdict(error: ApiStatusError) -> bool:
    """Return True if the body says what is wrong, so that the service itself has refused.

    A page of a gateway has no problem body (service.md#content-types). It does not say whether the
    service executed the request.
    """
    return error.slug is not None or error.title is not None


def may_repeat(error: ApiVideoError, *, repeatable: bool) -> bool:
    """Whether another attempt is safe and may succeed. ``repeatable``: executing twice is safe."""
    return error.retryable and (repeatable or error.delivery != "unknown")


def backoff(policy: RetryPolicy, failures: int, random: float) -> float:
    """Return the seconds to wait after ``failures`` failed attempts.

    The bound doubles with each failure. The wait is half of it plus a random part of the other
    half; ``random`` is from 0 to 1. Randomness keeps clients from retrying at the same time.
    """
    # The exponent is bounded, because a float power overflows at 1024.
    bound = min(policy.longest_delay, policy.first_delay * 2.0 ** min(failures - 1, 40))
    return bound * (0.5 + 0.5 * random)


def settle_delays(settle: float) -> Iterator[float]:
    """Yield the seconds to wait before each repetition of a query whose result may be out of date.

    The delays double, up to a quarter of ``settle`` seconds, and their sum is ``settle``. With the
    default of 30 s, the query is repeated seven times.
    """
    longest = settle / 4
    delay = min(FIRST_SETTLE_DELAY, settle / 60)
    while settle > 1e-6:  # Less is the rounding error of the subtractions.
        yield min(delay, settle)
        settle -= delay
        delay = min(2 * delay, longest)


def settle_delay(settle: float, age: float) -> float | None:
    """Return the seconds to wait before a query about something new is repeated; None: do not.

    ``age`` is the time in seconds since the object was created or changed. The delays grow with it.
    """
    if age >= settle:
        return None
    first = min(FIRST_SETTLE_DELAY, settle / 60)
    return min(max(first, age), settle / 4, settle - age)


@frozen
class Attempts:
    """The failed attempts of one call or one chunk.

    ``since`` is the time of the first failure. The time limit starts there, because the duration of
    a transfer says nothing about whether to repeat it.
    """

    failures: int = 0
    """Failures that used an attempt."""
    since: float | None = None
    asked: float = 0.0
    """Seconds that the last response asked to wait."""
    unreached: int = 0
    """Failures without a response since the last response."""
    outage_since: float | None = None
    """Time of the first of them."""

    def after(self, error: ApiVideoError, now: float, *, counts: bool = False) -> "Attempts":
        """Return the attempts with one more failure.

        A 429 uses no attempt. A failure without a response uses none unless ``counts`` is True.
        """
        since = now if self.since is None else self.since
        if isinstance(error, RateLimitError):
            return Attempts(self.failures, since)  # The limiter waits.
        if isinstance(error, ApiConnectionError) and not counts:
            began = now if self.outage_since is None else self.outage_since
            return Attempts(self.failures, since, unreached=self.unreached + 1, outage_since=began)
        told = error.retry_after if isinstance(error, ApiStatusError) else None
        return Attempts(self.failures + 1, since, min(told or 0.0, LONGEST_WAIT))

    def delay(
        self, policy: RetryPolicy, now: float, random: float, outage: float | None = None
    ) -> float | None:
        """Return the seconds to wait before the next attempt, or None if none is allowed.

        ``outage`` is the limit for an outage in seconds, by default that of a single call.
        """
        if self.failures >= policy.attempts or (self.unreached and policy.attempts == 1):
            return None
        wait = 0.0
        if self.unreached:
            wait = min(backoff(policy, self.unreached, random), LONGEST_OUTAGE_DELAY)
        elif self.failures:
            wait = max(backoff(policy, self.failures, random), self.asked)
        # The wait counts too: an attempt that could only start after the time limit is not made.
        if self.since is not None and now + wait - self.since > policy.seconds:
            return None
        if self.outage_since is not None:
            limit = policy.call_outage if outage is None else outage
            if now + wait - self.outage_since > limit:
                return None
        return wait

    def describe(self, error: ApiVideoError, now: float) -> str:
        """Describe the attempts for the message of the final error."""
        if self.outage_since is not None:
            return f"no response for {now - self.outage_since:.0f} s"
        last = "no response"
        if isinstance(error, ApiStatusError):
            last = f"status {error.status}"
        return f"{self.failures} failed attempts, the last: {last}" if self.failures else last
