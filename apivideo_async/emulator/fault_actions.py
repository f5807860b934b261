"""What a fault does on the wire. An action gets the call and the way on, and returns the answer.

To add an action: write a coroutine of the same signature, put it into ``ACTIONS`` and name it in ``faults``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from .body import drain
from .faults import Fault
from .operations import Call, DroppedError

Proceed: TypeAlias = Callable[[], Awaitable[web.StreamResponse]]
Action: TypeAlias = Callable[[Call, Fault, Proceed], Awaitable[web.StreamResponse]]
_READING_TIME = 0.05


async def _drop_response(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    await proceed()
    return _abort(call)


async def _status(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    await drain(call.request, call.record)
    return _planned(call, fault)


async def _reset_before(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    return _abort(call)


async def _reset_during(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    await drain(call.request, call.record, fault.after_bytes)
    return _abort(call)


async def _delay(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    response = await proceed()
    await asyncio.sleep(fault.seconds)
    return response


async def _reject_early(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    response = _planned(call, fault)
    response.force_close()
    call.finish_headers(response)
    await response.prepare(call.request)
    await response.write_eof()
    # Closing with unread data resets the connection, which may overtake the answer: let it be read first.
    await asyncio.sleep(_READING_TIME)
    return response


async def _expire_tokens(call: Call, fault: Fault, proceed: Proceed) -> web.StreamResponse:
    call.world.credentials.expire_access_tokens()
    return await proceed()


ACTIONS: dict[str, Action] = {
    "drop-response": _drop_response,
    "status": _status,
    "reset-before": _reset_before,
    "reset-during": _reset_during,
    "delay": _delay,
    "reject-early": _reject_early,
    "expire-tokens": _expire_tokens,
}


def _abort(call: Call) -> web.StreamResponse:
    transport = call.request.transport
    if transport is not None:
        transport.abort()
    raise DroppedError


def _planned(call: Call, fault: Fault) -> web.Response:
    """Build the answer that a rule asks for: text as it is, anything else as JSON."""
    if fault.body is None:
        body = b""
    elif isinstance(fault.body, bytes):
        body = fault.body
    else:
        body = (fault.body if isinstance(fault.body, str) else json.dumps(fault.body)).encode()
    headers = {**fault.headers, "Content-Type": fault.content_type} if body else dict(fault.headers)
    return web.Response(status=fault.status, body=body, headers=headers)
