"""``/summaries`` (service.md#summary-operations, service.md#summaries)."""

from __future__ import annotations

from aiohttp import web

from ..background import processing
from ..operations import Call, Operation, answer, answer_page, api, no_content
from ..rules.payloads import Check, array, filled, one_of, summary_parts, text, validate
from ..rules.problems import not_found, summary_exists
from ..state.items import BY_DATES, check_choices, sort_items
from ..state.records import SUMMARY_PARTS, SUMMARY_STATUSES, Summary

_CREATION: dict[str, Check] = {
    "videoId": filled,
    "origin": one_of("auto"),
    "attributes": summary_parts,
}
_SOURCE: dict[str, Check] = {"abstract": text, "takeaways": array(text, at_most=3)}
_KEYS = {**BY_DATES, "videoId": lambda summary: summary.video_id}


async def list_summaries(call: Call) -> web.StreamResponse:
    """List summaries, filtered by video, origin and status, newest first."""
    query = call.request.query
    check_choices(call.query, {"origin": ("auto", "api"), "sourceStatus": SUMMARY_STATUSES})
    chosen = [
        summary
        for summary in call.state.summaries.values()
        if query.get("videoId", summary.video_id) == summary.video_id
        and query.get("origin", summary.origin) == summary.origin
        and query.get("sourceStatus", summary.status) == summary.status
    ]
    return answer_page(call, sort_items(chosen, call.query, _KEYS), Summary.as_json)


async def create(call: Call) -> web.StreamResponse:
    """Create the summary of a video.

    Its text is generated only with ``origin`` (service.md#summaries).

    Raises a refusal (409) if the video already has a summary.
    """
    body = validate(await call.json(), _CREATION, required=("videoId",))
    video = call.state.videos.find(body["videoId"])
    if call.state.summary_of(video) is not None:
        raise summary_exists("videoId")
    parts = tuple(body.get("attributes", SUMMARY_PARTS))
    summary = processing.create_summary(call.state, video, parts, auto="origin" in body)
    # ``perform_due`` can complete the summary at once. The response shows the state before.
    shown = summary.as_json()
    processing.perform_due(call.state, video)
    return answer(shown, 201)


async def delete(call: Call) -> web.StreamResponse:
    """Delete a summary. Afterwards another summary can be created for the video."""
    call.state.summaries.remove(call.path("summaryId"))
    return no_content()


async def get_source(call: Call) -> web.StreamResponse:
    """Return the text. The response is 404 until the summary is completed."""
    summary = call.state.summaries.find(call.path("summaryId"))
    if summary.status != "completed":
        raise not_found("summaryId")
    return answer(summary.source)


async def update_source(call: Call) -> web.StreamResponse:
    """Store a text that the client wrote. The response is 201.

    Raises a refusal (409) while the summary waits for its generated text. See
    service.md#summary-operations.
    """
    summary = call.state.summaries.find(call.path("summaryId"))
    source = validate(await call.json(), _SOURCE)
    if summary.status == "waiting":
        raise summary_exists(None)
    summary.source.update(source)
    summary.status = "completed"
    summary.touch(call.state.today)
    return answer(summary.source, 201)


OPERATIONS: tuple[Operation, ...] = (
    api("summaries.list", "GET", "/summaries", list_summaries),
    api("summaries.create", "POST", "/summaries", create),
    api("summaries.delete", "DELETE", "/summaries/{summaryId}", delete),
    api("summaries.get_source", "GET", "/summaries/{summaryId}/source", get_source),
    api("summaries.update_source", "PATCH", "/summaries/{summaryId}/source", update_source),
)
