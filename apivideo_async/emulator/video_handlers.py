"""`/videos` and `/discarded/videos` without the uploads (CONTRACT §6.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from .assets import asset_urls
from .ingest import begin_ingest
from .listing import select_videos
from .operations import Call, Operation, answer, api, no_content
from .paging import paginate
from .payloads import VIDEO_CREATION, VIDEO_UPDATE, must_be_false, validate
from .video import Video


def show(call: Call, video: Video) -> dict[str, Any]:
    """Return the `video` schema; a discarded video has no assets (CONTRACT §13)."""
    call.record.video_id = video.video_id
    return video.as_json(None if video.discarded else asset_urls(call, video))


def _page(call: Call, videos: Iterable[Video]) -> web.Response:
    page, pagination = paginate(call.request.path, call.query, select_videos(videos, call.query))
    data = [video.as_json(None if video.discarded else asset_urls(call, video)) for video in page]
    return answer({"data": data, "pagination": pagination})


async def list_videos(call: Call) -> web.StreamResponse:
    """List videos by the filters, newest first."""
    return _page(call, call.world.videos.values())


async def create(call: Call) -> web.StreamResponse:
    """Create a container: 201 when it is empty, 202 when it has a `source` (CONTRACT §6.2)."""
    attributes = validate(await call.json(), VIDEO_CREATION, required=("title",))
    source = attributes.pop("source", None)
    if source is None:
        return answer(show(call, call.world.create_video(attributes)), 201)
    return answer(show(call, begin_ingest(call, attributes, source)), 202)


async def get(call: Call) -> web.StreamResponse:
    """Show one video."""
    return answer(show(call, call.world.video(call.path("videoId"))))


async def update(call: Call) -> web.StreamResponse:
    """Change attributes as a JSON Merge Patch (CONTRACT §5.3)."""
    video = call.world.video(call.path("videoId"))
    video.merge(validate(await call.json(), VIDEO_UPDATE), call.world.today)
    return answer(show(call, video))


async def delete(call: Call) -> web.StreamResponse:
    """Delete or discard a video; the second time it is a 404 (CONTRACT §17 #18)."""
    call.record.video_id = call.path("videoId")
    call.world.remove_video(call.path("videoId"))
    return no_content()


async def get_status(call: Call) -> web.StreamResponse:
    """Show ingest and encoding (CONTRACT §11)."""
    world = call.world
    video = world.video(call.path("videoId"))
    call.record.video_id = video.video_id
    status = video.status(world.settings.pace, world.now)
    if video.finished_at is not None:
        video.status_reads += 1
    return answer(status)


async def list_discarded(call: Call) -> web.StreamResponse:
    """List discarded videos; without Video Restore there are none."""
    return _page(call, call.world.discarded.values())


async def get_discarded(call: Call) -> web.StreamResponse:
    """Show one discarded video."""
    return answer(show(call, call.world.discarded_video(call.path("videoId"))))


async def restore(call: Call) -> web.StreamResponse:
    """Bring a discarded video back; only `{"discarded": false}` is legal (CONTRACT §13)."""
    video = call.world.discarded_video(call.path("videoId"))
    validate(await call.json(), {"discarded": must_be_false}, required=("discarded",))
    return answer(show(call, call.world.restore_video(video.video_id)))


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
