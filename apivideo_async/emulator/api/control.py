"""``/`` and ``/_emulator/*``: control the emulator from another process, without credentials.

Other processes read the request log, events and deliveries, and add faults and plays. ``/`` is an
overview page for developers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from html import escape
from typing import Any, TypeVar

import attrs
from aiohttp import web

from ..background import sources
from ..faults.fault_list import fault_from_json
from ..operations import Call, Handler, Operation, answer, no_content
from ..rules.problems import invalid_payload, not_found, refuse
from ..serving.assets import asset_urls
from ..state.play import play_from_json
from ..state.video import Video

ItemT = TypeVar("ItemT")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>api.video emulator</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
td,th{{text-align:left;padding:.2rem 1rem .2rem 0}}</style></head>
<body><h1>api.video emulator</h1>
<p>A local stand-in for api.video. Give your client the base URL <code>{url}</code>.
What it received is at <a href="/_emulator/requests">/_emulator/requests</a>.</p>
<table><tr><th>Video</th><th>Title</th><th>State</th><th>Bytes</th></tr>
{rows}</table></body></html>
"""


async def health(call: Call) -> web.StreamResponse:
    """Return the status "ok" and the number of videos."""
    return answer({"status": "ok", "videos": len(call.state.videos)})


async def read_requests(call: Call) -> web.StreamResponse:
    """Return the request log."""
    return answer([attrs.asdict(record) for record in call.state.log.records])


async def clear_requests(call: Call) -> web.StreamResponse:
    """Clear the request log."""
    call.state.log.clear()
    return no_content()


async def read_faults(call: Call) -> web.StreamResponse:
    """Return the fault rules with their counters."""
    return answer([asdict(fault) for fault in call.state.faults])


async def add_faults(call: Call) -> web.StreamResponse:
    """Add a JSON list of fault rules."""
    call.state.faults.add(*await _read_list(call, fault_from_json))
    return answer({"faults": len(call.state.faults)}, 201)


async def _read_list(call: Call, read: Callable[[Any], ItemT]) -> list[ItemT]:
    try:
        items: Any = await call.request.json()
        return [read(item) for item in items]
    except (TypeError, ValueError, AttributeError) as error:
        # The detail helps the developer who wrote the list. The service itself sends none.
        refusal = invalid_payload()
        raise refuse(
            400, "invalid-payload", str(refusal.body["title"]), detail=str(error)
        ) from error


async def add_plays(call: Call) -> web.StreamResponse:
    """Add a JSON list of plays for the analytics. Return the ids of their sessions."""
    plays = await _read_list(call, play_from_json)
    return answer([call.state.add_play(play) for play in plays], 201)


async def clear_plays(call: Call) -> web.StreamResponse:
    """Remove all plays."""
    call.state.plays.clear()
    return no_content()


async def clear_faults(call: Call) -> web.StreamResponse:
    """Remove all fault rules."""
    call.state.faults.clear()
    return no_content()


async def read_events(call: Call) -> web.StreamResponse:
    """Return the events of videos and live streams."""
    return answer(call.state.events)


async def read_deliveries(call: Call) -> web.StreamResponse:
    """Return the log of webhook deliveries."""
    return answer([attrs.asdict(delivery) for delivery in call.state.deliveries.log])


async def repeat_delivery(call: Call) -> web.StreamResponse:
    """Send a webhook delivery once more, to test how a subscriber handles duplicates.

    See service.md#webhook-delivery.
    """
    number = call.path("number")
    known = [delivery for delivery in call.state.deliveries.log if str(delivery.number) == number]
    if not known:
        raise not_found("number")
    webhook = call.state.webhooks.find(known[0].webhook_id)
    call.state.deliveries.send(webhook, known[0].event, known[0].subject)
    return no_content()


async def start_broadcast(call: Call) -> web.StreamResponse:
    """Start a broadcast. The request body is the content of the recording."""
    sources.start_broadcast(
        call.state,
        call.state.live_streams.find(call.path("liveStreamId")),
        await call.request.read(),
    )
    return no_content()


async def index(call: Call) -> web.StreamResponse:
    """Return the overview page: the videos with links to their players."""
    rows = "\n".join(_row(call, video) for video in reversed(call.state.videos.values()))
    page = _PAGE.format(url=escape(str(call.request.url.origin())), rows=rows)
    return web.Response(text=page, content_type="text/html")


def _row(call: Call, video: Video) -> str:
    state = "ready" if video.finished_at is not None else "waiting for its source"
    link = escape(asset_urls(call, video)["player"])
    title = escape(str(video.attributes["title"]))
    cells = (f'<a href="{link}">{video.key}</a>', title, state, str(video.media.size))
    return f"<tr><td>{'</td><td>'.join(cells)}</td></tr>"


def _control(method: str, path: str, handler: Handler) -> Operation:
    return Operation("", method, path, handler, None, "control")


OPERATIONS: tuple[Operation, ...] = (
    _control("GET", "/", index),
    _control("GET", "/_emulator/health", health),
    _control("GET", "/_emulator/requests", read_requests),
    _control("DELETE", "/_emulator/requests", clear_requests),
    _control("GET", "/_emulator/faults", read_faults),
    _control("POST", "/_emulator/faults", add_faults),
    _control("DELETE", "/_emulator/faults", clear_faults),
    _control("POST", "/_emulator/plays", add_plays),
    _control("DELETE", "/_emulator/plays", clear_plays),
    _control("GET", "/_emulator/events", read_events),
    _control("GET", "/_emulator/deliveries", read_deliveries),
    _control("POST", "/_emulator/deliveries/{number}", repeat_delivery),
    _control("POST", "/_emulator/live-streams/{liveStreamId}/broadcast", start_broadcast),
)
