"""``/summaries`` (service.md#summary-operations, service.md#summaries)."""

from aiohttp import web

from ..background import processing
from ..operations import Call, json_response
from ..rules.payloads import Check, array, not_blank, one_of, summary_parts, text, validate
from ..rules.problems import not_found, summary_exists
from ..state.items import BY_DATES, check_choices
from ..state.records import SUMMARY_PARTS, SUMMARY_STATUSES, Summary
from .items import Items

__all__ = ["SUMMARIES", "create", "get_source", "list_summaries", "update_source"]

_CREATION: dict[str, Check] = {
    "videoId": not_blank,
    "origin": one_of("auto"),
    "attributes": summary_parts,
}
_SOURCE: dict[str, Check] = {"abstract": text, "takeaways": array(text, at_most=3)}


def _matches(call: Call, summary: Summary) -> bool:
    query = call.request.query
    return (
        query.get("videoId", summary.video_id) == summary.video_id
        and query.get("origin", summary.origin) == summary.origin
        and query.get("sourceStatus", summary.status) == summary.status
    )


SUMMARIES = Items[Summary](
    collection=lambda state: state.summaries,
    parameter="summaryId",
    as_json=lambda call, summary: summary.as_json(),
    sort_keys={**BY_DATES, "videoId": lambda summary: summary.video_id},
    matches=_matches,
)


async def list_summaries(call: Call) -> web.StreamResponse:
    """List summaries, filtered by video, origin and status, newest first."""
    check_choices(call.query, {"origin": ("auto", "api"), "sourceStatus": SUMMARY_STATUSES})
    return await SUMMARIES.list_items(call)


async def create(call: Call) -> web.StreamResponse:
    """Create a summary. Its text is generated only with ``origin`` (service.md#summaries)."""
    body = validate(await call.json(), _CREATION, required=("videoId",))
    video = call.state.videos.find(body["videoId"])
    if call.state.summary_of(video) is not None:
        raise summary_exists("videoId")
    parts = tuple(body.get("attributes", SUMMARY_PARTS))
    summary = processing.create_summary(call.state, video, parts, auto="origin" in body)
    # ``perform_due`` can complete the summary at once. The response contains the state before.
    response = json_response(summary.as_json(), 201)
    processing.perform_due(call.state, video)
    return response


async def get_source(call: Call) -> web.StreamResponse:
    """Return the text. The response is 404 until the summary is completed."""
    summary = SUMMARIES.find(call)
    if summary.status != "completed":
        raise not_found("summaryId")
    return json_response(summary.source)


async def update_source(call: Call) -> web.StreamResponse:
    """Store a text that the client wrote. The response is 201 (service.md#summary-operations)."""
    summary = SUMMARIES.find(call)
    source = validate(await call.json(), _SOURCE)
    if summary.status == "waiting":
        raise summary_exists(None)
    summary.source.update(source)
    summary.status = "completed"
    summary.touch(call.state.utc_now)
    return json_response(summary.source, 201)
