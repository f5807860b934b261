"""``/videos`` and ``/discarded/videos``, except uploads (service.md#video-operations)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from ..background import processing
from ..background.sources import ingest_source
from ..browsers import sent_by_page
from ..operations import Call, Operation, answer, answer_page, api, no_content
from ..rules.payloads import VIDEO_CREATION, VIDEO_UPDATE, must_be_false, validate
from ..serving.assets import asset_urls
from ..state.video import Video, select_videos


def show(call: Call, video: Video) -> dict[str, Any]:
    """Return the ``video`` schema. ``assets`` is null for a discarded video.

    See service.md#discarded-videos.
    """
    call.record.video_id = video.key
    return video.as_json(None if video.discarded else asset_urls(call, video))


def _page(call: Call, videos: Iterable[Video]) -> web.Response:
    def item(video: Video) -> dict[str, Any]:
        return video.as_json(None if video.discarded else asset_urls(call, video))

    return answer_page(call, select_videos(videos, call.query), item)


async def list_videos(call: Call) -> web.StreamResponse:
    """List the videos that match the filters, newest first."""
    return _page(call, call.state.videos.values())


async def create(call: Call) -> web.StreamResponse:
    """Create a container. The response is 201, or 202 if it has a ``source``.

    See service.md#video-operations.
    """
    attributes = validate(await call.json(), VIDEO_CREATION, required=("title",))
    source = attributes.pop("source", None)
    video = (
        call.state.create_video(attributes)
        if source is None
        else ingest_source(call.state, attributes, source, from_page=sent_by_page(call.request))
    )
    processing.request_summary(call.state, video, attributes)
    processing.perform_due(call.state, video)
    return answer(show(call, video), 201 if source is None else 202)


async def get(call: Call) -> web.StreamResponse:
    """Return one video."""
    return answer(show(call, call.state.videos.find(call.path("videoId"))))


async def update(call: Call) -> web.StreamResponse:
    """Apply a JSON Merge Patch to the attributes. Raises a refusal (409) for a second summary.

    See service.md#merge-rules, service.md#video-operations.
    """
    video = call.state.videos.find(call.path("videoId"))
    changes = validate(await call.json(), VIDEO_UPDATE)
    processing.request_summary(call.state, video, changes)
    video.merge(changes, call.state.today)
    processing.perform_due(call.state, video)
    return answer(show(call, video))


async def delete(call: Call) -> web.StreamResponse:
    """Delete or discard a video. A second deletion gives a 404 (service.md#repeated-deletion)."""
    call.record.video_id = call.path("videoId")
    call.state.remove_video(call.path("videoId"))
    return no_content()


async def get_status(call: Call) -> web.StreamResponse:
    """Return the status of ingest and encoding (service.md#upload-status)."""
    state = call.state
    video = state.videos.find(call.path("videoId"))
    call.record.video_id = video.key
    status = video.status(state.settings.pace, state.now)
    # The read is counted after the status was computed: with ``polls:N``, N reads come before the
    # read that first shows the video as playable.
    if video.finished_at is not None:
        video.status_reads += 1
        processing.perform_due(state, video)
    return answer(status)


async def list_discarded(call: Call) -> web.StreamResponse:
    """List the discarded videos. Without Video Restore the list is empty."""
    return _page(call, call.state.discarded.values())


async def get_discarded(call: Call) -> web.StreamResponse:
    """Return one discarded video."""
    return answer(show(call, call.state.discarded.find(call.path("videoId"))))


async def restore(call: Call) -> web.StreamResponse:
    """Restore a discarded video. The payload must be ``{"discarded": false}``.

    See service.md#discarded-videos.
    """
    video = call.state.discarded.find(call.path("videoId"))
    validate(await call.json(), {"discarded": must_be_false}, required=("discarded",))
    return answer(show(call, call.state.restore_video(video.key)))


OPERATIONS: tuple[Operation, ...] = (
    api("videos.list", "GET", "/videos", list_videos),
    api("videos.create", "POST", "/videos", create),
    api("videos.get", "GET", "/videos/{videoId}", get),
    api("videos.update", "PATCH", "/videos/{videoId}", update),
    api("videos.delete", "DELETE", "/videos/{videoId}", delete),
    api("videos.get_status", "GET", "/videos/{videoId}/status", get_status),
    api("videos.list_discarded", "GET", "/discarded/videos", list_discarded),
    api("videos.get_discarded", "GET", "/discarded/videos/{videoId}", get_discarded),
    api("videos.restore", "PATCH", "/discarded/videos/{videoId}", restore),
)
