"""Keeps the access token: one exchange at a time, whoever asks (the rules are in ``protocol.auth``).

A renewal is keyed on the token it replaces: sixteen requests refused with the same token make one exchange, and a
request refused with a token that was replaced meanwhile just takes the new one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..errors import ApiStatusError, ApiVideoError, ConfigurationError, RateLimitError
from ..protocol.auth import Tokens, authenticate_request, basic_header, refresh_request, tokens_from
from ..protocol.request import Request
from ..protocol.response import Response
from ..rate_limit.window import BLIND_COOL_DOWN

__all__ = ["Authenticator"]

log: logging.Logger = logging.getLogger("apivideo_async.auth")

LONGEST_COOL_DOWN = 60.0
"""Seconds; the documented windows last a minute."""

Exchange = Callable[[Request], Awaitable[Response]]


class Authenticator:
    """Gives the ``Authorization`` header of the next request."""

    def __init__(self, api_key: str | None, scheme: str, exchange: Exchange) -> None:
        self._api_key = api_key
        self._basic = scheme == "basic"
        self._exchange = exchange
        self._tokens: Tokens | None = None
        self._renewal: asyncio.Task[Tokens] | None = None

    @property
    def configured(self) -> bool:
        """Whether there is a key at all; without one only token uploads work."""
        return self._api_key is not None

    def _key(self) -> str:
        if self._api_key is None:
            raise ConfigurationError(
                "no API key: pass api_key=... or set APIVIDEO_API_KEY "
                "(only uploads with an upload token work without one)"
            )
        return self._api_key

    async def header(self) -> str:
        """Return a header that is good now, exchanging or renewing the token first if need be."""
        key = self._key()
        if self._basic:
            return basic_header(key)
        tokens = self._tokens
        clock = asyncio.get_running_loop().time
        if tokens is None or tokens.due(clock()):
            try:
                tokens = await self._renewed(tokens)
            except ApiVideoError as error:
                if tokens is None or clock() >= tokens.ends_at:
                    raise
                log.info("the early renewal failed (%s), the old token is still good", error)
        return tokens.header

    async def refused(self, header: str) -> bool:
        """Renew after a 401. Returns whether there is another header worth one more try."""
        if self._basic:
            return False
        tokens = self._tokens
        if tokens is not None and tokens.header == header:
            await self._renewed(tokens)
        return True

    async def _renewed(self, old: Tokens | None) -> Tokens:
        # The task outlives a caller that is cancelled, so that the others who wait for it are not.
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew(old), name="apivideo-token-renewal")
            self._renewal.add_done_callback(_retrieve)
        return await asyncio.shield(self._renewal)

    async def _renew(self, old: Tokens | None) -> Tokens:
        # Both are set before the task ends: a request refused in the same turn of the loop must see the new token.
        try:
            self._tokens = await self._replacement(old)
            return self._tokens
        finally:
            self._renewal = None

    async def _replacement(self, old: Tokens | None) -> Tokens:
        if old is not None and old.refresh:
            try:
                return await self._ask(refresh_request(old.refresh))
            except ApiStatusError as error:
                if error.retryable:
                    raise
                log.info("the refresh token was refused, exchanging the API key again")
        return await self._ask(authenticate_request(self._key()))

    async def _ask(self, request: Request) -> Tokens:
        asked = asyncio.get_running_loop().time()
        try:
            return tokens_from(request, await self._exchange(request), asked)
        except ApiVideoError as error:
            # Whatever became of the exchange, the request that waits for it was not sent, and may be repeated.
            error.delivery = "not_sent"
            if isinstance(error, RateLimitError):
                # /auth/* has no budget that would hold the next attempt back; everybody waits for this one.
                await asyncio.sleep(min(error.retry_after or BLIND_COOL_DOWN, LONGEST_COOL_DOWN))
            raise

    async def close(self) -> None:
        """End a renewal under way."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)


def _retrieve(task: "asyncio.Task[Tokens]") -> None:
    # Everybody who waited may have been cancelled; a failure is then nobody's news.
    if not task.cancelled():
        task.exception()
