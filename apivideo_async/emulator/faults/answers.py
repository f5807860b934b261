"""Damaged responses: truncated, sent slowly, or replaced by the page of an intermediary.

A response that streams media has already started when a fault receives it (``prepared``). It is
returned unchanged.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from ..operations import Call, DroppedError
from ..rules.problems import too_many_requests
from ..rules.rate_windows import PRESETS, Verdict
from .fault_list import Fault

_PAGE = "<!doctype html><html><head><title>OK</title></head><body><h1>It works</h1></body></html>"


def planned(fault: Fault) -> web.Response:
    """Build the response that a rule describes.

    A ``body`` of text or bytes is sent as it is, any other value as JSON.
    """
    if fault.body is None:
        body = b""
    elif isinstance(fault.body, bytes):
        body = fault.body
    else:
        body = (fault.body if isinstance(fault.body, str) else json.dumps(fault.body)).encode()
    headers = {**fault.headers, "Content-Type": fault.content_type} if body else dict(fault.headers)
    return web.Response(status=fault.status, body=body, headers=headers)


def rate_limited(call: Call, fault: Fault) -> web.Response:
    """Return a 429 as the service sends it.

    Without ``retry_after`` the rate limit headers are missing.

    See service.md#too-many-requests.
    """
    problem = too_many_requests()
    response = web.Response(
        status=problem.status,
        body=json.dumps(problem.body).encode(),
        content_type="application/json",
        headers=fault.headers,
    )
    if fault.retry_after is not None:
        rate = call.operation.rate or "writes"
        # Without rate limits the response shows the limits of production.
        limit = (call.state.settings.rates or PRESETS["production"]).get(
            rate, PRESETS["production"][rate]
        )
        # ``format_wait`` writes whole seconds for long windows and milliseconds for short ones.
        # Choose the form that represents ``retry_after``.
        window = 60 if float(fault.retry_after).is_integer() else 0
        response.headers.update(Verdict(False, limit, 0, fault.retry_after, window).headers())
    return response


def as_page(response: web.StreamResponse, fault: Fault) -> web.StreamResponse:
    """Replace the body of a 2xx response by an HTML page, or by the ``body`` of the rule."""
    if not 200 <= response.status < 300 or response.prepared:
        return response
    shown: Any = _PAGE if fault.body is None else fault.body
    content_type = "text/html" if fault.body is None else fault.content_type
    page = planned(
        Fault(
            fault.operation,
            fault.action,
            body=shown,
            content_type=content_type,
            headers=fault.headers,
        )
    )
    page.set_status(response.status)
    return page


async def truncated(call: Call, response: web.StreamResponse) -> web.StreamResponse:
    """Announce the length of the whole body, send half of it and close the connection."""
    if response.prepared:
        return response
    body = _body_of(response)
    opened = await _opened(call, response, len(body))
    await _write(opened, body[: len(body) // 2])
    await opened.write_eof()
    # ``close`` first sends the buffered bytes; ``abort`` would drop them.
    if call.request.transport is not None:
        call.request.transport.close()
    return opened


async def trickled(call: Call, response: web.StreamResponse, seconds: float) -> web.StreamResponse:
    """Send the body one byte at a time, spread evenly over ``seconds``."""
    if response.prepared:
        return response
    body = _body_of(response)
    opened = await _opened(call, response, len(body))
    loop = asyncio.get_running_loop()
    began = loop.time()
    for at in range(len(body)):
        # Each byte has a time counted from the start, so that delays do not add up.
        await asyncio.sleep(began + seconds * (at + 1) / len(body) - loop.time())
        await _write(opened, body[at : at + 1])
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


async def _write(response: web.StreamResponse, data: bytes) -> None:
    try:
        await response.write(data)
    except ConnectionError as error:
        raise DroppedError from error
