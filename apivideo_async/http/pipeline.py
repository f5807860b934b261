"""Sends requests with authentication, request budget, retries and logging.

``attempt`` sends a request with a valid token after the request budget has allowed it. ``send``
repeats this as the retry policy allows. The upload engine uses ``attempt``, because only the engine
can determine whether a chunk arrived.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol, TypeAlias, TypeVar

from ..config import ClientConfig, Timeouts
from ..errors import ApiVideoError
from ..models import Page
from ..protocol.request import Request
from ..protocol.response import Response, decode, decode_page, error_for, too_large
from ..protocol.retry import Attempts, may_repeat
from ..rate_limit.limiter import Limiter
from .authenticator import Authenticator

__all__ = ["BeforeRequest", "Pipeline", "TransportLike"]

T = TypeVar("T")
BeforeRequest: TypeAlias = Callable[[Request], Awaitable[None]]
"""Awaited before a request is sent. If it raises an error, nothing is sent and the call fails."""

log: logging.Logger = logging.getLogger("apivideo_async.http")

RENEWALS = 2
"""Number of renewals in one attempt. A new token may be revoked at once, but not repeatedly."""


class TransportLike(Protocol):
    """The interface of a transport that the pipeline uses."""

    async def send(
        self, request: Request, headers: Mapping[str, str], timeouts: Timeouts
    ) -> Response:
        """Send a request once, with additional headers."""
        ...


class Pipeline:
    """Connects the resources to the transport. Copies made by ``with_config`` share all state."""

    def __init__(
        self,
        config: ClientConfig,
        transport: TransportLike,
        origin: Mapping[str, str],
        limiter: Limiter | None = None,
        authenticator: Authenticator | None = None,
    ) -> None:
        self.config = config
        self.limiter: Limiter = limiter or Limiter(config.reserve)
        self.authenticator: Authenticator = authenticator or Authenticator(
            config.api_key, config.auth, self.attempt
        )
        self._transport = transport
        self._origin = origin
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}
        self._on_response: Callable[[Response], None] | None = None
        self._before_request: BeforeRequest | None = None

    def with_config(
        self,
        config: ClientConfig,
        on_response: Callable[[Response], None] | None = None,
        before_request: BeforeRequest | None = None,
    ) -> "Pipeline":
        """Return a copy with other options that shares connections, tokens and budgets.

        ``on_response`` is called with every 2xx response before it is decoded, except those of
        token renewals. ``before_request`` is awaited before each request is sent, after the request
        budget has allowed it.
        """
        copy = Pipeline(config, self._transport, self._origin, self.limiter, self.authenticator)
        copy._turns = self._turns
        copy._on_response = on_response
        copy._before_request = before_request or self._before_request
        return copy

    @asynccontextmanager
    async def exclusive(self, key: str | None) -> AsyncIterator[None]:
        """Run calls with the same idempotency key one after another. None: do not wait."""
        if key is None:
            yield
            return
        lock, users = self._turns.get(key, (asyncio.Lock(), 0))
        self._turns[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            # The last user of a key removes its lock, so that ``_turns`` does not grow.
            lock, users = self._turns.pop(key)
            if users > 1:
                self._turns[key] = (lock, users - 1)

    async def attempt(self, request: Request) -> Response:
        """Send a request once. If its access token is refused, renew the token and send it again.

        Raises the ``ApiStatusError`` of a response other than 2xx, ``ApiResponseError`` for a body
        that is too large, or ``ApiConnectionError``.
        """
        header, response = await self._exchange(request)
        # ``header`` is None for requests without authentication.
        for _ in range(RENEWALS):
            if (
                response.status != 401
                or header is None
                or not await self.authenticator.refused(header)
            ):
                break
            header, response = await self._exchange(request)
        if not response.ok:
            # The page of a gateway may repeat the headers that it received.
            credentials = [self.config.api_key or "", (header or "").rpartition(" ")[2]]
            raise error_for(request, response, credentials)
        if response.cut:
            raise too_large(request, response)
        if self._on_response is not None:
            self._on_response(response)
        return response

    async def send(self, request: Request) -> Response:
        """Send a request. Repeats failed attempts as long as the error and the policy allow."""
        return await self._repeat(request, lambda response: response)

    async def call(self, request: Request, kind: type[T]) -> T:
        """Send a request and decode its response as a ``kind``."""
        return await self._repeat(request, lambda response: decode(request, response, kind))

    async def page(self, request: Request, kind: type[T]) -> Page[T]:
        """Send a list operation and decode its response as a page of ``kind``."""
        return await self._repeat(request, lambda response: decode_page(request, response, kind))

    async def _repeat(self, request: Request, read: Callable[[Response], T]) -> T:
        loop = asyncio.get_running_loop()
        attempts = Attempts()
        while True:
            try:
                return read(await self.attempt(request))
            except ApiVideoError as error:
                attempts = attempts.after(error, loop.time())
                if not may_repeat(error, repeatable=request.repeatable):
                    raise
                wait = attempts.delay(self.config.retry, loop.time(), random.random())  # noqa: S311
                if wait is None:
                    raise
                log.info("%s: next attempt in %.1f s: %s", request.operation, wait, error)
                await asyncio.sleep(wait)

    async def _exchange(self, request: Request) -> tuple[str | None, Response]:
        """Send a request once. Also returns the ``Authorization`` header that was sent."""
        headers = dict(self._origin)
        authorization = None
        loop = asyncio.get_running_loop()
        permit = await self.limiter.permit(request, self.config.retry.rate_limit_seconds)
        try:
            try:
                if request.authenticated:
                    # The header is read after the wait, because a token may expire during it.
                    headers["Authorization"] = authorization = await self.authenticator.header()
                if self._before_request is not None:
                    await self._before_request(request)
            except BaseException:
                permit.withdraw()
                raise
            began = loop.time()
            response = await self._transport.send(request, headers, self.config.timeouts)
            permit.answered(response)
        finally:
            permit.close()
        if log.isEnabledFor(logging.DEBUG):
            took, path = loop.time() - began, request.summary.path
            log.debug("%s %s -> %d in %.3f s", request.method, path, response.status, took)
        return authorization, response
