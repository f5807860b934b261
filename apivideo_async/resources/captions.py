"""Captions: subtitles of a video, one WebVTT file per language (service.md#caption-operations)."""

from typing import Unpack

from ..config import MIB
from ..models import Caption
from ..paginator import Paginator
from ..protocol.request import path_for
from ..uploads.sources.opening import SourceLike
from ._resource import PageQuery, Resource

__all__ = ["Captions"]

LARGEST_FILE = 64 * MIB
"""Not a limit of the service: what is held in memory when a stream is given."""


class Captions(Resource):
    """``client.captions``.

    ``language`` is a tag such as ``fr`` or ``fr-BE``, with dashes. Every method raises ``NotFoundError`` when there
    is no such video (or no captions in that language), ``BadRequestError`` for a tag that is none.
    """

    def list(self, video_id: str, **page: Unpack[PageQuery]) -> Paginator[Caption]:
        """List the captions of a video (``GET /videos/{videoId}/captions``, reads)."""
        path = path_for("/videos/{video_id}/captions", video_id=video_id)
        return self._list("captions.list", path, Caption, page)

    async def upload(self, video_id: str, language: str, source: SourceLike, *, filename: str | None = None) -> Caption:
        """Add captions (``POST /videos/{videoId}/captions/{language}``, writes).

        ``source``: a WebVTT file in UTF-8, given as videos are; SRT is not taken. The service does not look into
        it: broken WebVTT is accepted and then not shown. ``filename`` must end in ``.vtt``.
        """
        path = path_for("/videos/{video_id}/captions/{language}", video_id=video_id, language=language)
        return await self._attach("captions.upload", path, Caption, source, filename, LARGEST_FILE, "captions.vtt")

    async def get(self, video_id: str, language: str) -> Caption:
        """Show the captions of one language (``GET /videos/{videoId}/captions/{language}``, reads)."""
        path = path_for("/videos/{video_id}/captions/{language}", video_id=video_id, language=language)
        return await self._call("captions.get", "GET", path, Caption)

    async def update(self, video_id: str, language: str, *, default: bool) -> Caption:
        """Choose whether players show it unasked (``PATCH /videos/{videoId}/captions/{language}``, writes).

        ``default``: whether another language loses that place is not documented.
        """
        path = path_for("/videos/{video_id}/captions/{language}", video_id=video_id, language=language)
        return await self._call("captions.update", "PATCH", path, Caption, {"default": default})

    async def delete(self, video_id: str, language: str, *, missing_ok: bool = False) -> None:
        """Delete the captions of one language (``DELETE /videos/{videoId}/captions/{language}``, writes).

        ``missing_ok``: no ``NotFoundError`` when there is nothing to delete.
        """
        path = path_for("/videos/{video_id}/captions/{language}", video_id=video_id, language=language)
        await self._delete("captions.delete", path, missing_ok=missing_ok)
