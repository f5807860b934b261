"""Whether and when a failed attempt is repeated: a pure decision.

Verdicts come with the error's class (``retryable``, ``delivery``). A request that may have been executed is
repeated only when executing it twice does no harm; api.video knows no idempotency keys (service.md#repeated-requests).
A 429 was not executed and costs no attempt: the limiter makes the next one wait for its window.
"""

from attrs import frozen

from ..config import RetryPolicy
from ..errors import ApiConnectionError, ApiStatusError, ApiVideoError, RateLimitError

__all__ = ["Attempts", "backoff", "may_repeat"]


def may_repeat(error: ApiVideoError, *, repeatable: bool) -> bool:
    """Whether another attempt is safe and may help."""
    return error.retryable and (repeatable or error.delivery != "unknown")


def backoff(policy: RetryPolicy, failures: int, random: float) -> float:
    """Seconds to wait after the n-th failure: half of a doubling bound, plus a random part (0 to 1) of it."""
    bound = min(policy.longest_delay, policy.first_delay * 2.0 ** min(failures - 1, 40))
    return bound * (0.5 + 0.5 * random)


@frozen
class Attempts:
    """The budget of one call, or of one chunk: what was spent, and since when.

    Its time begins with the first failure: how long a transfer took before says nothing about whether to repeat it.
    """

    failures: int = 0
    since: float | None = None

    def after(self, error: ApiVideoError, now: float) -> "Attempts":
        """Count a failure."""
        counted = 0 if isinstance(error, RateLimitError) else 1
        return Attempts(self.failures + counted, now if self.since is None else self.since)

    def delay(self, policy: RetryPolicy, now: float, random: float) -> float | None:
        """Seconds to wait before the next attempt, or None when the budget is spent."""
        if self.failures >= policy.attempts:
            return None
        wait = backoff(policy, self.failures, random) if self.failures else 0.0
        spent = 0.0 if self.since is None else now + wait - self.since
        return None if spent > policy.seconds else wait

    def describe(self, error: ApiVideoError) -> str:
        """Say what was spent, for the message of the final error."""
        what = f"status {error.status}" if isinstance(error, ApiStatusError) else "no answer"
        if isinstance(error, ApiConnectionError) and error.delivery == "not_sent":
            what = "not reached"
        return f"{self.failures} failed attempts, the last: {what}"
