"""Responses of faults: built from a rule, truncated, or sent slowly."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from ..operations import Call, answer
from ..rules.problems import too_many_requests
from ..rules.rate_windows import PRESETS, Verdict

__all__ = ["planned_response", "rate_limited", "trickled", "truncated"]


def planned_response(
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


def rate_limited(call: Call, retry_after: float | None, headers: Mapping[str, str]) -> web.Response:
    """Return a 429 as the service sends it, without rate limit headers if ``retry_after`` is None.

    See service.md#too-many-requests.
    """
    problem = too_many_requests()
    response = answer(problem.body, problem.status)
    response.headers.update(headers)
    if retry_after is not None:
        rate = call.operation.rate or "writes"
        # Classes without a limit show the limit of production.
        limit = {**PRESETS["production"], **(call.state.settings.rates or {})}[rate]
        # ``format_wait`` writes whole seconds for long windows and milliseconds for short ones.
        # Choose the form that represents ``retry_after``.
        window = 60 if float(retry_after).is_integer() else 0
        response.headers.update(Verdict(False, limit, 0, retry_after, window).headers())
    return response


async def truncated(call: Call, response: web.StreamResponse) -> web.StreamResponse:
    """Announce the length of the whole body, send half of it and close the connection."""
    body = _body_of(response)
    opened = await _opened(call, response, len(body))
    await opened.write(body[: len(body) // 2])
    await opened.write_eof()
    # ``close`` first sends the buffered bytes; ``abort`` would drop them.
    if call.request.transport is not None:
        call.request.transport.close()
    return opened


async def trickled(call: Call, response: web.StreamResponse, seconds: float) -> web.StreamResponse:
    """Send the body one byte at a time, spread evenly over ``seconds``."""
    body = _body_of(response)
    opened = await _opened(call, response, len(body))
    loop = asyncio.get_running_loop()
    began = loop.time()
    for at in range(len(body)):
        # Each byte has a time counted from the start, so that delays do not add up.
        await asyncio.sleep(began + seconds * (at + 1) / len(body) - loop.time())
        await opened.write(body[at : at + 1])
    await opened.write_eof()
    return opened


def _body_of(response: web.StreamResponse) -> bytes:
    body = response.body if isinstance(response, web.Response) else None
    return bytes(body) if isinstance(body, bytes | bytearray) else b""


async def _opened(call: Call, response: web.StreamResponse, size: int) -> web.StreamResponse:
    """Send the headers of a response whose body the caller writes."""
    opened = web.StreamResponse(status=response.status, headers=response.headers)
    if size:
        opened.content_length = size
    call.finish_headers(opened)
    await opened.prepare(call.request)
    return opened
