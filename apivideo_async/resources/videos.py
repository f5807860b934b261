"""Videos: containers, their files, their state (service.md#video-operations)."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, TypedDict, Unpack

from ..config import MIB, UNSET, Unset, UploadOptions
from ..errors import ApiResponseError
from ..models import Video, VideoStatus
from ..models import timecode as as_timecode
from ..paginator import Paginator
from ..protocol.json_body import text_list
from ..protocol.private_assets import PrivateSession, session_address
from ..protocol.request import Priority, asset_request, build_request, check_metadata, path_for
from ..uploads.capacity import Slots
from ..uploads.reporter import OnProgress
from ..uploads.session import PushSession
from ..uploads.sources.opening import SourceLike, Stream
from ..uploads.uploader import Intake
from ._creation import create_video
from ._fields import VideoFields, VideoUpdateFields, video_body
from ._resource import PageQuery, Resource, SortOrder
from ._waiting import PlayableResult, status_request, wait_for_all

__all__ = ["VideoListQuery", "Videos"]

VideoSort = Literal["title", "createdAt", "publishedAt", "updatedAt"]

LARGEST_THUMBNAIL = 8 * MIB


class _VideoFilters(TypedDict, total=False):
    title: str | Unset
    """Part of the title."""
    description: str | Unset
    """Part of the description."""
    tags: Sequence[str] | Unset
    """All of them must be there."""
    metadata: Mapping[str, str] | Unset
    """All of the pairs must be there."""
    live_stream_id: str | Unset
    """Recordings of this live stream."""
    sort_by: VideoSort | Unset
    sort_order: SortOrder | Unset


class VideoListQuery(_VideoFilters, PageQuery, total=False):
    """What the two lists of videos take."""


_FILTERS = {
    "title": "title",
    "description": "description",
    "tags": "tags",
    "metadata": "metadata",
    "live_stream_id": "liveStreamId",
    "sort_by": "sortBy",
    "sort_order": "sortOrder",
}


class Videos(Resource):
    """``client.videos``. Errors of every method: ``ApiStatusError`` and its classes, ``ApiConnectionError``."""

    def list(self, **query: Unpack[VideoListQuery]) -> Paginator[Video]:
        """List videos (``GET /videos``, reads); every argument is described in ``VideoListQuery``.

        ``title`` and ``description`` match a part of the text; every tag and every metadata pair given must match.
        Raises ``ConfigurationError`` for a filter that is None or empty, such as ``tags=[]``: the service would list
        every video.
        """
        return self._videos("videos.list", "/videos", query)

    def list_discarded(self, **query: Unpack[VideoListQuery]) -> Paginator[Video]:
        """List videos that were deleted and can be restored (``GET /discarded/videos``, reads).

        Same arguments as :meth:`list`; their ``assets`` are None. Empty unless Video Restore is on.
        """
        return self._videos("videos.list_discarded", "/discarded/videos", query)

    def _videos(self, operation: str, path: str, query: VideoListQuery) -> Paginator[Video]:
        if unknown := set(query) - set(_FILTERS) - set(PageQuery.__annotations__):
            raise TypeError(f"{operation} has no argument {', '.join(sorted(unknown))}")
        page: Any = {name: value for name, value in query.items() if name not in _FILTERS}
        chosen: Any = {_FILTERS[name]: value for name, value in query.items() if name in _FILTERS}
        if "tags" in chosen and chosen["tags"] is not UNSET:
            chosen["tags"] = text_list("tags", chosen["tags"])
        check_metadata(chosen.get("metadata", UNSET))
        return self._list(operation, path, Video, page, chosen)

    async def create(
        self,
        *,
        title: str,
        source: str | Unset = UNSET,
        idempotency_key: str | None = None,
        **fields: Unpack[VideoFields],
    ) -> Video:
        """Create a container, or a video from ``source`` (``POST /videos``, writes).

        ``source`` is a URL that api.video downloads, or the id of a video to clone. An empty container is deleted
        by the service after 7 days. With ``idempotency_key`` (stored as the metadata pair ``ingestKey``) a second
        call, or a call whose answer was lost, gives the video that exists; without it a lost answer raises.
        """
        given = {"title": title, "source": source, **fields}
        async with self._pipeline.exclusive(idempotency_key):
            return await create_video(self._pipeline, given, key=idempotency_key)

    async def get(self, video_id: str) -> Video:
        """Show a video (``GET /videos/{videoId}``, reads). Of a private one, each call makes a new one-time token."""
        path = path_for("/videos/{video_id}", video_id=video_id)
        return await self._call("videos.get", "GET", path, Video)

    async def update(self, video_id: str, *, title: str | Unset = UNSET, **fields: Unpack[VideoUpdateFields]) -> Video:
        """Change what is given and nothing else (``PATCH /videos/{videoId}``, writes).

        ``tags`` and ``metadata`` replace what was there; ``ConflictError`` when a summary exists already.
        """
        path = path_for("/videos/{video_id}", video_id=video_id)
        request = build_request("videos.update", "PATCH", path, body=video_body({"title": title, **fields}))
        return await self._pipeline.call(request, Video)

    async def delete(self, video_id: str, *, missing_ok: bool = False) -> None:
        """Delete for good, or discard where Video Restore is on (``DELETE /videos/{videoId}``, writes).

        Raises ``NotFoundError`` when there is no such video, unless ``missing_ok``.
        """
        path = path_for("/videos/{video_id}", video_id=video_id)
        await self._delete("videos.delete", path, missing_ok=missing_ok)

    async def upload(
        self,
        video_id: str,
        source: SourceLike,
        *,
        filename: str | None = None,
        options: UploadOptions | None = None,
        on_progress: OnProgress | None = None,
        slots: Slots | None = None,
        fresh: bool = False,
    ) -> Video:
        """Fill a container, or send what it does not hold yet (``POST /videos/{videoId}/source``, uploads).

        ``source``: a path, bytes, a binary file (from where it stands), an async iterable of bytes, an object with
        ``async read(n)``, or a ``Source``. Each chunk is one request of the budget. Raises ``SourceError`` before
        anything is sent when the source cannot be used, ``UploadError`` when the upload ends early: call again to
        send the rest. ``slots`` bounds the chunks in flight of several uploads together. ``fresh``: the
        container was just created, so what it holds is not asked for.
        """
        intake = Intake(self._pipeline, options, on_progress, slots)
        return await intake.into_container(video_id, source, filename, fresh=fresh)

    async def upload_with_token(
        self,
        token: str,
        source: SourceLike,
        *,
        video_id: str | None = None,
        filename: str | None = None,
        options: UploadOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> Video:
        """Upload with an upload token and no API key (``POST /upload``, uploads).

        Creates the video, titled with the file name, unless ``video_id`` names a container. The first chunk goes
        alone, because its answer gives the id that the others must carry. When the answer to that first chunk is
        lost, ``UploadError`` with ``outcome="unknown"`` is raised rather than a second video created.
        """
        return await Intake(self._pipeline, options, on_progress).with_token(token, source, video_id, filename)

    def open_upload(
        self,
        video_id: str,
        *,
        filename: str = "video",
        options: UploadOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> PushSession:
        """Open an upload that is fed by ``await session.write(data)`` and ended by ``await session.finish()``."""
        intake = Intake(self._pipeline, options, on_progress)

        async def start(stream: Stream) -> Video:
            return await intake.into_container(video_id, stream)

        return PushSession(start, filename)

    async def get_status(self, video_id: str) -> VideoStatus:
        """Show what has arrived and how far the encoding is (``GET /videos/{videoId}/status``, reads)."""
        return await self._pipeline.call(status_request(video_id, Priority.NORMAL), VideoStatus)

    async def wait_until_playable(self, video_id: str, *, timeout: float = 600.0, probe: bool = False) -> VideoStatus:
        """Wait until at least one quality can be watched; polls less and less often, and last in the read budget.

        ``timeout`` in seconds. ``probe``: wait until the HLS manifest is served, too, which takes two more requests a
        poll. Raises ``ApiTimeoutError`` after the timeout, ``EncodingError`` when every quality failed.
        """
        [result] = [one async for one in self.wait_until_playable_many([video_id], timeout=timeout, probe=probe)]
        if result.status is None:
            raise result.error or AssertionError("neither a status nor an error")
        return result.status

    def wait_until_playable_many(
        self, video_ids: Iterable[str], *, timeout: float = 3600.0, probe: bool = False
    ) -> AsyncIterator[PlayableResult]:
        """Wait for any number of videos with one poller; iterate over what became of each, as it becomes known.

        As :meth:`wait_until_playable`, but a failure is a result with ``error`` set and stops nothing; ``timeout`` is
        for all together. Takes at most half of the read budget: with 500 requests a minute a thousand videos are
        looked at every four minutes.
        """
        return wait_for_all(self._pipeline, video_ids, timeout=timeout, probe=probe)

    async def open_private_session(self, video: Video) -> PrivateSession:
        """Open a session for the assets of a private video (a GET beside them, outside the request budget).

        Spends the token that ``video`` came with, so ``get`` the video anew for each viewer. The session lasts 24
        hours: ``session.assets`` and ``session.url(address)`` are addresses that work as often as needed. Raises
        ``NotFoundError`` when the token was used before, ``ConfigurationError`` when the video is public.
        """
        request = asset_request("videos.open_private_session", session_address(video.assets))
        # Tried once: a repeat after a lost answer finds the token spent.
        response = await self._pipeline.attempt(request)
        content = response.json()
        token = content.get("session_token") if isinstance(content, Mapping) else None
        if not isinstance(token, str) or video.assets is None:
            raise ApiResponseError(
                f"{request.operation}: the answer holds no session_token",
                status=response.status,
                request=request.summary,
            )
        return PrivateSession(token, video.assets)

    async def upload_thumbnail(self, video_id: str, source: SourceLike, *, filename: str | None = None) -> Video:
        """Set the thumbnail (``POST /videos/{videoId}/thumbnail``, writes).

        ``source``: a JPEG, PNG or WebP of at most 8 MiB, given as videos are; a larger one is a ``SourceError``.
        """
        path = path_for("/videos/{video_id}/thumbnail", video_id=video_id)
        operation = "videos.upload_thumbnail"
        return await self._attach(operation, path, Video, source, filename, LARGEST_THUMBNAIL, "thumbnail")

    async def pick_thumbnail(self, video_id: str, *, timecode: str | timedelta) -> Video:
        """Take the thumbnail from the video (``PATCH /videos/{videoId}/thumbnail``, writes).

        ``timecode``: a ``timedelta``, or ``HH:MM:SS[.mmm]``, ``HH:MM:SS:frame`` or seconds as digits; out of range
        means the start.
        """
        path = path_for("/videos/{video_id}/thumbnail", video_id=video_id)
        return await self._call("videos.pick_thumbnail", "PATCH", path, Video, {"timecode": as_timecode(timecode)})

    async def get_discarded(self, video_id: str) -> Video:
        """Show a discarded video (``GET /discarded/videos/{videoId}``, reads). ``NotFoundError`` when it is none."""
        path = path_for("/discarded/videos/{video_id}", video_id=video_id)
        return await self._call("videos.get_discarded", "GET", path, Video)

    async def restore(self, video_id: str) -> Video:
        """Bring a discarded video back (``PATCH /discarded/videos/{videoId}``, writes).

        ``NotFoundError`` when it was not discarded, or is gone for good.
        """
        path = path_for("/discarded/videos/{video_id}", video_id=video_id)
        return await self._call("videos.restore", "PATCH", path, Video, {"discarded": False})
