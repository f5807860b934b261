"""Live streams (service.md#live-stream-operations, service.md#live-streams)."""

from collections.abc import Sequence
from typing import Literal, TypeAlias, TypedDict, Unpack

from ..config import MIB, UNSET, Unset
from ..errors import ConfigurationError
from ..models import LiveStream, Restream
from ..paginator import Paginator
from ..protocol.json_body import check_names
from ..protocol.request import build_request, path_for
from ..uploads.sources.opening import SourceLike
from ._resource import PageQuery, Resource, SortOrder

__all__ = ["LiveStreamFields", "LiveStreams"]

LARGEST_THUMBNAIL = 8 * MIB
MOST_RESTREAMS = 5

LiveStreamSort: TypeAlias = Literal["name", "createdAt", "updatedAt"]


class LiveStreamFields(TypedDict, total=False):
    """What can be said at creation and changed later. Left out is not sent."""

    public: bool | Unset
    """Whether everybody may watch."""
    player_id: str | Unset
    """Theme of the player."""
    restreams: Sequence[Restream] | Unset
    """Where to pass it on to, 5 at most; replaces all, ``[]`` clears, takes effect at the next start."""


class LiveStreams(Resource):
    """``client.live_streams``.

    A ``LiveStream`` says where to send it: ``rtmp_url``, ``rtmps_url``, ``srt_url``. Every method that takes an id
    raises ``NotFoundError`` when there is no such live stream.
    """

    def list(
        self,
        *,
        stream_key: str | Unset = UNSET,
        name: str | Unset = UNSET,
        sort_by: LiveStreamSort | Unset = UNSET,
        sort_order: SortOrder | Unset = UNSET,
        **page: Unpack[PageQuery],
    ) -> Paginator[LiveStream]:
        """List live streams (``GET /live-streams``, reads); ``name`` matches a part, ``stream_key`` the whole."""
        query = {"streamKey": stream_key, "name": name, "sortBy": sort_by, "sortOrder": sort_order}
        return self._list("live_streams.list", "/live-streams", LiveStream, page, query)

    async def create(self, *, name: str, **fields: Unpack[LiveStreamFields]) -> LiveStream:
        """Create a live stream (``POST /live-streams``, writes).

        ``name`` is also the title of its recordings; ``fields`` as in ``LiveStreamFields``. ``BadRequestError`` when
        a restream lacks a member or an application in its address.
        """
        _check(fields)
        return await self._call("live_streams.create", "POST", "/live-streams", LiveStream, {"name": name, **fields})

    async def get(self, live_stream_id: str) -> LiveStream:
        """Show a live stream (``GET /live-streams/{liveStreamId}``, reads)."""
        path = path_for("/live-streams/{live_stream_id}", live_stream_id=live_stream_id)
        return await self._call("live_streams.get", "GET", path, LiveStream)

    async def update(
        self, live_stream_id: str, *, name: str | Unset = UNSET, **fields: Unpack[LiveStreamFields]
    ) -> LiveStream:
        """Change what is given and nothing else (``PATCH /live-streams/{liveStreamId}``, writes)."""
        _check(fields)
        path = path_for("/live-streams/{live_stream_id}", live_stream_id=live_stream_id)
        return await self._call("live_streams.update", "PATCH", path, LiveStream, {"name": name, **fields})

    async def delete(self, live_stream_id: str, *, missing_ok: bool = False) -> None:
        """Delete a live stream; its recordings stay (``DELETE /live-streams/{liveStreamId}``, writes).

        ``missing_ok``: no ``NotFoundError`` when there is nothing to delete.
        """
        path = path_for("/live-streams/{live_stream_id}", live_stream_id=live_stream_id)
        await self._delete("live_streams.delete", path, missing_ok=missing_ok)

    async def upload_thumbnail(
        self, live_stream_id: str, source: SourceLike, *, filename: str | None = None
    ) -> LiveStream:
        """Set the thumbnail (``POST /live-streams/{liveStreamId}/thumbnail``, writes).

        ``source``: a JPEG, PNG or WebP of at most 8 MiB, given as videos are; a larger one is a ``SourceError``.
        """
        path = path_for("/live-streams/{live_stream_id}/thumbnail", live_stream_id=live_stream_id)
        operation = "live_streams.upload_thumbnail"
        return await self._attach(operation, path, LiveStream, source, filename, LARGEST_THUMBNAIL, "thumbnail")

    async def delete_thumbnail(self, live_stream_id: str) -> LiveStream:
        """Go back to the thumbnail of the service (``DELETE /live-streams/{liveStreamId}/thumbnail``, writes)."""
        path = path_for("/live-streams/{live_stream_id}/thumbnail", live_stream_id=live_stream_id)
        return await self._call("live_streams.delete_thumbnail", "DELETE", path, LiveStream)

    async def complete(self, live_stream_id: str) -> None:
        """End the broadcast that is on air (``PUT /live-streams/{liveStreamId}/complete``, writes).

        The service takes some seconds after that; then the stream key can be used again at once.
        """
        path = path_for("/live-streams/{live_stream_id}/complete", live_stream_id=live_stream_id)
        await self._pipeline.send(build_request("live_streams.complete", "PUT", path))


def _check(fields: LiveStreamFields) -> None:
    check_names("live streams have", fields, LiveStreamFields.__annotations__)
    restreams = fields.get("restreams", UNSET)
    if not isinstance(restreams, Unset) and len(restreams) > MOST_RESTREAMS:
        raise ConfigurationError(f"a live stream has at most {MOST_RESTREAMS} restreams, not {len(restreams)}")
