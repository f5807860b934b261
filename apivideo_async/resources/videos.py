"""Videos: containers, their files and their status (service.md#video-operations)."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, TypedDict, Unpack

from ..config import UNSET, Unset, UploadOptions, check_type
from ..models import Video, VideoAssets, VideoStatus, camel_case
from ..models import timecode as as_timecode
from ..paginator import Paginator
from ..protocol.json_body import text_list
from ..protocol.private_assets import PrivateSession
from ..protocol.request import Priority, check_metadata, path_for
from ..protocol.writes import ExtraParameters, extra_only
from ..uploads.ledger import LedgerSnapshot
from ..uploads.progress import OnProgress
from ..uploads.session import PushSession
from ..uploads.sources.types import SourceLike, Stream
from ..uploads.uploader import Uploader
from ._creation import create_keyed, create_video
from ._fields import UPDATE_FIELDS, VideoFields, VideoUpdateFields, video_fields
from ._key_records import key_record
from ._resource import THUMBNAIL, PageQuery, Resource, SortOrder
from ._waiting import PlayableResult, status_request, wait_for_all

__all__ = ["VideoListQuery", "Videos"]

VideoSort = Literal["title", "createdAt", "publishedAt", "updatedAt"]


class _VideoFilters(TypedDict, total=False):
    title: str | Unset
    description: str | Unset
    tags: Sequence[str] | Unset
    metadata: Mapping[str, str] | Unset
    live_stream_id: str | Unset
    """Live stream of which the video is a recording."""
    sort_by: VideoSort | Unset
    sort_order: SortOrder | Unset


class VideoListQuery(_VideoFilters, PageQuery, total=False):
    """Arguments of ``videos.list`` and ``videos.list_discarded``."""


_FILTERS = {name: camel_case(name) for name in _VideoFilters.__annotations__}


def _path(video_id: str) -> str:
    return path_for("/videos/{video_id}", video_id=video_id)


class Videos(Resource):
    """``client.videos``."""

    def list(self, **query: Unpack[VideoListQuery]) -> Paginator[Video]:
        """List videos (``GET /videos``, reads). ``VideoListQuery`` describes the arguments.

        ``title`` and ``description`` match a part of the text. Every given tag and metadata pair
        must match. Raises ``ConfigurationError`` for a filter that is None or empty, such as
        ``tags=[]``, because the service would list every video.
        """
        return self._list_videos("videos.list", "/videos", query)

    def list_discarded(self, **query: Unpack[VideoListQuery]) -> Paginator[Video]:
        """List deleted videos that can be restored (``GET /discarded/videos``, reads).

        The arguments are those of :meth:`list`. ``assets`` of the videos are None. The list is
        empty unless Video Restore is enabled.
        """
        return self._list_videos("videos.list_discarded", "/discarded/videos", query)

    def _list_videos(self, operation: str, path: str, query: VideoListQuery) -> Paginator[Video]:
        if unknown := set(query) - set(_FILTERS) - set(PageQuery.__annotations__):
            raise TypeError(f"{operation} has no argument {', '.join(sorted(unknown))}")
        page: Any = {name: value for name, value in query.items() if name not in _FILTERS}
        filters: Any = {_FILTERS[name]: value for name, value in query.items() if name in _FILTERS}
        if not isinstance(tags := filters.get("tags", UNSET), Unset):
            filters["tags"] = text_list("tags", tags)
        check_metadata(filters.get("metadata", UNSET))
        return self._list(operation, path, Video, page, filters)

    async def create(
        self,
        *,
        title: str,
        source: str | Unset = UNSET,
        idempotency_key: str | None = None,
        **fields: Unpack[VideoFields],
    ) -> Video:
        """Create a container, or a video from ``source`` (``POST /videos``, writes).

        ``source`` is a URL that api.video downloads, or the id of a video to copy. The service
        deletes an empty container after 7 days. With ``idempotency_key`` (stored as the metadata
        pair ``ingestKey``), a second call, or a call whose response was lost, returns the existing
        video. Without a key, a lost response raises an error.
        """
        attributes = {"title": title, "source": source, **fields}
        if idempotency_key is None:
            return await create_video(self._pipeline, attributes)
        async with key_record(self._pipeline, idempotency_key) as record:
            created = await create_keyed(self._pipeline, attributes, idempotency_key, record)
            return created.video

    async def get(self, video_id: str) -> Video:
        """Return a video, with a new token if private (``GET /videos/{videoId}``, reads)."""
        return await self._call("videos.get", "GET", _path(video_id), Video)

    async def update(
        self, video_id: str, *, title: str | Unset = UNSET, **fields: Unpack[VideoUpdateFields]
    ) -> Video:
        """Change the given fields only (``PATCH /videos/{videoId}``, writes).

        ``tags`` and ``metadata`` replace the stored values. Raises ``ConflictError`` if
        ``transcript_summary`` is set and the video has a summary.
        """
        changes = video_fields({"title": title, **fields})
        return await self._write(
            "videos.update", "PATCH", _path(video_id), Video, changes, UPDATE_FIELDS
        )

    async def delete(self, video_id: str, *, missing_ok: bool = False) -> None:
        """Delete a video (``DELETE /videos/{videoId}``, writes). Video Restore discards it."""
        await self._delete("videos.delete", _path(video_id), missing_ok=missing_ok)

    async def upload(
        self,
        video_id: str,
        source: SourceLike,
        *,
        filename: str | None = None,
        size: int | None = None,
        options: UploadOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> Video:
        """Upload a source into a container (``POST /videos/{videoId}/source``, uploads).

        If the container holds a part of the source already, only the rest is sent. ``source`` is a
        path, bytes, a binary file (read from its current position), an async iterable of bytes, an
        object with ``async read(n)``, or a ``Source``. ``size`` is the number of bytes that it must
        have: a stream that ends early does not complete the video. Each chunk uses one request of
        the budget.

        Raises ``SourceError`` before anything is sent if the source cannot be used, and
        ``UploadError`` if the upload ends early. Call again to send the rest.
        """
        uploader = Uploader(self._pipeline, options, on_progress)
        return await uploader.into_container(video_id, source, filename, size)

    async def upload_with_token(
        self,
        token: str,
        source: SourceLike,
        *,
        video_id: str | None = None,
        filename: str | None = None,
        size: int | None = None,
        ledger: LedgerSnapshot | None = None,
        options: UploadOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> Video:
        """Upload with an upload token and no API key (``POST /upload``, uploads).

        The upload creates a video with the file name as its title, unless ``video_id`` names a
        container. The first chunk is sent alone, because its response gives the id that the other
        chunks must carry. If that response is lost, ``UploadError`` with ``outcome="unknown"`` is
        raised, because a repeat would create a second video.

        A token cannot ask which chunks arrived. To continue an interrupted upload of the same
        bytes, pass ``video_id=error.video_id`` and ``ledger=error.ledger`` of the ``UploadError``,
        or use ``UploadOptions(resume="on")``, which keeps a journal for files. ``size`` is the
        number of bytes that the source must have.
        """
        return await Uploader(self._pipeline, options, on_progress).with_token(
            token, source, video_id, filename, ledger, size
        )

    def open_upload(
        self,
        video_id: str,
        *,
        filename: str = "video",
        size: int | None = None,
        options: UploadOptions | None = None,
        on_progress: OnProgress | None = None,
    ) -> PushSession:
        """Open an upload whose data the caller writes piece by piece. See ``PushSession``.

        ``size`` is the number of bytes that the caller will write. Other numbers raise
        ``SourceError``, and the video is not completed.
        """
        uploader = Uploader(self._pipeline, options, on_progress)

        async def start(stream: Stream) -> Video:
            return await uploader.into_container(video_id, stream, size=size)

        return PushSession(start, filename)

    async def get_status(self, video_id: str) -> VideoStatus:
        """Return the upload and encoding status (``GET /videos/{videoId}/status``, reads)."""
        pipeline = self._pipeline.patient()
        return await pipeline.call(status_request(video_id, Priority.NORMAL), VideoStatus)

    async def wait_until_playable(
        self, video_id: str, *, timeout: float = 600.0, probe: bool = False
    ) -> VideoStatus:
        """Wait until at least one quality can be watched.

        The status is requested less often over time, with the lowest priority in the read budget.
        ``timeout`` is in seconds. With ``probe``, the method also waits for the HLS manifest, which
        needs two more requests per poll. Raises ``ApiTimeoutError`` after the timeout, and
        ``EncodingError`` if every quality failed.
        """
        results = self.wait_until_playable_many([video_id], timeout=timeout, probe=probe)
        [result] = [result async for result in results]
        if result.status is None:
            raise result.error or AssertionError("neither a status nor an error")
        return result.status

    def wait_until_playable_many(
        self, video_ids: Iterable[str], *, timeout: float = 3600.0, probe: bool = False
    ) -> AsyncIterator[PlayableResult]:
        """Wait for any number of videos, and yield each result when it becomes known.

        The arguments are those of :meth:`wait_until_playable`, but ``timeout`` is for all videos
        together. A failure is a result with ``error`` set, and the other videos are still waited
        for. One poller uses at most half of the read budget. With 500 reads per minute, it checks a
        thousand videos every four minutes.
        """
        return wait_for_all(self._pipeline, video_ids, timeout=timeout, probe=probe)

    async def open_private_session(self, video: Video) -> PrivateSession[VideoAssets]:
        """Open a session for the assets of a private video, its player included.

        Sends a GET request outside the request budget. This uses up the token in ``video``, so call
        ``get`` again for each viewer. The session lasts 24 hours. ``session.assets`` and
        ``session.url(address)`` are addresses that can be used repeatedly. Raises ``NotFoundError``
        if the token was used before, and ``ConfigurationError`` if the video is public.
        """
        check_type("video", video, Video, optional=False)
        return await self._open_session("videos.open_private_session", video.assets)

    async def upload_thumbnail(
        self,
        video_id: str,
        source: SourceLike,
        *,
        filename: str | None = None,
        **extra: Unpack[ExtraParameters],
    ) -> Video:
        """Set the thumbnail (``POST /videos/{videoId}/thumbnail``, writes).

        ``source`` is a JPEG, PNG or WebP of at most 8 MiB.
        """
        path = f"{_path(video_id)}/thumbnail"
        return await self._upload_file(
            "videos.upload_thumbnail", path, Video, source, filename, THUMBNAIL, extra_only(extra)
        )

    async def pick_thumbnail(
        self, video_id: str, *, timecode: str | timedelta, **extra: Unpack[ExtraParameters]
    ) -> Video:
        """Use a frame of the video as thumbnail (``PATCH /videos/{videoId}/thumbnail``, writes).

        ``timecode`` is a ``timedelta``, ``HH:MM:SS[.mmm]``, ``HH:MM:SS:frame``, or seconds as
        digits. A time outside the video selects the first frame.
        """
        path = f"{_path(video_id)}/thumbnail"
        fields = {"timecode": as_timecode(timecode), **extra_only(extra)}
        return await self._write("videos.pick_thumbnail", "PATCH", path, Video, fields)

    async def get_discarded(self, video_id: str) -> Video:
        """Return a discarded video (``GET /discarded/videos/{videoId}``, reads)."""
        path = f"/discarded{_path(video_id)}"
        return await self._call("videos.get_discarded", "GET", path, Video)

    async def restore(self, video_id: str, **extra: Unpack[ExtraParameters]) -> Video:
        """Restore a discarded video (``PATCH /discarded/videos/{videoId}``, writes).

        Raises ``NotFoundError`` if the video is not discarded or was deleted permanently.
        """
        path = f"/discarded{_path(video_id)}"
        fields = {"discarded": False, **extra_only(extra)}
        return await self._write("videos.restore", "PATCH", path, Video, fields)
