"""Chapters of a video, one WebVTT file per language (service.md#chapter-operations)."""

from typing import Unpack

from ..config import MIB
from ..models import Chapter
from ..paginator import Paginator
from ..protocol.request import path_for
from ..uploads.sources.types import SourceLike
from ._resource import PageQuery, Resource

__all__ = ["Chapters"]

LARGEST_FILE = 64 * MIB
"""Limit in bytes of the memory for a stream. The service documents no limit."""


class Chapters(Resource):
    """``client.chapters``. Chapters cannot be updated: upload them again.

    ``language`` is any BCP 47 tag, such as ``fr``. Every method raises ``NotFoundError`` if the
    video, or its chapters in that language, do not exist.
    """

    def list(self, video_id: str, **page: Unpack[PageQuery]) -> Paginator[Chapter]:
        """List the chapters of a video (``GET /videos/{videoId}/chapters``, reads)."""
        path = path_for("/videos/{video_id}/chapters", video_id=video_id)
        return self._list("chapters.list", path, Chapter, page)

    async def upload(
        self, video_id: str, language: str, source: SourceLike, *, filename: str | None = None
    ) -> Chapter:
        """Add chapters (``POST /videos/{videoId}/chapters/{language}``, writes).

        ``source`` is a WebVTT file in UTF-8, of any type that a video upload accepts. The service
        does not check its content. ``filename`` must end in ``.vtt``. Raises ``BadRequestError`` if
        the file is no ``.vtt``, and ``SourceError`` if the source is empty or cannot be read.
        """
        path = path_for(
            "/videos/{video_id}/chapters/{language}", video_id=video_id, language=language
        )
        return await self._attach(
            "chapters.upload", path, Chapter, source, filename, LARGEST_FILE, "chapters.vtt"
        )

    async def get(self, video_id: str, language: str) -> Chapter:
        """Return the chapters (``GET /videos/{videoId}/chapters/{language}``, reads)."""
        path = path_for(
            "/videos/{video_id}/chapters/{language}", video_id=video_id, language=language
        )
        return await self._call("chapters.get", "GET", path, Chapter)

    async def delete(self, video_id: str, language: str, *, missing_ok: bool = False) -> None:
        """Delete chapters (``DELETE /videos/{videoId}/chapters/{language}``, writes).

        ``missing_ok`` suppresses ``NotFoundError`` if there is nothing to delete.
        """
        path = path_for(
            "/videos/{video_id}/chapters/{language}", video_id=video_id, language=language
        )
        await self._delete("chapters.delete", path, missing_ok=missing_ok)
