"""Captions: subtitles of a video, one WebVTT file per language (service.md#caption-operations)."""

from typing import Unpack

from ..config import MIB
from ..models import Caption
from ..paginator import Paginator
from ..protocol.request import path_for
from ..uploads.sources.types import SourceLike
from ._resource import PageQuery, Resource

__all__ = ["Captions"]

LARGEST_FILE = 64 * MIB
"""Limit in bytes of the memory for a stream. The service documents no limit."""


class Captions(Resource):
    """``client.captions``.

    ``language`` is a tag with dashes, such as ``fr`` or ``fr-BE``. Every method raises
    ``NotFoundError`` if the video, or its captions in that language, do not exist, and
    ``BadRequestError`` for an invalid tag.
    """

    def list(self, video_id: str, **page: Unpack[PageQuery]) -> Paginator[Caption]:
        """List the captions of a video (``GET /videos/{videoId}/captions``, reads)."""
        path = path_for("/videos/{video_id}/captions", video_id=video_id)
        return self._list("captions.list", path, Caption, page)

    async def upload(
        self, video_id: str, language: str, source: SourceLike, *, filename: str | None = None
    ) -> Caption:
        """Add captions (``POST /videos/{videoId}/captions/{language}``, writes).

        ``source`` is a WebVTT file in UTF-8, of any type that a video upload accepts. SRT is not
        accepted. The service does not check the content: it accepts invalid WebVTT and then does
        not show it. ``filename`` must end in ``.vtt``. Raises ``SourceError`` if the source is
        empty or cannot be read.
        """
        path = path_for(
            "/videos/{video_id}/captions/{language}", video_id=video_id, language=language
        )
        return await self._attach(
            "captions.upload", path, Caption, source, filename, LARGEST_FILE, "captions.vtt"
        )

    async def get(self, video_id: str, language: str) -> Caption:
        """Return the captions (``GET /videos/{videoId}/captions/{language}``, reads)."""
        path = path_for(
            "/videos/{video_id}/captions/{language}", video_id=video_id, language=language
        )
        return await self._call("captions.get", "GET", path, Caption)

    async def update(self, video_id: str, language: str, *, default: bool) -> Caption:
        """Set the default (``PATCH /videos/{videoId}/captions/{language}``, writes).

        ``default`` is True if players show these captions without a choice of the viewer. The
        effect on the captions in other languages is not documented.
        """
        path = path_for(
            "/videos/{video_id}/captions/{language}", video_id=video_id, language=language
        )
        return await self._call("captions.update", "PATCH", path, Caption, {"default": default})

    async def delete(self, video_id: str, language: str, *, missing_ok: bool = False) -> None:
        """Delete captions (``DELETE /videos/{videoId}/captions/{language}``, writes).

        ``missing_ok`` suppresses ``NotFoundError`` if there is nothing to delete.
        """
        path = path_for(
            "/videos/{video_id}/captions/{language}", video_id=video_id, language=language
        )
        await self._delete("captions.delete", path, missing_ok=missing_ok)
