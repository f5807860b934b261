"""``/`` and ``/_emulator/*``: control the emulator from another process, without credentials.

Other processes read the request log, events and deliveries, and add faults and plays. ``/`` is an
overview page for developers.
"""

from collections.abc import Callable
from html import escape
from typing import Any, Protocol, TypeVar

import attrs
from aiohttp import web

from ..background import sources
from ..faults.fault_list import FAULTS, fault_from_json
from ..operations import Call, Handler, answer, answer_html, no_content
from ..rules.problems import invalid_payload, not_found
from ..serving.assets import asset_urls
from ..state.play import play_from_json
from ..state.video import Video

__all__ = [
    "add_faults",
    "add_plays",
    "clear_faults",
    "clear_plays",
    "clear_requests",
    "index",
    "read_deliveries",
    "read_events",
    "read_faults",
    "read_health",
    "read_requests",
    "repeat_delivery",
    "start_broadcast",
]

ItemT = TypeVar("ItemT")


class _Clearable(Protocol):
    def clear(self) -> None: ...


def _reading(read: Callable[[Call], Any]) -> Handler:
    async def handler(call: Call) -> web.StreamResponse:
        return answer(read(call))

    return handler


def _clearing(find: Callable[[Call], _Clearable]) -> Handler:
    async def handler(call: Call) -> web.StreamResponse:
        find(call).clear()
        return no_content()

    return handler


read_health: Handler = _reading(lambda call: {"status": "ok", "videos": len(call.state.videos)})
read_requests: Handler = _reading(
    lambda call: [attrs.asdict(record) for record in call.state.log.records]
)
read_faults: Handler = _reading(
    lambda call: [attrs.asdict(fault) for fault in call.request.app[FAULTS]]
)
read_events: Handler = _reading(lambda call: call.state.events)
read_deliveries: Handler = _reading(
    lambda call: [attrs.asdict(each) for each in call.state.deliveries.log]
)
clear_requests: Handler = _clearing(lambda call: call.state.log)
clear_faults: Handler = _clearing(lambda call: call.request.app[FAULTS])
clear_plays: Handler = _clearing(lambda call: call.state.plays)


async def _read_list(call: Call, read: Callable[[Any], ItemT]) -> list[ItemT]:
    try:
        items: Any = await call.request.json()
        return [read(item) for item in items]
    except (TypeError, ValueError, AttributeError) as error:
        # The detail helps the developer who wrote the list. The service itself sends none.
        raise invalid_payload(str(error)) from error


async def add_faults(call: Call) -> web.StreamResponse:
    """Add a JSON list of fault rules."""
    faults = call.request.app[FAULTS]
    faults.add(*await _read_list(call, fault_from_json))
    return answer({"faults": len(faults)}, 201)


async def add_plays(call: Call) -> web.StreamResponse:
    """Add a JSON list of plays for the analytics. Return the ids of their sessions."""
    plays = await _read_list(call, play_from_json)
    return answer([call.state.add_play(play) for play in plays], 201)


async def repeat_delivery(call: Call) -> web.StreamResponse:
    """Send a webhook delivery once more, to test how a subscriber handles duplicates.

    See service.md#webhook-delivery.
    """
    number, deliveries = call.path("number"), call.state.deliveries
    delivery = next((each for each in deliveries.log if str(each.number) == number), None)
    if delivery is None:
        raise not_found("number")
    webhook = call.state.webhooks.find(delivery.webhook_id)
    deliveries.send(webhook, delivery.event, delivery.subject)
    return no_content()


async def start_broadcast(call: Call) -> web.StreamResponse:
    """Start a broadcast. The request body is the content of the recording."""
    live = call.state.live_streams.find(call.path("liveStreamId"))
    sources.start_broadcast(call.state, live, await call.request.read())
    return no_content()


async def index(call: Call) -> web.StreamResponse:
    """Return the overview page: the videos with links to their players."""
    rows = "\n".join(_row(call, video) for video in reversed(call.state.videos.values()))
    return answer_html("control.html", url=escape(str(call.request.url.origin())), rows=rows)


def _row(call: Call, video: Video) -> str:
    state = "ready" if video.finished_at is not None else "waiting for its source"
    link = escape(asset_urls(call, video)["player"])
    title = escape(str(video.attributes["title"]))
    cells = (f'<a href="{link}">{video.key}</a>', title, state, str(video.media.size))
    return f"<tr><td>{'</td><td>'.join(cells)}</td></tr>"
