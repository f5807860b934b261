"""Decides whether and when a failed attempt is repeated. All functions are pure.

The class of an error says whether a repetition may help (``retryable``) and what the server may
have done (``delivery``). A request that may have been executed is repeated only if executing it
twice does no harm, because api.video has no idempotency keys (service.md#repeated-requests). A 429
response means that the request was not executed. It uses no attempt, and the limiter delays the
next attempt until the window resets. Any other response may ask for a wait (``Retry-After``), which
is followed for ``LONGEST_WAIT`` at most.
"""

from collections.abc import Iterator

from attrs import frozen

from ..config import RetryPolicy
from ..errors import ApiConnectionError, ApiStatusError, ApiVideoError, RateLimitError
from ..rate_limit.headers import LONGEST_WAIT

__all__ = ["Attempts", "backoff", "is_verdict", "may_repeat", "settle_delay", "settle_delays"]

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
    since: float | None = None
    asked: float = 0.0
    """Seconds that the last response asked to wait."""

    def after(self, error: ApiVideoError, now: float) -> "Attempts":
        """Return the attempts with one more failure. A 429 counts as none."""
        since = now if self.since is None else self.since
        if isinstance(error, RateLimitError):
            return Attempts(self.failures, since)  # The limiter waits.
        told = error.retry_after if isinstance(error, ApiStatusError) else None
        return Attempts(self.failures + 1, since, min(told or 0.0, LONGEST_WAIT))

    def delay(self, policy: RetryPolicy, now: float, random: float) -> float | None:
        """Return the seconds to wait before the next attempt, or None if none is allowed."""
        if self.failures >= policy.attempts:
            return None
        wait = backoff(policy, self.failures, random) if self.failures else 0.0
        wait = max(wait, self.asked)
        # The wait counts too: an attempt that could only start after the time limit is not made.
        spent = 0.0 if self.since is None else now + wait - self.since
        return None if spent > policy.seconds else wait

    def describe(self, error: ApiVideoError) -> str:
        """Describe the attempts for the message of the final error."""
        last = "no response"
        if isinstance(error, ApiStatusError):
            last = f"status {error.status}"
        elif isinstance(error, ApiConnectionError) and error.delivery == "not_sent":
            last = "the server was not reached"
        return f"{self.failures} failed attempts, the last: {last}"
