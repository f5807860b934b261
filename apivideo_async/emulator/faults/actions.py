"""The effect of each fault on the wire.

An action receives the call, the rule and ``proceed``, which executes the request. It returns the
response, or raises ``DroppedError`` after it aborted the connection. To add an action: write a
coroutine with this signature, add it to ``ACTIONS`` here, and add its name to ``ACTIONS`` in
``faults.fault_list``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from ..operations import Call, DroppedError
from .answers import as_page, planned, rate_limited, trickled, truncated
from .bodies import RepeatableBody, StallingBody, stall
from .fault_list import Fault

Proceed: TypeAlias = Callable[[], Awaitable[web.StreamResponse]]
Action: TypeAlias = Callable[[Call, Fault, Proceed], Awaitable[web.StreamResponse]]
# Seconds that the client has to read an early response before the connection is closed.
_READING_TIME = 0.05


# -- Actions that do not execute the request.


async def _status(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    await call.body.drain()
    return planned(fault)


async def _rate_limit(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    await call.body.drain()
    return rate_limited(call, fault)


async def _reset_before(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    return _abort(call)


async def _reset_during(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    await call.body.drain(fault.after_bytes)
    return _abort(call)


async def _reset_after(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    await call.body.drain()
    return _abort(call)


async def _refuse(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    if call.state.listener is not None:
        await call.state.listener.shut(fault.seconds)
    return _abort(call)


async def _reject_early(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    response = planned(fault)
    response.force_close()
    call.finish_headers(response)
    await response.prepare(call.request)
    await response.write_eof()
    # Closing a connection with unread data resets it, and the reset can overtake the response.
    # The pause lets the client read the response first.
    await asyncio.sleep(_READING_TIME)
    return response


# -- Actions that execute the request.


async def _drop_response(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    await proceed()
    return _abort(call)


async def _delay(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    response = await proceed()
    await asyncio.sleep(fault.seconds)
    return response


async def _truncate(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    return await truncated(call, await proceed())


async def _trickle(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    return await trickled(call, await proceed(), fault.seconds)


async def _html(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    return as_page(await proceed(), fault)


async def _duplicate(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    call.body = body = RepeatableBody(call)
    first = await proceed()
    # A streamed response has already been sent, so the request cannot be executed again.
    if first.prepared:
        return first
    body.rewind()
    return await proceed()


async def _stall(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    if call.request.content_type.startswith("multipart/"):
        call.body = StallingBody(call, fault)
    else:
        # Bodies other than forms are read in one call (``Call.json``): stall before the handler
        # reads.
        await stall(call.request.transport, fault)
    return await proceed()


async def _expire_tokens(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    call.state.credentials.expire_access_tokens()
    return await proceed()


async def _clock_jump(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    call.state.jump(fault.seconds)
    return await proceed()


ACTIONS: dict[str, Action] = {
    "clock-jump": _clock_jump,
    "delay": _delay,
    "drop-response": _drop_response,
    "duplicate": _duplicate,
    "expire-tokens": _expire_tokens,
    "html": _html,
    "rate-limit": _rate_limit,
    "refuse": _refuse,
    "reject-early": _reject_early,
    "reset-after": _reset_after,
    "reset-before": _reset_before,
    "reset-during": _reset_during,
    "stall": _stall,
    "status": _status,
    "trickle": _trickle,
    "truncate": _truncate,
}


def _abort(call: Call) -> web.StreamResponse:
    transport = call.request.transport
    if transport is not None:
        transport.abort()
    raise DroppedError
