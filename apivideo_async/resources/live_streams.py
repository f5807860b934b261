"""Live streams (service.md#live-stream-operations, service.md#live-streams)."""

from collections.abc import Sequence, Sized
from typing import Literal, TypeAlias, Unpack

from ..config import UNSET, Unset, check_type
from ..errors import ConfigurationError
from ..models import LiveStream, LiveStreamAssets, Restream
from ..paginator import Paginator
from ..protocol.json_body import check_names
from ..protocol.private_assets import PrivateSession
from ..protocol.request import build_request, path_for
from ..protocol.writes import ExtraParameters, extra_only
from ..uploads.sources.types import SourceLike
from ._resource import THUMBNAIL, PageQuery, Resource, SortOrder

__all__ = ["LiveStreamFields", "LiveStreams"]

MOST_RESTREAMS = 5
"""Limit of the service (service.md#restreams)."""

LiveStreamSort: TypeAlias = Literal["name", "createdAt", "updatedAt"]


class LiveStreamFields(ExtraParameters, total=False):
    """Fields that can be set at creation and changed later. An absent field is not sent."""

    public: bool | Unset
    player_id: str | Unset
    restreams: Sequence[Restream] | Unset
    """Servers that receive a copy of the stream, at most 5.

    The list replaces the stored one, and ``[]`` clears it. A change takes effect at the next start.
    """


class LiveStreams(Resource):
    """``client.live_streams``. An encoder sends to ``rtmp_url``, ``rtmps_url`` or ``srt_url``."""

    def list(
        self,
        *,
        stream_key: str | Unset = UNSET,
        name: str | Unset = UNSET,
        sort_by: LiveStreamSort | Unset = UNSET,
        sort_order: SortOrder | Unset = UNSET,
        **page: Unpack[PageQuery],
    ) -> Paginator[LiveStream]:
        """List live streams (``GET /live-streams``, reads).

        ``name`` matches a part of the name, ``stream_key`` the whole key.
        """
        query = {"streamKey": stream_key, "name": name, "sortBy": sort_by, "sortOrder": sort_order}
        return self._list("live_streams.list", "/live-streams", LiveStream, page, query)

    async def create(self, *, name: str, **fields: Unpack[LiveStreamFields]) -> LiveStream:
        """Create a live stream (``POST /live-streams``, writes).

        ``name`` is also the title of its recordings. Raises ``BadRequestError`` if a restream lacks
        a member or an application path in its address, and ``ConfigurationError`` for more than 5
        restreams.
        """
        _check(fields)
        return await self._write(
            "live_streams.create",
            "POST",
            "/live-streams",
            LiveStream,
            {"name": name, **fields},
            LiveStreamFields.__annotations__,
        )

    async def get(self, live_stream_id: str) -> LiveStream:
        """Return a live stream (``GET /live-streams/{liveStreamId}``, reads)."""
        path = path_for("/live-streams/{live_stream_id}", live_stream_id=live_stream_id)
        return await self._call("live_streams.get", "GET", path, LiveStream)

    async def update(
        self, live_stream_id: str, *, name: str | Unset = UNSET, **fields: Unpack[LiveStreamFields]
    ) -> LiveStream:
        """Change the given fields only (``PATCH /live-streams/{liveStreamId}``, writes)."""
        _check(fields)
        path = path_for("/live-streams/{live_stream_id}", live_stream_id=live_stream_id)
        return await self._write(
            "live_streams.update",
            "PATCH",
            path,
            LiveStream,
            {"name": name, **fields},
            LiveStreamFields.__annotations__,
        )

    async def delete(self, live_stream_id: str, *, missing_ok: bool = False) -> None:
        """Delete a stream, not its recordings (``DELETE /live-streams/{liveStreamId}``, writes)."""
        path = path_for("/live-streams/{live_stream_id}", live_stream_id=live_stream_id)
        await self._delete("live_streams.delete", path, missing_ok=missing_ok)

    async def open_private_session(
        self, live_stream: LiveStream
    ) -> PrivateSession[LiveStreamAssets]:
        """Open a session for the assets of a private live stream, its player included.

        Requests, errors and use are those of ``videos.open_private_session``. The documentation
        does not describe sessions of live streams: the form of the address is taken from the assets
        (service.md#other-private-assets).
        """
        check_type("live_stream", live_stream, LiveStream, optional=False)
        return await self._open_session("live_streams.open_private_session", live_stream.assets)

    async def upload_thumbnail(
        self,
        live_stream_id: str,
        source: SourceLike,
        *,
        filename: str | None = None,
        **extra: Unpack[ExtraParameters],
    ) -> LiveStream:
        """Set the thumbnail (``POST /live-streams/{liveStreamId}/thumbnail``, writes).

        ``source`` is a JPEG, PNG or WebP of at most 8 MiB.
        """
        path = path_for("/live-streams/{live_stream_id}/thumbnail", live_stream_id=live_stream_id)
        return await self._upload_file(
            "live_streams.upload_thumbnail",
            path,
            LiveStream,
            source,
            filename,
            THUMBNAIL,
            extra_only(extra),
        )

    async def delete_thumbnail(self, live_stream_id: str) -> LiveStream:
        """Restore the default (``DELETE /live-streams/{liveStreamId}/thumbnail``, writes)."""
        path = path_for("/live-streams/{live_stream_id}/thumbnail", live_stream_id=live_stream_id)
        return await self._call("live_streams.delete_thumbnail", "DELETE", path, LiveStream)

    async def complete(self, live_stream_id: str) -> None:
        """End the running broadcast (``PUT /live-streams/{liveStreamId}/complete``, writes).

        The service needs some seconds. After that, the stream key can be used again immediately.
        """
        path = path_for("/live-streams/{live_stream_id}/complete", live_stream_id=live_stream_id)
        await self._pipeline.send(build_request("live_streams.complete", "PUT", path))


def _check(fields: LiveStreamFields) -> None:
    check_names("live streams have", fields, LiveStreamFields.__annotations__)
    restreams = fields.get("restreams")
    if isinstance(restreams, Sized) and len(restreams) > MOST_RESTREAMS:
        text = f"a live stream has at most {MOST_RESTREAMS} restreams, not {len(restreams)}"
        raise ConfigurationError(text, option="restreams")
