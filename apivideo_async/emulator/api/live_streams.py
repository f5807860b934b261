"""``/live-streams`` (service.md#live-stream-operations)."""

from aiohttp import web

from ..background import sources
from ..operations import Call, empty_response, json_response
from ..rules.payloads import boolean, not_blank, restreams, text, validate
from ..serving.live_assets import live_urls
from ..state.items import BY_DATES
from ..state.records import LiveStream
from .items import EditableItems
from .videos import THUMBNAIL

__all__ = ["LIVE_STREAMS", "complete", "create", "delete_thumbnail", "upload_thumbnail"]


def _matches(call: Call, live: LiveStream) -> bool:
    """Apply the filters: the exact stream key, and a part of the name."""
    query = call.request.query
    return (
        query.get("streamKey", live.stream_key) == live.stream_key
        and query.get("name", "").casefold() in live.attributes["name"].casefold()
    )


LIVE_STREAMS = EditableItems[LiveStream](
    collection=lambda state: state.live_streams,
    parameter="liveStreamId",
    as_json=lambda call, live: live.as_json(live_urls(call, live)),
    sort_keys={**BY_DATES, "name": lambda live: live.attributes["name"].casefold()},
    matches=_matches,
    checks={"name": not_blank, "public": boolean, "playerId": text, "restreams": restreams},
)


async def create(call: Call) -> web.StreamResponse:
    """Create a live stream. The response is 200 (service.md#live-stream-operations)."""
    state = call.state
    attributes = validate(await call.json(), LIVE_STREAMS.checks, required=("name",))
    live = LiveStream(
        **state.item_fields("li"),
        attributes=attributes,
        stream_key=state.ids.uuid("stream-key"),
    )
    return json_response(LIVE_STREAMS.as_json(call, state.live_streams.add(live)))


async def upload_thumbnail(call: Call) -> web.StreamResponse:
    """Store a picture. The response is 201 (service.md#live-stream-operations)."""
    live = LIVE_STREAMS.find(call)
    live.thumbnail, _ = await call.body.read_file(THUMBNAIL)
    return LIVE_STREAMS.changed(call, live, 201)


async def delete_thumbnail(call: Call) -> web.StreamResponse:
    """Remove the picture. The response is 200 with a body (service.md#live-stream-operations)."""
    live = LIVE_STREAMS.find(call)
    live.thumbnail = None
    return LIVE_STREAMS.changed(call, live)


async def complete(call: Call) -> web.StreamResponse:
    """End the broadcast, if any, in the background. The response is 202 without a body."""
    sources.complete_broadcast(call.state, LIVE_STREAMS.find(call))
    return empty_response(202)
