"""``/live-streams`` (service.md#live-stream-operations)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ..background import sources
from ..operations import Call, Operation, answer, answer_page, api, no_content
from ..rules.payloads import Check, boolean, filled, restreams, text, validate
from ..serving.live_assets import live_urls
from ..state.items import BY_DATES, sort_items
from ..state.records import LiveStream
from .thumbnails import PICTURE

_ATTRIBUTES: dict[str, Check] = {
    "name": filled,
    "public": boolean,
    "playerId": text,
    "restreams": restreams,
}
# Sort keys of ``sortBy``.
_KEYS = {**BY_DATES, "name": lambda live: live.attributes["name"].casefold()}


def _show(call: Call, live: LiveStream) -> dict[str, Any]:
    return live.as_json(live_urls(call, live))


def _live_stream(call: Call) -> LiveStream:
    return call.state.live_streams.find(call.path("liveStreamId"))


async def list_live_streams(call: Call) -> web.StreamResponse:
    """List live streams, filtered by exact stream key and by part of the name, newest first."""
    query = call.request.query
    chosen = [
        live
        for live in call.state.live_streams.values()
        if query.get("streamKey", live.stream_key) == live.stream_key
        and query.get("name", "").casefold() in live.attributes["name"].casefold()
    ]
    return answer_page(call, sort_items(chosen, call.query, _KEYS), lambda live: _show(call, live))


async def create(call: Call) -> web.StreamResponse:
    """Create a live stream with a new stream key. The response is 200.

    See service.md#live-stream-operations.
    """
    state = call.state
    attributes = validate(await call.json(), _ATTRIBUTES, required=("name",))
    live = LiveStream(
        **state.item_fields("li"), attributes=attributes, stream_key=state.ids.uuid("stream-key")
    )
    return answer(_show(call, state.live_streams.add(live)))


async def get(call: Call) -> web.StreamResponse:
    """Return one live stream."""
    return answer(_show(call, _live_stream(call)))


async def update(call: Call) -> web.StreamResponse:
    """Change the given attributes. ``restreams`` replaces the whole array and ``[]`` clears it.

    See service.md#merge-rules.
    """
    live = _live_stream(call)
    live.attributes.update(validate(await call.json(), _ATTRIBUTES))
    live.touch(call.state.today)
    return answer(_show(call, live))


async def delete(call: Call) -> web.StreamResponse:
    """Delete a live stream. Its recordings are kept."""
    call.state.live_streams.remove(call.path("liveStreamId"))
    return no_content()


async def upload_thumbnail(call: Call) -> web.StreamResponse:
    """Store a picture. The response is 201, for videos it is 200.

    See service.md#live-stream-operations.
    """
    live = _live_stream(call)
    live.thumbnail, _ = await call.body.file(PICTURE)
    live.touch(call.state.today)
    return answer(_show(call, live), 201)


async def delete_thumbnail(call: Call) -> web.StreamResponse:
    """Remove the picture. The response is 200 with a body (service.md#live-stream-operations)."""
    live = _live_stream(call)
    live.thumbnail = None
    live.touch(call.state.today)
    return answer(_show(call, live))


async def complete(call: Call) -> web.StreamResponse:
    """End the broadcast in the background. The response is 202 without a body.

    It is the same if there is no broadcast.
    """
    sources.complete_broadcast(call.state, _live_stream(call))
    return no_content(202)


OPERATIONS: tuple[Operation, ...] = (
    api("live_streams.list", "GET", "/live-streams", list_live_streams),
    api("live_streams.create", "POST", "/live-streams", create),
    api("live_streams.get", "GET", "/live-streams/{liveStreamId}", get),
    api("live_streams.update", "PATCH", "/live-streams/{liveStreamId}", update),
    api("live_streams.delete", "DELETE", "/live-streams/{liveStreamId}", delete),
    api(
        "live_streams.upload_thumbnail",
        "POST",
        "/live-streams/{liveStreamId}/thumbnail",
        upload_thumbnail,
    ),
    api(
        "live_streams.delete_thumbnail",
        "DELETE",
        "/live-streams/{liveStreamId}/thumbnail",
        delete_thumbnail,
    ),
    api("live_streams.complete", "PUT", "/live-streams/{liveStreamId}/complete", complete),
)
