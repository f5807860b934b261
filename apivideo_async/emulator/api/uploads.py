"""Receive video files; ``/upload-tokens``, the tokens for uploads without the key.

The bodies of concurrent requests are streamed at the same time, each into its own extent of the
spool file. After the end of a body, one step without ``await`` asks the source ledger and adds the
extent to the media. A truncated body changes neither. See service.md#uploads.
"""

from collections.abc import Callable
from contextlib import closing

from aiohttp import web
from attrs import define

from ..background import processing
from ..operations import Call, empty_response, json_response
from ..quirks.turns import Turn
from ..quirks.upload_rules import check_header, check_order, upload_response
from ..rules.forms import Form
from ..rules.payloads import TOKEN_CREATION, validate
from ..rules.problems import RefusedError, not_found
from ..rules.ranges import ContentRange, parse_content_range
from ..serving.assets import asset_urls
from ..state.items import by_creation
from ..state.media import ExtentWriter, Spool
from ..state.records import UploadToken
from ..state.video import Video
from .items import Items

__all__ = ["UPLOAD_TOKENS", "create_token", "upload", "upload_with_token"]


@define(eq=False)
class _ReceivedFile:
    """The uploaded file of one request. ``close`` frees its bytes unless ``keep`` kept them."""

    _call: Call
    chunk: ContentRange | None
    _spool_for: Callable[[Form], Spool]
    _writer: ExtentWriter | None = None

    def open(self, form: Form) -> ExtentWriter:
        """Open a writer for the file. ``form`` has the fields that came before the file."""
        # ``Content-Length`` is an upper bound for the size of the file, so one extent is enough.
        size = self._call.request.content_length
        limit = self._call.state.settings.upload_limits.max_chunk
        self._writer = ExtentWriter(self._spool_for(form), size, limit)
        return self._writer

    def keep(self, video: Video) -> None:
        """Record the file in the ledger and add it to the media. Raises the ledger's refusal."""
        size = 0 if self._writer is None else self._writer.size
        _check(self._call, video, self.chunk)
        position = video.ledger.accept(self.chunk, size)
        # ``accept`` refuses an empty file, so there is always a writer here.
        if self._writer is not None:
            video.media.add(position, self._writer.keep())
            video.note_chunk(position, self._call.state.now)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


async def upload(call: Call) -> web.StreamResponse:
    """Receive a file, or a chunk of one, for a video (service.md#upload-rules)."""
    video = call.video()
    chunk = _content_range(call)
    async with Turn(call.state.settings.quirks) as turn:
        await turn.take(video)
        _check(call, video, chunk)
        with closing(_ReceivedFile(call, chunk, lambda _: call.state.spool_of(video))) as received:
            form = await call.body.read_form(received.open)
            return _accepted(call, _keep(call, video.id, form, received))


async def upload_with_token(call: Call) -> web.StreamResponse:
    """Receive a file, or a chunk of one, with an upload token (service.md#token-uploads).

    The field ``videoId`` may come before or after the file. Without it a new video is created, with
    the file name as its title.
    """
    state = call.state

    def spool_for(form: Form) -> Spool:
        # If ``videoId`` comes after the file, the video is unknown: the bytes go to a new spool.
        video = state.videos.get(form.fields.get("videoId", ""))
        return state.store.spool("delegated") if video is None else state.spool_of(video)

    async def take_turn(form: Form) -> None:
        if (video := state.videos.get(form.fields.get("videoId", ""))) is not None:
            call.record.video_id = video.id
            await turn.take(video)

    async with Turn(state.settings.quirks) as turn:
        with closing(_ReceivedFile(call, _content_range(call), spool_for)) as received:
            form = await call.body.read_form(received.open, take_turn)
            await take_turn(form)
            if video_id := form.fields.get("videoId"):
                video = _keep(call, video_id, form, received)
            else:
                video = _keep_new(call, form, received)
            call.record.video_id = video.id
            return _accepted(call, video)


def _keep(call: Call, video_id: str, form: Form, received: _ReceivedFile) -> Video:
    # While the body arrived, other requests may have deleted the video or changed the ledger. There
    # is no ``await`` up to ``keep``, so that no other request runs in between.
    video = call.state.videos.find(video_id)
    _check(call, video, received.chunk)
    form.check_one_file()
    received.keep(video)
    return video


def _keep_new(call: Call, form: Form, received: _ReceivedFile) -> Video:
    """Create a video and keep the file. A refused request creates no video."""
    form.check_one_file()
    # The ledger decides, and it belongs to a video.
    video = call.state.create_video({"title": form.filename or "file"})
    try:
        received.keep(video)
    except RefusedError:
        del call.state.videos[video.id]
        raise
    return video


def _content_range(call: Call) -> ContentRange | None:
    settings = call.state.settings
    chunk = parse_content_range(call.request.headers.get("Content-Range"), settings.upload_limits)
    check_header(settings.quirks, chunk)
    return chunk


def _check(call: Call, video: Video, chunk: ContentRange | None) -> None:
    """Raise a refusal if the chunk can be refused without its body."""
    video.ledger.check(chunk)
    check_order(call.state.settings.quirks, video.ledger, chunk)


def _accepted(call: Call, video: Video) -> web.Response:
    """Return the video if the upload is complete, or else its id (service.md#upload-responses)."""
    complete = video.ledger.complete
    if complete:
        video.touch(call.state.utc_now)
        processing.start(call.state, video)
    style = call.state.settings.quirks.choice("upload-response")
    status, body = upload_response(style, complete=complete)
    if body == "none":
        return empty_response(status)
    if body == "video":
        return json_response(video.as_json(asset_urls(call, video)), status)
    return json_response({"videoId": video.id} if body == "id" else {}, status)


class _UploadTokens(Items[UploadToken]):
    def find(self, call: Call) -> UploadToken:
        """Return the token that the path names. Raises a refusal (404) if it has expired."""
        token = call.state.active_upload_token(call.parameter(self.parameter))
        if token is None:
            raise not_found(self.parameter)
        return token


UPLOAD_TOKENS = _UploadTokens(
    collection=lambda state: state.upload_tokens,
    parameter="uploadToken",
    as_json=lambda call, token: token.as_json(),
    sort_keys={"createdAt": by_creation, "ttl": lambda token: (token.ttl, token.number)},
    matches=lambda call, token: token.active(call.state.expiry_utc_now),
)


async def create_token(call: Call) -> web.StreamResponse:
    """Create a token. The response is 200 (service.md#upload-token-operations)."""
    body = validate(await call.json(), TOKEN_CREATION)
    return json_response(call.state.create_upload_token(body.get("ttl", 0)).as_json())
