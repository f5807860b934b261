"""The actions of faults, and their effects on requests and responses.

An action is a coroutine that receives the call, ``proceed`` and attributes of its ``Fault``.
``proceed`` executes the request. The action returns the response, or aborts the connection and
raises ``DroppedError``. To add an action, add it to ``ACTIONS``.

A response that streams media has already started when an action receives it (``prepared``). It is
returned unchanged.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from aiohttp import web
from attrs import Factory, define, frozen

from ..body import Body
from ..operations import Call, DroppedError, json_response
from ..rules.problems import refuse
from ..rules.rate_windows import PRESETS, Verdict

__all__ = ["ACTIONS", "Proceed", "RepeatableBody"]

Proceed: TypeAlias = Callable[[], Awaitable[web.StreamResponse]]
# Seconds that the client has to read an early response before the connection is closed.
_READING_SECONDS = 0.05
_PROXY_PAGE = (
    "<!doctype html><html><head><title>OK</title></head><body><h1>It works</h1></body></html>"
)


@frozen
class _Action:
    """The coroutine of an action, and the attributes of ``Fault`` that it receives by name."""

    run: Callable[..., Awaitable[web.StreamResponse]]
    parameters: tuple[str, ...] = ()


def _abort(call: Call) -> web.StreamResponse:
    if call.request.transport is not None:
        call.request.transport.abort()
    raise DroppedError


def _fault_response(
    status: int, body: Any, content_type: str, headers: Mapping[str, str]
) -> web.Response:
    """Build a response. A ``body`` of text or bytes is sent as it is, any other value as JSON."""
    if body is None:
        content = b""
    elif isinstance(body, bytes):
        content = body
    else:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
    if content:
        headers = {**headers, "Content-Type": content_type}
    return web.Response(status=status, body=content, headers=headers)


# -- Actions that do not execute the request.


async def _status(call: Call, proceed: Proceed, **parameters: Any) -> web.StreamResponse:
    await call.body.drain()
    return _fault_response(**parameters)


async def _rate_limit(
    call: Call, proceed: Proceed, *, retry_after: float | None, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Send a 429 as the service does (service.md#too-many-requests)."""
    await call.body.drain()
    problem = refuse("too-many-requests")
    response = json_response(problem.body, problem.status)
    response.headers.update(headers)
    if retry_after is not None:
        rate = call.operation.rate or "writes"
        # Without a limit, state that of production.
        limit = {**PRESETS["production"], **(call.state.settings.requests_per_window or {})}[rate]
        # ``format_wait`` writes whole seconds for long windows and milliseconds for short ones.
        window = 60 if float(retry_after).is_integer() else 0
        call.rate_verdict = Verdict(False, limit, 0, retry_after, window)
    return response


async def _reject_early(call: Call, proceed: Proceed, **parameters: Any) -> web.StreamResponse:
    response = _fault_response(**parameters)
    response.force_close()
    call.finish_headers(response)
    await response.prepare(call.request)
    await response.write_eof()
    # Closing a connection with unread data resets it, and the reset can overtake the response.
    # The pause lets the client read the response first.
    await asyncio.sleep(_READING_SECONDS)
    return response


async def _reset(call: Call, proceed: Proceed, *, after_bytes: int | None) -> web.StreamResponse:
    await call.body.drain(after_bytes)
    return _abort(call)


async def _refuse(call: Call, proceed: Proceed, *, seconds: float) -> web.StreamResponse:
    if call.state.listener is not None:
        await call.state.listener.refuse(seconds)
    return _abort(call)


# -- Actions that execute the request.


async def _drop_response(call: Call, proceed: Proceed) -> web.StreamResponse:
    await proceed()
    return _abort(call)


async def _delay(call: Call, proceed: Proceed, *, seconds: float) -> web.StreamResponse:
    response = await proceed()
    await asyncio.sleep(seconds)
    return response


async def _truncate(call: Call, proceed: Proceed) -> web.StreamResponse:
    response = await proceed()
    if response.prepared:
        return response
    started, body = await _start_response(call, response)
    await started.write(body[: len(body) // 2])
    await started.write_eof()
    # ``close`` first sends the buffered bytes; ``abort`` would drop them.
    if call.request.transport is not None:
        call.request.transport.close()
    return started


async def _trickle(call: Call, proceed: Proceed, *, seconds: float) -> web.StreamResponse:
    response = await proceed()
    if response.prepared:
        return response
    started, body = await _start_response(call, response)
    loop = asyncio.get_running_loop()
    start = loop.time()
    for position in range(len(body)):
        # Each byte has a time counted from the start, so that delays do not add up.
        await asyncio.sleep(start + seconds * (position + 1) / len(body) - loop.time())
        await started.write(body[position : position + 1])
    await started.write_eof()
    return started


async def _start_response(
    call: Call, response: web.StreamResponse
) -> tuple[web.StreamResponse, bytes]:
    """Send the headers of a response. Return the started response, and the body to write."""
    content = response.body if isinstance(response, web.Response) else None
    body = bytes(content) if isinstance(content, bytes | bytearray) else b""
    started = web.StreamResponse(status=response.status, headers=response.headers)
    if body:
        started.content_length = len(body)
    call.finish_headers(started)
    await started.prepare(call.request)
    return started, body


async def _html(
    call: Call, proceed: Proceed, *, body: Any, content_type: str, headers: Mapping[str, str]
) -> web.StreamResponse:
    response = await proceed()
    if response.prepared or not 200 <= response.status < 300:
        return response
    if body is None:
        body, content_type = _PROXY_PAGE, "text/html"
    return _fault_response(response.status, body, content_type, headers)


async def _duplicate(call: Call, proceed: Proceed) -> web.StreamResponse:
    call.body = body = RepeatableBody(call.request, call.record)
    first = await proceed()
    # A streamed response has already been sent, so the request cannot be executed again.
    if first.prepared:
        return first
    body.rewind()
    return await proceed()


async def _stall(
    call: Call, proceed: Proceed, *, after_bytes: int, seconds: float, resets: bool
) -> web.StreamResponse:
    async def stall() -> None:
        await asyncio.sleep(seconds)
        if resets:
            _abort(call)

    if call.request.content_type.startswith("multipart/"):
        call.body = _StallingBody(call.request, call.record, after_bytes, stall)
    else:
        # Other bodies are read in one call (``Call.json``): stall before the handler reads.
        await stall()
    return await proceed()


async def _expire_tokens(call: Call, proceed: Proceed) -> web.StreamResponse:
    call.state.credentials.expire_access_tokens()
    return await proceed()


async def _clock_jump(call: Call, proceed: Proceed, *, seconds: float) -> web.StreamResponse:
    call.state.expiry_offset += seconds
    return await proceed()


_BODY = ("body", "content_type", "headers")
# Described by ``Fault``.
ACTIONS: dict[str, _Action] = {
    "clock-jump": _Action(_clock_jump, ("seconds",)),
    "delay": _Action(_delay, ("seconds",)),
    "drop-response": _Action(_drop_response),
    "duplicate": _Action(_duplicate),
    "expire-tokens": _Action(_expire_tokens),
    "html": _Action(_html, _BODY),
    "rate-limit": _Action(_rate_limit, ("retry_after", "headers")),
    "refuse": _Action(_refuse, ("seconds",)),
    "reject-early": _Action(_reject_early, ("status", *_BODY)),
    "reset-after": _Action(partial(_reset, after_bytes=None)),
    "reset-before": _Action(partial(_reset, after_bytes=0)),
    "reset-during": _Action(_reset, ("after_bytes",)),
    "stall": _Action(_stall, ("after_bytes", "seconds", "resets")),
    "status": _Action(_status, ("status", *_BODY)),
    "trickle": _Action(_trickle, ("seconds",)),
    "truncate": _Action(_truncate),
}


@define(eq=False)
class _StallingBody(Body):
    """A body that waits for ``stall`` once, when ``after_bytes`` bytes were read."""

    _after_bytes: int
    _stall: Callable[[], Awaitable[None]]
    _stalled: bool = False

    async def read_block(self) -> bytes:
        if not self._stalled and self.record.body_bytes >= self._after_bytes:
            self._stalled = True
            await self._stall()
        return await super().read_block()


@define(eq=False)
class RepeatableBody(Body):
    """A body that is kept in memory, so that the request can be executed twice."""

    _kept: list[bytes] = Factory(list)
    _replay: Iterator[bytes] | None = None

    def rewind(self) -> None:
        """Return to the beginning. The blocks now come from memory."""
        self._replay = iter(self._kept)

    async def read_block(self) -> bytes:
        if self._replay is not None:
            return next(self._replay, b"")
        block = await super().read_block()
        self._kept.append(block)
        return block
