"""``/videos``, ``/discarded/videos``, ``/tags`` and ``/watermarks``, except uploads of videos.

See service.md#video-operations, service.md#tag-operations, service.md#watermark-operations.
"""

import unicodedata
from collections import Counter
from typing import Any

from aiohttp import web

from ..background import processing
from ..background.sources import ingest_source
from ..browsers import sent_by_page
from ..operations import Call, empty_response, json_response, page_response
from ..quirks.list_rules import listed_videos, stored_attributes
from ..quirks.status_rules import altered_status
from ..rules.forms import JPEG, PNG, WEBP, FileRule
from ..rules.payloads import VIDEO_CREATION, VIDEO_UPDATE, must_be_false, text, validate
from ..serving.assets import asset_urls
from ..state.items import Item, by_creation, sort_items, timestamp
from ..state.video import Video
from .items import Items

__all__ = [
    "DISCARDED",
    "THUMBNAIL",
    "VIDEOS",
    "WATERMARKS",
    "create",
    "delete",
    "get_status",
    "list_tags",
    "pick_thumbnail",
    "restore",
    "update",
    "upload_thumbnail",
    "upload_watermark",
]

# The refusal lists fewer extensions than are accepted (service.md#file-extensions).
THUMBNAIL = FileRule({**JPEG, **PNG, **WEBP}, "[jpeg, jpg, JPG, JPEG]", 8 * 1024 * 1024)
_WATERMARK = FileRule({**JPEG, **PNG}, "[jpeg, jpg, JPG, JPEG, png, PNG]")
_TAG_KEYS = {
    "value": lambda tag: tag["value"],
    "videoCount": lambda tag: (tag["videoCount"], tag["value"]),
}


def _as_json(call: Call, video: Video) -> dict[str, Any]:
    """Return the ``video`` schema, without assets if discarded (service.md#discarded-videos)."""
    return video.as_json(None if video.discarded_at else asset_urls(call, video))


class _Videos(Items[Video]):
    def find(self, call: Call) -> Video:
        video = super().find(call)
        call.record.video_id = video.id
        call.check_readable(video)
        return video

    async def list_items(self, call: Call) -> web.StreamResponse:
        state = call.state
        videos = listed_videos(
            state.settings.quirks, self.collection(state).values(), call.query, state.now
        )
        return page_response(call, videos, lambda video: _as_json(call, video))


VIDEOS = _Videos(collection=lambda state: state.videos, parameter="videoId", as_json=_as_json)
# Without Video Restore there are no discarded videos.
DISCARDED = _Videos(collection=lambda state: state.discarded, parameter="videoId", as_json=_as_json)


async def create(call: Call) -> web.StreamResponse:
    """Create a container. The response is 202 with a ``source`` (service.md#video-operations)."""
    attributes = validate(await call.json(), VIDEO_CREATION, required=("title",))
    attributes = stored_attributes(call.state.settings.quirks, attributes)
    source = attributes.pop("source", None)
    if source is None:
        video = call.state.create_video(attributes)
    else:
        video = ingest_source(call.state, attributes, source, from_page=sent_by_page(call.request))
    processing.request_summary(call.state, video, attributes)
    processing.perform_due(call.state, video)
    call.record.video_id = video.id
    return json_response(_as_json(call, video), 201 if source is None else 202)


async def update(call: Call) -> web.StreamResponse:
    """Apply a JSON Merge Patch (service.md#merge-rules). A second summary is refused with 409."""
    video = call.video()
    changes = validate(await call.json(), VIDEO_UPDATE)
    changes = stored_attributes(call.state.settings.quirks, changes)
    processing.request_summary(call.state, video, changes)
    video.merge(changes, call.state.utc_now)
    processing.perform_due(call.state, video)
    return json_response(_as_json(call, video))


async def delete(call: Call) -> web.StreamResponse:
    """Delete or discard a video. A second deletion gives a 404 (service.md#repeated-deletion)."""
    call.record.video_id = call.parameter("videoId")
    call.state.remove_video(call.parameter("videoId"))
    return empty_response()


async def get_status(call: Call) -> web.StreamResponse:
    """Return the status of ingest and encoding (service.md#upload-status)."""
    state, video = call.state, call.video()
    quirks = state.settings.quirks
    seen = state.now - quirks.number("status-delay")
    ending = seen - quirks.number("status-uploading")
    status = video.status(state.settings.encoding_pace, seen, ending)
    # Counted after the status was computed: with ``polls:N`` the first N reads are not playable.
    if video.finished:
        video.status_reads += 1
        processing.perform_due(state, video)
    return json_response(altered_status(quirks, status))


async def upload_thumbnail(call: Call) -> web.StreamResponse:
    """Store a picture. The response is 200 (service.md#video-operations, service.md#thumbnails)."""
    video = call.video()
    video.thumbnail, _ = await call.body.read_file(THUMBNAIL)
    return VIDEOS.changed(call, video)


async def pick_thumbnail(call: Call) -> web.StreamResponse:
    """Replace the picture by a moment, which may be any text (service.md#thumbnails)."""
    video = call.video()
    payload = validate(await call.json(), {"timecode": text}, required=("timecode",))
    video.timecode = payload["timecode"]
    video.thumbnail = None
    return VIDEOS.changed(call, video)


async def restore(call: Call) -> web.StreamResponse:
    """Restore a discarded video (service.md#discarded-videos)."""
    video = DISCARDED.find(call)
    validate(await call.json(), {"discarded": must_be_false}, required=("discarded",))
    return json_response(_as_json(call, call.state.restore_video(video.id)))


def _normalized(tag: str) -> str:
    """Return a tag without case and accents, which the filter ignores (service.md#tags)."""
    # NFKD separates letters from accents, which are combining characters.
    parts = unicodedata.normalize("NFKD", tag.casefold())
    return "".join(character for character in parts if not unicodedata.combining(character))


async def list_tags(call: Call) -> web.StreamResponse:
    """List the tags of all videos with their number of videos. The default order is by value."""
    counts = Counter(
        tag for video in call.state.videos.values() for tag in set(video.attributes["tags"])
    )
    part = _normalized(call.request.query.get("value", ""))
    tags: list[dict[str, Any]] = [
        {"value": tag, "videoCount": count}
        for tag, count in counts.items()
        if part in _normalized(tag)
    ]
    ordered = sort_items(tags, call.query, _TAG_KEYS, default=_TAG_KEYS["value"])
    return page_response(call, ordered, dict)


# Of a watermark, the emulator keeps only the id and the date (service.md#watermarks).
WATERMARKS = Items[Item](
    collection=lambda state: state.watermarks,
    parameter="watermarkId",
    as_json=lambda call, watermark: {
        "watermarkId": watermark.id,
        "createdAt": timestamp(watermark.created),
    },
    sort_keys={"createdAt": by_creation},
)


async def upload_watermark(call: Call) -> web.StreamResponse:
    """Receive a picture. The response is 200 (service.md#watermark-operations)."""
    await call.body.read_file(_WATERMARK)
    watermark = call.state.watermarks.add(Item(**call.state.item_fields("watermark_")))
    return json_response(WATERMARKS.as_json(call, watermark))
