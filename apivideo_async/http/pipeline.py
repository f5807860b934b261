"""Sends requests with authentication, request budget, retries and logging.

``attempt`` sends a request with a valid token after the request budget has allowed it. ``send``
repeats this as the retry policy allows. The upload engine uses ``attempt``, because only the engine
can determine whether a chunk arrived.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import TypeAlias, TypeVar

import attrs

from ..config import ClientConfig, Timeouts
from ..errors import ApiVideoError
from ..models import Page
from ..observing import Span, observed
from ..protocol.request import Request
from ..protocol.response import Response, decode, decode_page, error_for, too_large
from ..protocol.retry import Attempts, may_repeat
from ..rate_limit.bandwidth import Bandwidth
from ..rate_limit.limiter import Limiter
from ..tasks import notify
from .authenticator import Authenticator
from .recent_videos import RecentVideos
from .shared_profile import SharedProfile
from .transport import Transport

__all__ = ["BeforeRequest", "Pipeline"]

T = TypeVar("T")
BeforeRequest: TypeAlias = Callable[[Request], Awaitable[None] | None]
"""A plain or async function, called after the budget allowed a request. If it raises, nothing is
sent and the call fails."""
OnResponse: TypeAlias = Callable[[Response], None]

log: logging.Logger = logging.getLogger("apivideo_async.http")

NEVER_ANSWERED = 30.0
"""Seconds after which a call fails if the server refuses connections and has never answered."""
RENEWALS = 2
"""Token renewals in one attempt: the first new token may have been revoked at once."""


class Pipeline:
    """Connects the resources to the transport.

    ``on_response`` is called with every 2xx response, except those of token renewals.
    """

    def __init__(
        self,
        config: ClientConfig,
        transport: Transport,
        origin: Mapping[str, str],
        limiter: Limiter | None = None,
        authenticator: Authenticator | None = None,
        *,
        profile: SharedProfile | None = None,
        recent: RecentVideos | None = None,
        on_response: OnResponse | None = None,
        before_request: BeforeRequest | None = None,
        patient: bool = False,
    ) -> None:
        self.config = config
        self.limiter: Limiter = limiter or Limiter(config.reserve)
        self.authenticator: Authenticator = authenticator or Authenticator(
            config.api_key, config.auth, self.attempt
        )
        self.profile: SharedProfile = profile or SharedProfile()
        self.recent: RecentVideos = recent or RecentVideos()
        self._transport = transport
        self.bandwidth: Bandwidth = transport.bandwidth
        self._origin = origin
        self._on_response = on_response
        self._before_request = before_request
        self._patient = patient

    def patient(self) -> "Pipeline":
        """Return a copy whose calls wait for ``RetryPolicy.outage`` seconds in an outage."""
        return self._copy(self.config, self._on_response, self._before_request, patient=True)

    def with_config(
        self,
        config: ClientConfig,
        on_response: OnResponse | None = None,
        before_request: BeforeRequest | None = None,
    ) -> "Pipeline":
        """Return a copy with other options.

        It shares connections, tokens, budgets and the profile of the service.
        """
        before_request = before_request or self._before_request
        return self._copy(config, on_response, before_request, patient=self._patient)

    def _copy(
        self,
        config: ClientConfig,
        on_response: OnResponse | None,
        before_request: BeforeRequest | None,
        *,
        patient: bool,
    ) -> "Pipeline":
        return Pipeline(
            config,
            self._transport,
            self._origin,
            self.limiter,
            self.authenticator,
            profile=self.profile,
            recent=self.recent,
            on_response=on_response,
            before_request=before_request,
            patient=patient,
        )

    @property
    def outage(self) -> float:
        """Seconds without a response after which a call fails."""
        retry = self.config.retry
        limit = retry.outage if self._patient else retry.call_outage
        return min(limit, NEVER_ANSWERED) if self._transport.refused_always else limit

    @property
    def down_since(self) -> float | None:
        """Time of the event loop since which no request got a response; None: they do."""
        return self._transport.outage.since

    def was_down(self, since: float) -> bool:
        """Return True if the server did not respond to a probe at a time after ``since``."""
        return self._transport.outage.last_seen >= since

    async def attempt(self, request: Request, *, alone: bool = False) -> Response:
        """Send a request once. If its access token is refused, renew the token and send it again.

        A 404 for a video that this client has just created is repeated (``RecentVideos``).
        ``alone``: use a new connection, because a pooled one may be dead. A request that must not
        be executed twice could not be repeated after it was lost there.

        Raises the ``ApiStatusError`` of a response other than 2xx, ``ApiResponseError`` for a body
        that is too large, or ``ApiConnectionError``.
        """
        # Before any wait: its objects would belong to another event loop.
        self._transport.check_usable()
        renewals = 0
        while True:
            with await self.limiter.permit(request, self.config.retry.rate_limit_seconds) as permit:
                headers = dict(self._origin)
                authorization = ""
                if request.authenticated:
                    # Only now, because a token may expire during the wait for budget.
                    authorization = headers["Authorization"] = await self.authenticator.header()
                if self._before_request is not None:
                    await notify(self._before_request, request)
                permit.sending()
                began = asyncio.get_running_loop().time()
                with _span(request) as span:
                    response = await self._transport.send(
                        request, headers, self._timeouts(request), alone=alone
                    )
                    span.set(status=response.status)
                permit.answered(response)
            if log.isEnabledFor(logging.DEBUG):
                _log_response(request, response, asyncio.get_running_loop().time() - began)
            if await self._awaits_new_video(request, response):
                continue
            if response.status != 401 or not authorization or renewals == RENEWALS:
                break
            if not await self.authenticator.refused(authorization):
                break
            renewals += 1
        return self._checked(request, response, authorization)

    def _timeouts(self, request: Request) -> Timeouts:
        timeouts, known = self.config.timeouts, self.profile.current.response_timeout
        if request.multipart is None or known is None or known <= timeouts.response:
            return timeouts
        return attrs.evolve(timeouts, response=known)

    async def _awaits_new_video(self, request: Request, response: Response) -> bool:
        """Wait and return True if a 404 may only mean that a new video is not readable yet."""
        now = asyncio.get_running_loop().time()
        settle = self.config.retry.settle
        delay = self.recent.repeat_after(request, response.status, settle, now)
        if delay is None:
            return False
        log.info(
            "%s: 404 for a video that was created a moment ago: next attempt in %.1f s",
            request.operation,
            delay,
            extra={"event": "new_video_missing", "operation": request.operation, "delay": delay},
        )
        await asyncio.sleep(delay)
        return True

    def _checked(self, request: Request, response: Response, authorization: str) -> Response:
        if not response.ok:
            # The page of a gateway may repeat the headers that it received.
            credentials = [self.config.api_key or "", authorization.rpartition(" ")[2]]
            raise error_for(request, response, credentials)
        if response.cut:
            raise too_large(request, response)
        if self._on_response is not None:
            self._on_response(response)
        return response

    async def send(self, request: Request) -> Response:
        """Send a request. Repeats failed attempts as the error and the retry policy allow."""
        return await self._repeat(request, lambda response: response)

    async def call(self, request: Request, kind: type[T]) -> T:
        """Send a request and decode its response as a ``kind``."""
        return await self._repeat(request, lambda response: decode(request, response, kind))

    async def page(self, request: Request, kind: type[T]) -> Page[T]:
        """Send a list operation and decode its response as a page of ``kind``."""
        return await self._repeat(request, lambda response: decode_page(request, response, kind))

    async def _repeat(self, request: Request, read: Callable[[Response], T]) -> T:
        clock = asyncio.get_running_loop().time
        attempts = Attempts()
        while True:
            try:
                return read(await self.attempt(request, alone=not request.repeatable))
            except ApiVideoError as error:
                attempts = attempts.after(error, clock())
                delay = attempts.delay(
                    self.config.retry,
                    clock(),
                    random.random(),  # noqa: S311
                    self.outage,
                )
                if delay is None or not may_repeat(error, repeatable=request.repeatable):
                    raise
                _log_retry(request.operation, delay, error)
                await asyncio.sleep(delay)


def _span(request: Request) -> AbstractContextManager[Span]:
    return observed(
        "request",
        operation=request.operation,
        method=request.method,
        limit_class=request.limit_class,
    )


def _log_response(request: Request, response: Response, seconds: float) -> None:
    fields = {"operation": request.operation, "status": response.status, "seconds": seconds}
    log.debug(
        "%s %s -> %d in %.3f s",
        request.method,
        request.summary.path,
        response.status,
        seconds,
        extra={"event": "response", **fields},
    )


def _log_retry(operation: str, delay: float, error: ApiVideoError) -> None:
    fields = {"operation": operation, "chunk": None, "delay": delay, "error": error}
    log.info(
        "%s: next attempt in %.1f s: %s",
        operation,
        delay,
        error,
        extra={"event": "retry", **fields},
    )
