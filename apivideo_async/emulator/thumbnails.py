"""Thumbnails of videos: an uploaded picture, or a moment of the video (CONTRACT §6.2, §13)."""

from __future__ import annotations

from aiohttp import web

from .body import check_one_file
from .form_parser import Form
from .operations import Call, Operation, answer, api
from .payloads import text, validate
from .problems import RefusedError, refuse
from .upload_problems import upload_problem
from .video_handlers import show

MAX_SIZE = 8 * 1024 * 1024
_TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}


class PictureSink:
    """Keeps a small file in memory, and only counts what is over the limit."""

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self.data = bytearray()
        self.size = 0

    def write(self, view: memoryview) -> None:
        """Take the next bytes."""
        self.size += len(view)
        if self.size <= self._max_size:
            self.data += view

    def check(self) -> None:
        """Refuse an empty or too large file."""
        if self.size == 0:
            raise upload_problem("uploaded-file-empty")
        if self.size > self._max_size:
            raise upload_problem("uploaded-file-too-large")


def picture_type(form: Form) -> str:
    """Return the media type, told by the extension or by the part's type; refuse others (CONTRACT §13)."""
    by_extension = _TYPES.get(form.filename.rpartition(".")[2].lower())
    if by_extension is not None:
        return by_extension
    if form.content_type in _TYPES.values():
        return form.content_type
    raise extension_refused("[jpeg, jpg, JPG, JPEG]")


def extension_refused(allowed: str) -> RefusedError:
    """Refuse a picture of another kind; the text lists fewer kinds than are accepted (CONTRACT §8.2, §13)."""
    return refuse(400, "uploaded-file-extension-invalid", f"Only {allowed} extensions are supported.", name="file")


async def upload_thumbnail(call: Call) -> web.StreamResponse:
    """Receive a picture; the answer is 200 (CONTRACT §6.2)."""
    video = call.world.video(call.path("videoId"))
    sink = PictureSink(MAX_SIZE)
    form = await call.body.form(lambda _: sink)
    check_one_file(form)
    content_type = picture_type(form)
    sink.check()
    video.thumbnail = (bytes(sink.data), content_type)
    video.updated = call.world.today
    return answer(show(call, video))


async def pick_thumbnail(call: Call) -> web.StreamResponse:
    """Remember the moment; any text will do, also on an empty container (CONTRACT §6.2)."""
    video = call.world.video(call.path("videoId"))
    video.timecode = validate(await call.json(), {"timecode": text}, required=("timecode",))["timecode"]
    video.updated = call.world.today
    return answer(show(call, video))


OPERATIONS: tuple[Operation, ...] = (
    api("videos.upload_thumbnail", "POST", "/videos/{videoId}/thumbnail", upload_thumbnail),
    api("videos.pick_thumbnail", "PATCH", "/videos/{videoId}/thumbnail", pick_thumbnail),
)
