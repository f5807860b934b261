"""Quirks of gateways and proxies in front of the service, and of connections that are lost.

``pass_through`` surrounds the execution of a request. It uses the action of a fault where that has
the same effect. The effects on one request of an upload never concern the first request with an
upload token: it creates a video, whose id the client would not know.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeAlias

from aiohttp import web

from ..faults.actions import RepeatableBody
from ..faults.fault_list import Fault
from ..operations import Call, DroppedError
from .quirk_set import QuirkSet

__all__ = ["pass_through"]

Proceed: TypeAlias = Callable[[Call], Awaitable[web.StreamResponse]]

_UPLOADS = frozenset({"videos.upload", "videos.upload_with_token"})
_TWICE = _UPLOADS | {"videos.create"}
_PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"
# The statuses of gateways that no standard defines.
_PHRASES = {
    499: "Client Closed Request",
    520: "Web server is returning an unknown error",
    524: "A timeout occurred",
}


async def pass_through(call: Call, proceed: Proceed) -> web.StreamResponse:
    """Pass a request to ``proceed``, and return the response that reaches the client."""
    if call.operation.access == "control":
        return await proceed(call)
    quirks = call.state.settings.quirks
    size = call.request.content_length or 0
    if "largest-request" in quirks and size > quirks.number("largest-request"):
        call.record.quirk = "largest-request"
        return await _html(413).execute(call, lambda: proceed(call))
    if quirk := _use_once(call, quirks):
        call.record.quirk = quirk
        if quirk == "gateway-response":
            return await _replace_response(call, proceed, str(quirks[quirk]))
        return await _arrive_late(call, proceed, quirks.number(quirk))
    if call.operation.name in _TWICE and "delivered-twice" in quirks:
        call.record.quirk = "delivered-twice"
        response = await Fault("*", "duplicate").execute(call, lambda: proceed(call))
    else:
        response = await proceed(call)
    error = response.status >= 400 and response.content_type == "application/json"
    if error and "problem-json" in quirks and not response.prepared:
        response.content_type = "application/problem+json"
    return response


def _use_once(call: Call, quirks: QuirkSet) -> str | None:
    """Return the quirk that takes effect on this request, and not on later ones."""
    name, request = call.operation.name, call.request
    if name == "videos.create" and quirks.use("late-creation", ""):
        return "late-creation"
    # The first request with a token states the first chunk, or no chunk.
    chunk = request.headers.get("Content-Range", "part 1/")
    first = chunk.startswith(("part 1/", "bytes 0-"))
    if name == "videos.upload" or (name == "videos.upload_with_token" and not first):
        for quirk in ("late-chunk", "gateway-response"):
            if quirks.use(quirk, request.path + request.query.get("token", "")):
                return quirk
    return None


def _html(status: int) -> Fault:
    """Return a fault that answers with the page of a gateway and does not execute the request."""
    known = status in {each.value for each in HTTPStatus}
    phrase = HTTPStatus(status).phrase if known else _PHRASES[status]
    page = _PAGE.format(f"{status} {phrase}")
    return Fault("*", "status", status=status, body=page, content_type="text/html")


async def _replace_response(call: Call, proceed: Proceed, order: str) -> web.StreamResponse:
    status, _, moment = order.partition("-")
    if moment == "after":
        await proceed(call)
        # The page of a gateway has no headers of the service.
        call.rate_verdict = None
    return await _html(int(status)).execute(call, lambda: proceed(call))


async def _arrive_late(call: Call, proceed: Proceed, seconds: float) -> web.StreamResponse:
    """Keep the request, abort its connection, and execute it ``seconds`` later."""
    state, kept = call.state, RepeatableBody(call.request, call.record)
    if call.request.content_type.startswith("multipart/"):
        await kept.drain()
    else:
        # aiohttp keeps the body for ``Call.json``.
        await call.request.read()

    async def arrive() -> None:
        await asyncio.sleep(seconds)
        record = state.log.open_again(call.record)
        late = Call(state, call.request, record, call.operation)
        late.body = kept
        kept.rewind()
        try:
            record.status = (await proceed(late)).status
        except (DroppedError, ConnectionError):
            # A fault dropped the response, which would not be sent anyway.
            return

    state.spawn(arrive())
    raise DroppedError
