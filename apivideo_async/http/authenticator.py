"""Keeps the access token and renews it with one exchange at a time.

``protocol.auth`` contains the rules. If several requests are refused with the same token, it is
renewed once. If a request is refused with a token that was replaced in the meantime, it uses the
new token at once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..errors import ApiStatusError, ApiVideoError, ConfigurationError, RateLimitError
from ..protocol.auth import Tokens, authenticate_request, basic_header, refresh_request, tokens_from
from ..protocol.request import Request
from ..protocol.response import Response
from ..rate_limit.window import BLIND_COOL_DOWN
from ..tasks import ignore_failure

__all__ = ["Authenticator"]

log: logging.Logger = logging.getLogger("apivideo_async.auth")

LONGEST_COOL_DOWN = 60.0
"""Seconds. The documented windows last one minute."""

SendRequest = Callable[[Request], Awaitable[Response]]


class Authenticator:
    """Returns the ``Authorization`` header for requests. ``send`` sends one request once."""

    def __init__(self, api_key: str | None, scheme: str, send: SendRequest) -> None:
        self._api_key = api_key
        self._basic = scheme == "basic"
        self._send = send
        self._tokens: Tokens | None = None
        self._renewal: asyncio.Task[Tokens] | None = None

    def _key(self) -> str:
        if self._api_key is None:
            raise ConfigurationError(
                "no API key: pass api_key=... or set APIVIDEO_API_KEY "
                "(only uploads with an upload token work without one)",
                option="api_key",
            )
        return self._api_key

    async def header(self) -> str:
        """Return a valid header. Exchanges or renews the token before, if necessary.

        Raises ``ConfigurationError`` without a key, and the error of an exchange that was needed.
        """
        key = self._key()
        if self._basic:
            return basic_header(key)
        tokens = self._tokens
        clock = asyncio.get_running_loop().time
        if tokens is None or tokens.due(clock()):
            try:
                tokens = await self._renew_once(tokens)
            except ApiVideoError as error:
                if tokens is None or clock() >= tokens.ends_at:
                    raise
                log.info("the early renewal failed (%s); the old token is still valid", error)
        return tokens.header

    async def refused(self, header: str) -> bool:
        """Renew the token whose header got a 401. Returns whether to send the request again."""
        if self._basic:
            return False
        tokens = self._tokens
        if tokens is not None and tokens.header == header:
            await self._renew_once(tokens)
        return True

    async def _renew_once(self, old: Tokens | None) -> Tokens:
        # It is a task of its own, so that a cancelled caller does not cancel it for the others.
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew(old), name="apivideo-token-renewal")
            self._renewal.add_done_callback(ignore_failure)
        return await asyncio.shield(self._renewal)

    async def _renew(self, old: Tokens | None) -> Tokens:
        # Both attributes are set before the task ends, because a request that is refused in the
        # same iteration of the event loop must see the new token.
        try:
            self._tokens = await self._new_tokens(old)
            return self._tokens
        finally:
            self._renewal = None

    async def _new_tokens(self, old: Tokens | None) -> Tokens:
        if old is not None and old.refresh:
            try:
                return await self._request_tokens(refresh_request(old.refresh))
            except ApiStatusError as error:
                if error.retryable:
                    raise
                log.info("the refresh token was refused, exchanging the API key again")
        return await self._request_tokens(authenticate_request(self._key()))

    async def _request_tokens(self, request: Request) -> Tokens:
        now = asyncio.get_running_loop().time()
        try:
            return tokens_from(request, await self._send(request), now)
        except ApiVideoError as error:
            if isinstance(error, RateLimitError):
                # /auth/* has no request budget that would delay the next attempt. All callers wait
                # for this task.
                await asyncio.sleep(min(error.retry_after or BLIND_COOL_DOWN, LONGEST_COOL_DOWN))
            # Whatever the server did, the request that waits for the token was not sent and may be
            # repeated.
            raise error.evolve(delivery="not_sent") from error.__cause__

    async def close(self) -> None:
        """Cancel a renewal that is under way."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)
