"""Videos: containers, their files, their state (CONTRACT §6.2)."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict, Unpack

from ..config import MIB, UNSET, Unset, UploadOptions
from ..errors import ApiTimeoutError, EncodingError, NotFoundError
from ..models import Page, Video, VideoStatus
from ..paginator import Paginator
from ..pipeline import Pipeline
from ..protocol.request import Multipart, Priority, Request, build_request, path_for
from ..uploads.attachment import attachment
from ..uploads.intake import Intake
from ..uploads.reporter import OnProgress
from ..uploads.session import PushSession
from ..uploads.sources import SourceLike, Stream
from ._creation import create_video
from ._fields import VideoFields, VideoUpdateFields, video_body

__all__ = ["Videos"]

VideoSort = Literal["title", "createdAt", "publishedAt", "updatedAt"]
SortOrder = Literal["asc", "desc"]

LARGEST_THUMBNAIL = 8 * MIB
FIRST_POLL, LONGEST_POLL = 0.25, 5.0


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


class VideoListQuery(_VideoFilters, total=False):
    """What the two lists of videos take."""

    current_page: int
    """The page to begin with, from 1."""
    page_size: int
    """Items of a page, 1 to 100; 25 unless given."""
    prefetch: int
    """1 (the default) asks for the next page ahead, 0 only when it is needed."""


_FILTERS = {
    "title": "title",
    "description": "description",
    "tags": "tags",
    "metadata": "metadata",
    "live_stream_id": "liveStreamId",
    "sort_by": "sortBy",
    "sort_order": "sortOrder",
}


class Videos:
    """``client.videos``. Errors of every method: ``ApiStatusError`` and its classes, ``ApiConnectionError``."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def list(self, **query: Unpack[VideoListQuery]) -> Paginator[Video]:
        """List videos (``GET /videos``, reads); every argument is described in ``VideoListQuery``.

        ``title`` and ``description`` match a part of the text; every tag and every metadata pair given must match.
        """
        return self._list("videos.list", "/videos", **query)

    def list_discarded(self, **query: Unpack[VideoListQuery]) -> Paginator[Video]:
        """List videos that were deleted and can be restored (``GET /discarded/videos``, reads).

        Same arguments as :meth:`list`; their ``assets`` are None. Empty unless Video Restore is on.
        """
        return self._list("videos.list_discarded", "/discarded/videos", **query)

    def _list(
        self,
        operation: str,
        path: str,
        *,
        current_page: int = 1,
        page_size: int = 25,
        prefetch: int = 1,
        **filters: Unpack[_VideoFilters],
    ) -> Paginator[Video]:
        unknown = set(filters) - set(_FILTERS)
        if unknown:
            raise TypeError(f"{operation} has no argument {', '.join(sorted(unknown))}")
        wire = {_FILTERS[name]: value for name, value in filters.items()}

        async def fetch(page: int) -> Page[Video]:
            position = {"currentPage": page, "pageSize": page_size}
            request = build_request(operation, "GET", path, query={**wire, **position})  # type: ignore[dict-item]
            return await self._pipeline.page(request, Video)

        return Paginator(fetch, current_page=current_page, page_size=page_size, prefetch=prefetch)

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
        return await self._pipeline.call(build_request("videos.get", "GET", path), Video)

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
        try:
            await self._pipeline.send(build_request("videos.delete", "DELETE", path))
        except NotFoundError:
            if not missing_ok:
                raise

    async def upload(
        self,
        video_id: str,
        source: SourceLike,
        *,
        filename: str | None = None,
        options: UploadOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> Video:
        """Fill a container, or send what it does not hold yet (``POST /videos/{videoId}/source``, uploads).

        ``source``: a path, bytes, a binary file (from where it stands), an async iterable of bytes, an object with
        ``async read(n)``, or a ``Source``. Each chunk is one request of the budget. Raises ``SourceError`` before
        anything is sent when the source cannot be used, ``UploadError`` when the upload ends early: call again to
        send the rest.
        """
        return await Intake(self._pipeline, options, on_progress).into_container(video_id, source, filename)

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
        return await self._pipeline.call(self._status_request(video_id, Priority.NORMAL), VideoStatus)

    @staticmethod
    def _status_request(video_id: str, priority: Priority) -> Request:
        path = path_for("/videos/{video_id}/status", video_id=video_id)
        return build_request("videos.get_status", "GET", path, priority=priority)

    async def wait_until_playable(self, video_id: str, *, timeout: float = 600.0) -> VideoStatus:
        """Wait until at least one quality can be watched; polls last in the read budget.

        ``timeout`` in seconds. Raises ``ApiTimeoutError`` after it, ``EncodingError`` when every quality failed.
        """
        interval = FIRST_POLL
        request = self._status_request(video_id, Priority.POLL)
        try:
            async with asyncio.timeout(timeout):
                while True:
                    status = await self._pipeline.call(request, VideoStatus)
                    if status.playable:
                        return status
                    _check_encoding(video_id, status)
                    await asyncio.sleep(interval)
                    interval = min(LONGEST_POLL, interval * 1.5)
        except TimeoutError as expired:
            if isinstance(expired, ApiTimeoutError):
                raise
            raise ApiTimeoutError(
                f"{video_id} was not playable within {timeout:g} s; is its upload complete?",
                request=request.summary,
            ) from expired

    async def upload_thumbnail(self, video_id: str, source: SourceLike, *, filename: str | None = None) -> Video:
        """Set the thumbnail (``POST /videos/{videoId}/thumbnail``, writes): JPEG, PNG or WebP of at most 8 MiB."""
        path = path_for("/videos/{video_id}/thumbnail", video_id=video_id)
        async with attachment(source, filename, LARGEST_THUMBNAIL) as part:
            request = build_request("videos.upload_thumbnail", "POST", path, multipart=Multipart(part))
            return await self._pipeline.call(request, Video)

    async def pick_thumbnail(self, video_id: str, *, timecode: str) -> Video:
        """Take the thumbnail from the video (``PATCH /videos/{videoId}/thumbnail``, writes).

        ``timecode``: ``HH:MM:SS[.mmm]``, ``HH:MM:SS:frame`` or seconds as digits; out of range means the start.
        """
        path = path_for("/videos/{video_id}/thumbnail", video_id=video_id)
        body = json.dumps({"timecode": timecode}).encode()
        return await self._pipeline.call(build_request("videos.pick_thumbnail", "PATCH", path, body=body), Video)

    async def get_discarded(self, video_id: str) -> Video:
        """Show a discarded video (``GET /discarded/videos/{videoId}``, reads)."""
        path = path_for("/discarded/videos/{video_id}", video_id=video_id)
        return await self._pipeline.call(build_request("videos.get_discarded", "GET", path), Video)

    async def restore(self, video_id: str) -> Video:
        """Bring a discarded video back (``PATCH /discarded/videos/{videoId}``, writes)."""
        path = path_for("/discarded/videos/{video_id}", video_id=video_id)
        request = build_request("videos.restore", "PATCH", path, body=b'{"discarded": false}')
        return await self._pipeline.call(request, Video)


def _check_encoding(video_id: str, status: VideoStatus) -> None:
    qualities = status.encoding.qualities if status.encoding is not None else []
    if qualities and all(quality.status == "failed" for quality in qualities):
        raise EncodingError(f"{video_id}: every quality failed; is the file a video?", video_id=video_id)
