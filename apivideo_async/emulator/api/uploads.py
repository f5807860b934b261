"""Receiving video files: `POST /videos/{videoId}/source` and `POST /upload` (service.md#uploads).

Bodies stream side by side, each into an extent of its own. When a body has ended, one synchronous step asks
the ledger and adds the extent to the media; a body that is cut off leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from ..background import production
from ..body import check_one_file
from ..operations import Call, Operation, answer, api
from ..rules.content_range import ContentRange, parse_content_range
from ..rules.form_parser import Form
from ..rules.problems import RefusedError
from ..serving.assets import asset_urls
from ..state.media import ExtentWriter, Spool
from ..state.video import Video


class Reception:
    """The file of one request: opened when it begins, kept or forgotten when the request ends."""

    def __init__(self, call: Call, spool_for: Callable[[Form], Spool]) -> None:
        self._announced = call.request.content_length
        self._limit = call.world.settings.limits.max_chunk
        self._spool_for = spool_for
        self._writer: ExtentWriter | None = None

    @property
    def size(self) -> int:
        """Bytes of the file so far."""
        return 0 if self._writer is None else self._writer.size

    def open(self, form: Form) -> ExtentWriter:
        """Begin the file."""
        self._writer = ExtentWriter(self._spool_for(form), self._announced, self._limit)
        return self._writer

    def keep(self, video: Video, sent: ContentRange | None) -> None:
        """Let the ledger decide; an accepted file becomes part of the media."""
        place = video.ledger.accept(sent, self.size)
        if self._writer is not None:
            video.media.add(place, self._writer.keep())

    def close(self) -> None:
        """End the request."""
        if self._writer is not None:
            self._writer.close()


async def upload(call: Call) -> web.StreamResponse:
    """Receive a file, or a chunk of one, for a container (service.md#upload-rules)."""
    video = call.world.videos.find(call.path("videoId"))
    call.record.video_id = video.key
    sent = _content_range(call)
    video.ledger.check(sent)
    reception = Reception(call, lambda _: call.world.spool_of(video))
    try:
        form = await call.body.form(reception.open)
        video = call.world.videos.find(video.key)
        video.ledger.check(sent)
        check_one_file(form)
        reception.keep(video, sent)
    finally:
        reception.close()
    return _accepted(call, video)


async def upload_with_token(call: Call) -> web.StreamResponse:
    """Receive a file, or a chunk of one, from a delegated client (service.md#token-uploads).

    The field `videoId` may come before or after the file. Without it the request makes a new video, whose
    title is the file's name.
    """
    world = call.world
    sent = _content_range(call)

    def spool_for(form: Form) -> Spool:
        video = world.videos.get(form.fields.get("videoId", ""))
        return world.store.spool("delegated") if video is None else world.spool_of(video)

    reception = Reception(call, spool_for)
    try:
        form = await call.body.form(reception.open)
        video = _delegated_video(call, form, sent, reception)
        call.record.video_id = video.key
    finally:
        reception.close()
    return _accepted(call, video)


def _delegated_video(call: Call, form: Form, sent: ContentRange | None, reception: Reception) -> Video:
    """Find or make the video of a delegated upload and keep the file; a refusal makes no video."""
    world = call.world
    video_id = form.fields.get("videoId")
    if video_id:
        video = world.videos.find(video_id)
        video.ledger.check(sent)
        check_one_file(form)
        reception.keep(video, sent)
        return video
    check_one_file(form)
    video = world.create_video({"title": form.filename or "file"})
    try:
        reception.keep(video, sent)
    except RefusedError:
        world.forget_video(video)
        raise
    return video


def _content_range(call: Call) -> ContentRange | None:
    return parse_content_range(call.request.headers.get("Content-Range"), call.world.settings.limits)


def _accepted(call: Call, video: Video) -> web.Response:
    """Answer the whole video to the request that completed it, its id to the others (service.md#upload-responses)."""
    if not video.ledger.complete:
        return answer({"videoId": video.key}, 201)
    video.touch(call.world.today)
    production.begin(call.world, video)
    return answer(video.as_json(asset_urls(call, video)), 201)


OPERATIONS: tuple[Operation, ...] = (
    api("videos.upload", "POST", "/videos/{videoId}/source", upload, "uploads"),
    Operation("videos.upload_with_token", "POST", "/upload", upload_with_token, "uploads", access="upload-token"),
)
