"""The circuit breaker of an ingestion: in an outage, items wait instead of failing.

Theory of operation. When an item fails in a way that an outage could explain, a check asks the
service for any response. If it responds, the item itself has failed. If not, all items that fail in
this time wait for the end of the outage. The failure then does not count as an attempt of the item.
Items hold their place while they wait, so no further items are started.

Before an item fails, its requests were repeated for up to ``RetryPolicy.outage`` seconds. The limit
therefore counts from the first request that got no response.
"""

import asyncio
import logging
import math

import attrs
from attrs import define, field

from ..client import ApiVideoClient
from ..errors import (
    ApiConnectionError,
    ApiResponseError,
    ApiStatusError,
    ApiVideoError,
    ServerError,
    SourceError,
)
from ..protocol.retry import is_verdict
from .failures import OutageError

__all__ = ["Breaker", "patient_client"]

log: logging.Logger = logging.getLogger("apivideo_async.ingest")

FIRST_PAUSE = 0.5
"""Seconds until the second check. The pause doubles with each check."""
LONGEST_PAUSE = 5.0
"""Maximum seconds between two checks, and so between the end of an outage and its notice."""


def patient_client(client: ApiVideoClient, limit: float | None) -> ApiVideoClient:
    """Return a copy whose calls all wait as long as uploads do, but at most ``limit`` seconds."""
    retry = client.config.retry
    outage = retry.outage if limit is None else min(retry.outage, limit)
    return client.with_options(retry=attrs.evolve(retry, outage=outage, call_outage=outage))


@define(eq=False)
class Breaker:
    """Separates outages of the service from failures of items.

    ``client`` sends the checks. ``limit`` is the longest outage in seconds; None: no limit.
    """

    _client: ApiVideoClient
    _limit: float | None
    _lock: asyncio.Lock = field(factory=asyncio.Lock, init=False)
    _since: float | None = field(default=None, init=False)
    """Start of the outage that continues; None: the last check got a response."""
    _ended_at: float = field(default=-math.inf, init=False)

    async def is_outage(self, error: ApiVideoError) -> bool:
        """Return True if the service was unavailable, once it is available again.

        Raises ``OutageError`` if it stays unavailable for longer than the limit.
        """
        if not _may_be_outage(error):
            return False
        clock = asyncio.get_running_loop().time
        failed_at = clock()
        # One item checks, the others wait for its result.
        async with self._lock:
            if failed_at <= self._ended_at:
                return True
            reason = await self._reason()
            if reason is None and self._since is None:
                return False
            await self._wait(reason)
            return True

    async def _wait(self, reason: str | None) -> None:
        clock = asyncio.get_running_loop().time
        if self._since is None:
            self._since = self._client._pipeline.down_since or clock()  # noqa: SLF001
            log.warning(
                "api.video is unavailable, the ingestion pauses: %s",
                reason,
                extra={"event": "ingestion_paused", "reason": reason},
            )
        pause = FIRST_PAUSE
        while reason is not None:
            left = math.inf if self._limit is None else self._since + self._limit - clock()
            if left <= 0:
                raise OutageError(
                    f"api.video was unavailable for {clock() - self._since:.0f} s: {reason}. The "
                    "unfinished items did not fail; the next run continues with them"
                )
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)
            reason = await self._reason()
        seconds, self._since = clock() - self._since, None
        self._ended_at = clock()
        log.warning(
            "api.video responds again, the ingestion continues after %.0f s",
            seconds,
            extra={"event": "ingestion_continued", "seconds": seconds},
        )

    async def _reason(self) -> str | None:
        """Return why the service is unavailable, or None if it responds."""
        retry = attrs.evolve(self._client.config.retry, attempts=1)
        try:
            await self._client.with_options(retry=retry).videos.list(page_size=1)
        except ApiVideoError as error:
            return str(error) if _is_unavailable(error) else None
        return None


def _may_be_outage(error: BaseException | None) -> bool:
    """Return True if the error or one of its causes can come from an outage."""
    while isinstance(error, ApiVideoError):
        # If the network is down, sources on other machines cannot be read either.
        if _is_unavailable(error) or (isinstance(error, SourceError) and error.retryable):
            return True
        error = error.__cause__
    return False


def _is_unavailable(error: ApiVideoError) -> bool:
    if isinstance(error, ApiStatusError):
        # A status without a problem body comes from a gateway.
        return isinstance(error, ServerError) or not is_verdict(error)
    return isinstance(error, ApiConnectionError | ApiResponseError) and error.retryable
