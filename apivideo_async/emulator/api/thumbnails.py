"""Thumbnails of videos: an uploaded picture, or a moment of the video.

See service.md#video-operations, service.md#thumbnails.
"""

from __future__ import annotations

from aiohttp import web

from ..operations import Call, Operation, answer, api
from ..rules.forms import JPEG, PNG, WEBP, FileRule
from ..rules.payloads import text, validate
from .videos import show

# The refusal lists fewer extensions than are accepted (service.md#file-extensions).
PICTURE = FileRule({**JPEG, **PNG, **WEBP}, "[jpeg, jpg, JPG, JPEG]", 8 * 1024 * 1024)


async def upload_thumbnail(call: Call) -> web.StreamResponse:
    """Store a picture. The response is 200 (service.md#video-operations)."""
    video = call.state.videos.find(call.path("videoId"))
    video.thumbnail, _ = await call.body.file(PICTURE)
    video.touch(call.state.today)
    return answer(show(call, video))


async def pick_thumbnail(call: Call) -> web.StreamResponse:
    """Store the moment to show. Any text is accepted, also for an empty container.

    The uploaded picture, if any, is removed. See service.md#thumbnails.
    """
    video = call.state.videos.find(call.path("videoId"))
    video.timecode = validate(await call.json(), {"timecode": text}, required=("timecode",))[
        "timecode"
    ]
    video.thumbnail = None
    video.touch(call.state.today)
    return answer(show(call, video))


OPERATIONS: tuple[Operation, ...] = (
    api("videos.upload_thumbnail", "POST", "/videos/{videoId}/thumbnail", upload_thumbnail),
    api("videos.pick_thumbnail", "PATCH", "/videos/{videoId}/thumbnail", pick_thumbnail),
)
